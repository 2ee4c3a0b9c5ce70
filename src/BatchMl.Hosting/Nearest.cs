namespace BatchMl.Hosting;

/// <summary>What somebody may have meant by a name that does not exist.</summary>
public static class Nearest
{
    /// <summary>The nearest of some names; null: there are none.</summary>
    public static string? To(string name, IEnumerable<string> known) => known.MinBy(k => Distance(k, name));

    /// <summary>An error that names what there is and proposes the nearest.</summary>
    /// <param name="what">E.g. <c>job</c>.</param>
    /// <param name="name">The name that does not exist.</param>
    /// <param name="known">Those that do.</param>
    public static DefinitionException Unknown(string what, string name, IEnumerable<string> known)
    {
        var all = known.ToArray();
        return new($"There is no {what} '{name}'. {(To(name, all) is { } nearest ? $"Did you mean '{nearest}'? {char.ToUpperInvariant(what[0])}{what[1..]}s are: {string.Join(", ", all)}." : "There are none.")}");
    }

    // Levenshtein: enough for a handful of names.
    static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[^1];
    }
}
