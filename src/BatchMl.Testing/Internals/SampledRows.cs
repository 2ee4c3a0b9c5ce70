using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;

namespace BatchMl.Testing.Internals;

/// <summary>Keys and instants at which given rows can make a difference: keys that they have, at and around the instants in them.</summary>
static class SampledRows
{
    public static IReadOnlyList<object?[]> Of(Question question, Given given, int count, Random random)
    {
        if (count < 1) throw new TestFailedException($"{count} rows are to be checked for leaks; expected at least one.");
        var tables = given.Tables();
        var instants = tables.Values.SelectMany(t => t.Rows.Schema.FieldsList.Zip(t.Rows.Arrays).Where(c => Columns.TypeOf(c.First.DataType) == ColumnType.Timestamp))
            .SelectMany(c => Enumerable.Range(0, c.Second.Length).Select(i => Columns.ValueAt(c.Second, i))).OfType<long>().Distinct().Order().ToArray();
        if (instants.Length == 0) throw new TestFailedException("No given row has an instant, so there is no time to look for leaks at. Give rows to the sources, late ones among them.");
        var keys = question.Direct.Views.Select(v => (v.KeyColumns, Tuples: Tuples(v.View, tables[v.View.Source.Name]))).Where(v => v.Tuples.Length > 0).ToArray();
        var rows = new List<object?[]>();
        for (var i = 0; i < count; i++)
        {
            var values = new Dictionary<string, object?>(StringComparer.Ordinal);
            // The parts of one key are drawn together: a pair that no row has finds nothing.
            foreach (var (columns, tuples) in keys)
            {
                var tuple = tuples[random.Next(tuples.Length)];
                foreach (var (column, value) in columns.Zip(tuple)) values.TryAdd(column, value);
            }
            // At an instant in the rows, an hour or a day after it, and halfway to the next.
            var n = random.Next(instants.Length);
            var at = random.Next(4) switch
            {
                0 => instants[n],
                1 => instants[n] + 3_600_000_000,
                2 => instants[n] + 86_400_000_000,
                _ => instants[n] / 2 + instants[Math.Min(n + 1, instants.Length - 1)] / 2,
            };
            rows.Add([.. question.Keys.Select(k => k.Name == FeatureQuery.AsOf ? at : values.GetValueOrDefault(k.Name)), at]);
        }
        return rows;
    }

    static object?[][] Tuples(FeatureView view, RowTable table)
    {
        var columns = view.Keys.Select(k => CompiledExpr.Compile(k.Expr).Evaluate(table.Rows)).ToArray();
        return [.. Enumerable.Range(0, table.Rows.Length).Select(i => columns.Select(c => Columns.ValueAt(c, i)).ToArray())];
    }
}
