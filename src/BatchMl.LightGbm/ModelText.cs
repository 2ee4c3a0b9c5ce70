using System.Text;

namespace BatchMl.LightGbm;

/// <summary>
/// A LightGBM text model whose structure was checked: LightGBM's own parser trusts lengths and indices, and would read and write beyond its memory. What is allowed is what
/// LightGBM writes (src/boosting/gbdt_model_text.cpp and src/io/tree.cpp, formats v3 and v4): a header of known lines, each once; trees of the sizes that the header says.
/// </summary>
sealed class ModelText
{
    static readonly HashSet<string> headerKeys =
    [
        "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "average_output", "feature_names", "monotone_constraints", "feature_infos", "tree_sizes",
    ];

    ModelText(byte[] bytes, string[] featureNames) => (Bytes, FeatureNames) = (bytes, featureNames);

    /// <summary>The text itself.</summary>
    public byte[] Bytes { get; }

    /// <summary>Names of the inputs, in order.</summary>
    public IReadOnlyList<string> FeatureNames { get; }

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="DataException">What is wrong with it.</exception>
    public static ModelText Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} can not be read as a LightGBM text model: {e.Message}", e);
        }
    }

    /// <summary>Checks a text; the path is for messages.</summary>
    /// <exception cref="DataException">What is wrong with it.</exception>
    public static ModelText Parse(string path, byte[] bytes)
    {
        try
        {
            return new ModelText(bytes, Check(bytes));
        }
        catch (FormatException e)
        {
            throw new DataException($"{path} is not a complete LightGBM text model: {e.Message}. Expected what LightGBM's save_model writes; save it again, or train anew.", e);
        }
    }

    static string[] Check(byte[] bytes)
    {
        if (bytes.AsSpan().IndexOfAnyInRange((byte)0, (byte)8) >= 0 || bytes.AsSpan().Contains((byte)'\r'))
            throw new FormatException("it has bytes that no such text has, or lines that end with a carriage return");
        // One character per byte, so that positions are those that tree_sizes counts.
        var text = Encoding.Latin1.GetString(bytes);
        var first = text.IndexOf("\nTree=0\n", StringComparison.Ordinal);
        if (!text.StartsWith("tree\n", StringComparison.Ordinal) || first < 0) throw new FormatException("it does not begin with 'tree', a header and 'Tree=0'");
        var header = Lines(text.AsSpan("tree\n".Length, first - "tree\n".Length), headerKeys);
        var features = Features(header);
        var start = first + 1;
        var sizes = ModelTree.Integers(header.GetValueOrDefault("tree_sizes"), "tree_sizes");
        for (var number = 0; number < sizes.Length; number++)
        {
            if (sizes[number] < 0 || start + (long)sizes[number] > text.Length) throw new FormatException($"tree_sizes says {sizes[number]} for tree {number}, beyond the end");
            try
            {
                ModelTree.Check(text.AsSpan(start, sizes[number]), number, features.Length);
            }
            catch (FormatException e)
            {
                throw new FormatException($"tree {number}: {e.Message}", e);
            }
            start += sizes[number];
        }
        if (!text.AsSpan(start).StartsWith("end of trees\n", StringComparison.Ordinal)) throw new FormatException($"'end of trees' does not follow the {sizes.Length} trees that tree_sizes lists");
        CheckParameters(text.AsSpan(start));
        return features;
    }

    // Of what follows the trees LightGBM takes this one word as true, whatever the trees are.
    static void CheckParameters(ReadOnlySpan<char> rest)
    {
        const string key = "[linear_tree:";
        for (var at = rest.IndexOf(key, StringComparison.Ordinal); at >= 0; at = rest.IndexOf(key, StringComparison.Ordinal))
        {
            rest = rest[(at + key.Length)..];
            if (!rest.StartsWith(" 0]", StringComparison.Ordinal)) throw new FormatException("its parameters say linear_tree; linear trees are not supported");
        }
    }

    static string[] Features(Dictionary<string, string> header)
    {
        if (header.GetValueOrDefault("version") is not ("v3" or "v4") and var version) throw new FormatException($"its version is '{version}'; v3 and v4 are supported");
        if (header.GetValueOrDefault("num_class") != "1" || header.GetValueOrDefault("num_tree_per_iteration") != "1")
            throw new FormatException($"it has {header.GetValueOrDefault("num_class")} classes; models with one output per row are supported");
        ModelTree.Integers(header.GetValueOrDefault("label_index"), "label_index", 1);
        var count = ModelTree.Integers(header.GetValueOrDefault("max_feature_idx"), "max_feature_idx", 1)[0] + 1L;
        var names = Split(header, "feature_names");
        if (names.Length != count || Split(header, "feature_infos").Length != count) throw new FormatException($"max_feature_idx says {count} features, but feature_names and feature_infos do not list as many");
        if (header.ContainsKey("monotone_constraints")) ModelTree.Integers(header["monotone_constraints"], "monotone_constraints", names.Length);
        return [.. names.Select(n => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(n)))];
    }

    static string[] Split(Dictionary<string, string> header, string key) =>
        header.GetValueOrDefault(key)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? throw new FormatException($"{key} is missing");

    /// <summary>Lines <c>key=value</c> up to the first empty one, behind which nothing but empty ones may come.</summary>
    internal static Dictionary<string, string> Lines(ReadOnlySpan<char> block, HashSet<string> known)
    {
        var lines = new Dictionary<string, string>(StringComparer.Ordinal);
        var ended = false;
        foreach (var range in block.Split('\n'))
        {
            var line = block[range];
            if (line.Length == 0)
            {
                ended = true;
                continue;
            }
            var at = line.IndexOf('=');
            var key = (at < 0 ? line : line[..at]).ToString();
            if (ended || !known.Contains(key) || at < 0 != key is "average_output") 
                throw new FormatException($"it has an unexpected line '{(line.Length > 40 ? string.Concat(line[..40], "…") : line)}'");
            if (!lines.TryAdd(key, at < 0 ? "" : line[(at + 1)..].ToString())) throw new FormatException($"it has two lines '{key}'");
        }
        return ended || known == headerKeys ? lines : throw new FormatException("it does not end with an empty line");
    }
}
