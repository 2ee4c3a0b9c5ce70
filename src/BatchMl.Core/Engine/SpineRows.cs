using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>The spine rows of a unit, column by column, with the label where it is a column of the same source.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Columns">By name: spine columns, as_of (nulls replaced by the least instant; see <paramref name="Errors"/>), partition, label, label_known_at.</param>
/// <param name="Errors">Rows that have no as_of, or with a column that could not be computed.</param>
sealed record SpineRows(int Rows, Dictionary<string, IArrowArray> Columns, List<FeatureError> Errors)
{
    public TimestampArray AsOf => (TimestampArray)Columns[FeatureQuery.AsOf];

    /// <summary>Instants made of as_of as they are given out: null where a row has no as_of.</summary>
    public TimestampArray WhereAsked(TimestampArray instants)
    {
        var missing = Errors.Where(e => e.Column == FeatureQuery.AsOf).Select(e => e.Row).ToHashSet();
        return missing.Count == 0 ? instants
            : (TimestampArray)BatchMl.Data.Columns.Take(instants, [.. Enumerable.Range(0, Rows).Select(i => missing.Contains(i) ? -1 : i)]);
    }

    /// <summary>Adds the derived features; a row that fails is an error of that column.</summary>
    public void Derive(FeatureQuery query)
    {
        foreach (var derived in query.Derived)
        {
            var inputs = derived.Expr.Columns();
            var fields = inputs.Select(n => new Field(n, BatchMl.Data.Columns.ArrowType(query.Column(n).Type), true));
            var failed = new List<RowError>();
            var batch = new RecordBatch(new Schema(fields, null), inputs.Select(n => Columns[n]), Rows);
            Columns[derived.Name] = CompiledExpr.Compile(derived.Expr).Evaluate(batch, failed);
            Errors.AddRange(failed.Select(e => new FeatureError(e.Row, derived.Name, e.Message)));
        }
    }

    /// <summary>The rows as a query gives them out, cut.</summary>
    public IEnumerable<FeatureBatch> ToBatches(FeatureQuery query, int batchSize, CancellationToken cancel)
    {
        var whole = new RecordBatch(query.Schema, query.Columns.Select(c => c.Role == ColumnRole.AsOf ? WhereAsked(AsOf) : Columns[c.Name]), Rows);
        var errors = Errors.GroupBy(e => e.Row).ToDictionary(g => g.Key, g => g.First());
        for (var first = 0; first < Rows; first += batchSize)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(batchSize, Rows - first);
            // Each batch has a share of the memory, which whoever takes it gives back.
            var slice = whole.SliceShared(first, count);
            var mine = errors.Count == 0 ? [] : Enumerable.Range(first, count).Where(errors.ContainsKey).Select(r => errors[r] with { Row = r - first }).ToArray();
            yield return new FeatureBatch(slice, mine);
        }
    }
}
