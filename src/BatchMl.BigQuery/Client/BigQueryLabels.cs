using System.Text;

namespace BatchMl.BigQuery.Client;

/// <summary>Labels of datasets, tables and jobs: what the bill can be divided by.</summary>
public static class BigQueryLabels
{
    const int Longest = 63, Most = 64;

    /// <summary>The nearest text that may be a label's value (and, if it begins with a letter, its key): lowercase, with <c>_</c> for what is not a letter, a digit, <c>_</c> or <c>-</c>, 63 characters at most.</summary>
    public static string Of(string text)
    {
        var label = new StringBuilder(Longest);
        foreach (var rune in text.EnumerateRunes())
        {
            if (label.Length == Longest) break;
            var lower = Rune.ToLowerInvariant(rune);
            label.Append(lower.IsAscii && (Rune.IsLetterOrDigit(lower) || lower.Value is '_' or '-') ? (char)lower.Value : '_');
        }
        return label.ToString();
    }

    /// <summary>Labels of whatever keys and values. A key that does not begin with a letter gets an <c>x</c>.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.ToDictionary(label => Of(label.Key is [>= 'a' and <= 'z' or >= 'A' and <= 'Z', ..] ? label.Key : $"x{label.Key}"), label => Of(label.Value));

    internal static void Check(IReadOnlyDictionary<string, string> labels, List<string> problems)
    {
        if (labels.Count > Most) problems.Add($"BigQuery is given {labels.Count} labels. Expected {Most} at most.");
        foreach (var (key, value) in labels)
            if (key.Length == 0 || Of(key) != key || key[0] is < 'a' or > 'z' || Of(value) != value)
                problems.Add($"BigQuery is given the label '{key}' = '{value}'. Expected 63 characters at most, lowercase letters, digits, '_' and '-', and a key that begins with a letter.");
    }
}
