using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>Explains single spine rows of a query.</summary>
sealed class Explainer(FeatureQuery query, SpineReader spine, IReadOnlyList<ViewComputation> views, FeatureOptions options)
{
    public async Task<IReadOnlyList<Explanation>> ExplainAsync(IReadOnlyDictionary<string, string> key, DateTimeOffset asOf, CancellationToken cancel)
    {
        var unknown = key.Keys.Where(k => query.Columns.All(c => c.Name != k || c.Role != ColumnRole.Spine)).ToArray();
        if (unknown.Length > 0)
        {
            throw new DefinitionException($"The spine has no column {string.Join(", ", unknown)}. Its columns are: {string.Join(", ", query.Spine.Columns.Select(c => c.Name))}.");
        }
        // The partition of a row is near its as_of as a rule, but need not be the same day.
        var day = DateOnly.FromDateTime(asOf.UtcDateTime);
        var partitions = await spine.CountAsync(day.AddDays(-3), day.AddDays(4), cancel);
        if (partitions.Count == 0) throw new DefinitionException($"The spine has no rows near {asOf:O}.");
        var wanted = asOf.ToUnixMicroseconds();
        var explained = new List<Explanation>();
        var ofKey = new List<long>();
        await foreach (var rows in spine.ReadAsync(partitions, int.MaxValue, options.MemoryBytes, cancel))
        {
            for (var i = 0; i < rows.Rows; i++)
            {
                if (!key.All(k => TextAt(rows.Columns[k.Key], i) == k.Value)) continue;
                ofKey.Add(rows.AsOf.Values[i]);
                if (ofKey[^1] == wanted) explained.Add(await ExplainRowAsync(rows, i, cancel));
            }
        }
        if (explained.Count > 0) return explained;
        var near = ofKey.OrderBy(t => Math.Abs(t - wanted)).Take(3).Select(Instant);
        throw new DefinitionException($"No spine row has {string.Join(", ", key.Select(k => $"{k.Key}={k.Value}"))} and as_of {Instant(wanted)}. "
            + (ofKey.Count == 0 ? "No row near that time has that key." : $"The nearest as_of of that key: {string.Join(", ", near)}."));
    }

    async Task<Explanation> ExplainRowAsync(SpineRows rows, int row, CancellationToken cancel)
    {
        var columns = rows.Columns.ToDictionary(c => c.Key, c => Columns.Take(c.Value, [row]), StringComparer.Ordinal);
        var shown = query.Columns.Where(c => c.Role is ColumnRole.Spine or ColumnRole.AsOf or ColumnRole.Partition).Select(c => new ExplainedValue(c.Name, TextAt(columns[c.Name], 0))).ToArray();
        var explained = new List<ExplainedView>();
        foreach (var (view, resolved) in views.Zip(query.Views)) explained.Add(await ExplainViewAsync(view, resolved, columns, cancel));
        var derived = new List<ExplainedValue>();
        foreach (var d in query.Derived)
        {
            var value = Interpreter.Evaluate(d.Expr, name => Columns.ValueAt(columns[name], 0));
            columns[d.Name] = CompiledExpr.Compile(d.Expr).Evaluate(new RecordBatch(
                new Schema(d.Expr.Columns().Select(n => new Field(n, columns[n].Data.DataType, true)), null), d.Expr.Columns().Select(n => columns[n]), 1));
            derived.Add(new ExplainedValue(d.Name, Text(value, d.Expr.Type), d.Expr.ToString()));
        }
        return new Explanation(shown, explained, derived);
    }

    async Task<ExplainedView> ExplainViewAsync(
        ViewComputation view, ResolvedView resolved, Dictionary<string, IArrowArray> columns, CancellationToken cancel)
    {
        var spineRow = view.Spine(columns);
        var events = await new ViewReader(view, options, null).ReadForExplainAsync(spineRow, cancel);
        var table = view.Events.ToTable(events.Batches, events.Describe);
        var kernelQuery = view.Query(1);
        var errors = new List<FeatureError>();
        foreach (var (name, column) in view.Finish(AsOfKernel.Compute(table, spineRow, kernelQuery), 1, errors)) columns[name] = column;

        var asOf = spineRow.AsOf.Values[0];
        var fates = AsOfKernel.Explain(table, spineRow, 0, kernelQuery).OrderBy(f => f.Fate).ThenBy(f => Distance(table.EventTime?.GetValue(f.Row), asOf)).ToArray();
        ExplainedRow[] counted = [.. fates.Where(f => f.Fate == RowFate.Counted)];
        var features = resolved.FeatureNames.Zip(QueryText.FeatureLines(resolved)).Select((f, i) =>
        {
            int[] made = [.. Enumerable.Range(0, counted.Length).Where(r => view.FateIn(i, counted[r]) == RowFate.Counted)];
            return new ExplainedFeature(f.First, TextAt(columns[f.First], 0), f.Second, Reach(resolved.View, i, asOf), made.Length, made);
        });
        var title = $"{resolved.View.Source.Name} by {string.Join(", ", resolved.KeyColumns.Select(k => $"{k}={TextAt(columns[k], 0) ?? "null (matches nothing)"}"))}";
        var rows = new ExplainedRows(view, resolved.FeatureNames, events, table, asOf);
        return new ExplainedView(
            title, [.. features], fates.CountBy(f => f.Fate).ToDictionary(), [.. counted.Select(rows.Event)], [.. fates.Where(f => f.Fate != RowFate.Counted).Select(rows.Event)]);
    }

    // What has no time is farthest from any.
    static Int128 Distance(long? happened, long asOf) => happened is { } h ? Int128.Abs((Int128)h - asOf) : Int128.MaxValue;

    static string? Reach(FeatureView view, int feature, long asOf)
    {
        if (view.Features[feature] is WindowFeature { Window: var window })
        {
            var end = FragmentPruning.Subtract(asOf, window.EndsBefore);
            return QueryText.Interval(window.Convention, Instant(FragmentPruning.Subtract(end, window.Length)), Instant(end));
        }
        return view.TtlMicroseconds is { } ttl ? $"[{Instant(FragmentPruning.Subtract(asOf, ttl))}, {Instant(asOf)}]" : null;
    }

    static string Instant(long microseconds) => ExplainedRows.Time(microseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    internal static string? TextAt(IArrowArray array, int row) => Text(Columns.ValueAt(array, row), Columns.TypeOf(array.Data.DataType));

    static string? Text(object? value, ColumnType? type) => value switch
    {
        null => null,
        long t when type == ColumnType.Timestamp => Instant(t),
        int d when type == ColumnType.Date => PartitionValues.FormatDate(FragmentPruning.Date(d)),
        bool b => b ? "true" : "false",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
