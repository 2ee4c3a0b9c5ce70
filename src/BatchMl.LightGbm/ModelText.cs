using System.Globalization;
using System.Text;

namespace BatchMl.LightGbm;

/// <summary>
/// Reads a LightGBM text model and checks its structure before the native parser sees it: that parser trusts lengths and indices. Checked: the header, that each tree has the size that the header says, and
/// that each tree's lists are complete and its indices in range.
/// </summary>
static class ModelText
{
    public static string Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new DataException($"{path} can not be read as a LightGBM text model: {e.Message}", e);
        }
        if (Problem(text) is { } problem)
        {
            throw new DataException($"{path} is not a complete LightGBM text model: {problem}. Expected what LightGBM's save_model writes; save it again, or train anew.");
        }
        return text;
    }

    static string? Problem(string text)
    {
        if (!text.StartsWith("tree\n", StringComparison.Ordinal)) return "it does not begin with 'tree'";
        var first = text.IndexOf("\nTree=0\n", StringComparison.Ordinal);
        var end = text.IndexOf("\nend of trees", StringComparison.Ordinal);
        if (first < 0 || end < first) return "its trees, or the line 'end of trees', are missing";
        var header = Fields(text[..first]);
        if (!header.TryGetValue("max_feature_idx", out var last) || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var maxFeature)) return "max_feature_idx is missing";
        if (!header.TryGetValue("tree_sizes", out var sizesText)) return "tree_sizes is missing";
        if (header.GetValueOrDefault("feature_names")?.Split(' ').Length != maxFeature + 1 || header.GetValueOrDefault("feature_infos")?.Split(' ').Length != maxFeature + 1)
        {
            return $"feature_names and feature_infos must each have {maxFeature + 1} entries";
        }
        var start = first + 1;
        var bytes = Encoding.UTF8.GetByteCount(text.AsSpan(start)) == text.Length - start;
        var number = 0;
        foreach (var sizeText in sizesText.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(sizeText, NumberStyles.None, CultureInfo.InvariantCulture, out var size) || !bytes || start + size > text.Length) return $"tree_sizes has '{sizeText}' for tree {number}, which does not fit";
            var tree = text.Substring(start, size);
            if (!tree.StartsWith($"Tree={number}\n", StringComparison.Ordinal)) return $"tree {number} is not where tree_sizes says";
            if (TreeProblem(Fields(tree), maxFeature) is { } problem) return $"tree {number}: {problem}";
            start += size;
            number++;
        }
        return text[start..].TrimStart('\n').StartsWith("end of trees", StringComparison.Ordinal) ? null : $"there is more than the {number} trees that tree_sizes lists";
    }

    static Dictionary<string, string> Fields(string block)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in block.Split('\n'))
        {
            if (line.IndexOf('=', StringComparison.Ordinal) is var at and > 0) fields[line[..at]] = line[(at + 1)..];
        }
        return fields;
    }

    static string? TreeProblem(Dictionary<string, string> tree, int maxFeature)
    {
        if (Integers(tree, "num_leaves") is not [var leaves] || leaves < 1) return "num_leaves is not a positive number";
        if (Integers(tree, "num_cat") is not [var categories] || categories < 0) return "num_cat is not a number";
        if (Numbers(tree, "leaf_value")?.Length != leaves) return $"leaf_value must have {leaves} numbers";
        if (leaves == 1) return null;
        var splits = leaves - 1;
        var features = Integers(tree, "split_feature");
        var decisions = Integers(tree, "decision_type");
        var (left, right) = (Integers(tree, "left_child"), Integers(tree, "right_child"));
        var thresholds = Numbers(tree, "threshold");
        if (features?.Length != splits || decisions?.Length != splits || left?.Length != splits || right?.Length != splits || thresholds?.Length != splits) return $"split_feature, threshold, decision_type, left_child and right_child must each have {splits} numbers";
        if (features.Any(f => f < 0 || f > maxFeature)) return "a split_feature is out of range";
        if (!IsTree(left, right, splits, leaves)) return "left_child and right_child do not form a tree";
        return categories == 0 ? (decisions.Any(d => (d & 1) != 0) ? "it has categorical splits but no categories" : null) : CategoryProblem(tree, categories, decisions, thresholds);
    }

    static string? CategoryProblem(Dictionary<string, string> tree, int categories, int[] decisions, double[] thresholds)
    {
        var bounds = Integers(tree, "cat_boundaries");
        var words = Numbers(tree, "cat_threshold");
        if (bounds?.Length != categories + 1 || bounds[0] != 0 || words is null || bounds[^1] != words.Length) return "cat_boundaries and cat_threshold do not fit num_cat";
        for (var i = 1; i < bounds.Length; i++)
        {
            if (bounds[i] < bounds[i - 1]) return "cat_boundaries do not ascend";
        }
        if (words.Any(w => w < 0 || w > uint.MaxValue || w != Math.Floor(w))) return "cat_threshold holds something else than 32-bit words";
        return decisions.Zip(thresholds).Any(d => (d.First & 1) != 0 && !(d.Second >= 0 && d.Second < categories && d.Second == Math.Floor(d.Second))) ? "a categorical split names no category" : null;
    }

    // Each node and leaf is reached exactly once from the root: no cycle, nothing out of range.
    static bool IsTree(int[] left, int[] right, int splits, int leaves)
    {
        var (nodes, ends) = (new bool[splits], new bool[leaves]);
        var stack = new Stack<int>([0]);
        while (stack.TryPop(out var node))
        {
            if (node >= 0)
            {
                if (node >= splits || nodes[node]) return false;
                nodes[node] = true;
                stack.Push(left[node]);
                stack.Push(right[node]);
            }
            else
            {
                if (~node >= leaves || ends[~node]) return false;
                ends[~node] = true;
            }
        }
        return !nodes.Contains(false) && !ends.Contains(false);
    }

    static int[]? Integers(Dictionary<string, string> fields, string name)
    {
        if (!fields.TryGetValue(name, out var text)) return null;
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var values = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out values[i])) return null;
        }
        return values;
    }

    static double[]? Numbers(Dictionary<string, string> fields, string name)
    {
        if (!fields.TryGetValue(name, out var text)) return null;
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var values = new double[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i])) return null;
        }
        return values;
    }
}
