using BatchMl.Engine;

namespace BatchMl.Testing.Internals;

/// <summary>Holds features as of T, computed from the rows as they are now, against those computed from what the tables had at T.</summary>
static class Leaks
{
    // Each is a question of its own; who gives more rows than this is told what differs, not by which of them.
    const int FactsTried = 1_000;

    public static void Check(Question question, Given given, IReadOnlyList<object?[]> rows)
    {
        var now = question.Ask(rows, given.Tables());
        var features = question.Direct.Columns.Where(c => c.Role is ColumnRole.Feature or ColumnRole.Derived).ToArray();
        for (var i = 0; i < rows.Count; i++)
        {
            var at = ArrowColumns.FromUnixMicroseconds((long)rows[i][^1]!);
            var then = question.Ask([rows[i]], AsOf(given, at));
            foreach (var column in features)
            {
                var (before, after) = (then.Rows[0][column.Name], now.Rows[i][column.Name]);
                if (Cell.AreEqual(before, after)) continue;
                var key = question.Keys.Select((k, n) => $"{k.Name}={Cell.Text(rows[i][n], k.Type)}");
                throw new TestFailedException(
                    $"'{column.Name}' as of {Instants.Text((long)rows[i][^1]!)}{(question.Keys.Count > 0 ? $" of {string.Join(", ", key)}" : "")} leaks: from what was there at that time it is {Cell.Text(before, column.Type)}, "
                    + $"from the rows as they are now {Cell.Text(after, column.Type)}.{Environment.NewLine}{Fact(question, given, rows[i], at, column.Name, before)}{Environment.NewLine}"
                    + "Declare when rows really become known with AvailableAt (closings of validity with closedKnownAt), read columns that are written later from a source of their own, and give what changes a time in place of a look-up.");
            }
        }
    }

    static Dictionary<string, RowTable> AsOf(Given given, DateTimeOffset at, (string Source, int Row)? known = null) => given.Sources.DistinctBy(s => s.Name).ToDictionary(s => s.Name, s =>
    {
        var rows = given.AsItWas(s.Name, at).ToArray();
        if (known is { } fact && fact.Source == s.Name) rows[fact.Row] = given.Rows[s.Name][fact.Row];
        return Internals.Given.Table(s, [.. rows.OfType<object>()]);
    }, StringComparer.Ordinal);

    // The first that makes a difference by itself, on top of what was there.
    static string Fact(Question question, Given given, object?[] row, DateTimeOffset at, string column, object? before)
    {
        var tried = 0;
        foreach (var source in given.Sources.DistinctBy(s => s.Name).Where(s => given.Rows.ContainsKey(s.Name)))
        {
            var then = given.AsItWas(source.Name, at);
            for (var i = 0; i < then.Count && tried < FactsTried; i++)
            {
                var now = given.Rows[source.Name][i];
                if (Equals(then[i], now)) continue;
                tried++;
                object? after;
                try
                {
                    after = question.Ask([row], AsOf(given, at, (source.Name, i))).Rows[0][column];
                }
                catch (DataException)
                {
                    // On top of what was there this one alone may be no valid table.
                    continue;
                }
                if (Cell.AreEqual(before, after)) continue;
                return $"The fact is row {i} of '{source.Name}': {Internals.Given.Text(source, now)}, {(then[i] is { } was ? $"which at that time was {Internals.Given.Text(source, was)}" : "which was not there at that time")}.";
            }
        }
        return "No single row makes the difference; several do together.";
    }
}
