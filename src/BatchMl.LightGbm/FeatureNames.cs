using System.Text;

namespace BatchMl.LightGbm;

/// <summary>Names as LightGBM's text format can hold them: without white space, which separates them there, and without the marks of JSON, which LightGBM refuses.</summary>
static class FeatureNames
{
    /// <summary>The names, with an underscore for what is not allowed; where two become the same, the later gets a number.</summary>
    public static string[] Of(IEnumerable<string> inputs)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        return [.. inputs.Select(input =>
        {
            var name = Allowed(input);
            var unique = name;
            for (var n = 2; !used.Add(unique); n++) unique = $"{name}_{n}";
            return unique;
        })];
    }

    static string Allowed(string input)
    {
        var name = new StringBuilder(input.Length);
        foreach (var c in input) name.Append(char.IsWhiteSpace(c) || char.IsControl(c) || "\",:[]{}".Contains(c) ? '_' : c);
        return name.Length == 0 ? "_" : name.ToString();
    }
}
