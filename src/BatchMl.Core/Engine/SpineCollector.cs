using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>Evaluates a spine's columns batch by batch and joins the batches. On the spine's side a failing row is noted, not thrown.
/// What is kept of a batch has memory of its own.</summary>
sealed class SpineCollector(FeatureQuery query, DateTimeOffset now)
{
    readonly Dictionary<string, List<IArrowArray>> parts = [];
    List<FeatureError> errors = [];
    int rows;
    long bytes;

    public bool IsEmpty => rows == 0;

    public bool IsFull(int pieceRows, long pieceBytes) => rows >= pieceRows || (rows > 0 && bytes >= pieceBytes);

    public void Add(LocatedBatch batch)
    {
        var spine = query.Spine;
        foreach (var column in spine.Columns) Put(column.Name, Evaluate(batch, column.Name, column.Expr));
        if (!parts.ContainsKey(spine.PartitionName) || spine.Columns.All(c => c.Name != spine.PartitionName))
        {
            Put(spine.PartitionName, Evaluate(batch, spine.PartitionName, query.PartitionExpr));
        }
        var asOf = spine.AsOfExpr is { } expr
            ? (TimestampArray)Evaluate(batch, FeatureQuery.AsOf, expr) : (TimestampArray)batch.Batch.Column(FeatureQuery.AsOf);
        Put(FeatureQuery.AsOf, Checked(batch, asOf));
        if (query.Label is ColumnLabel label) AddLabel(batch, label);
        rows += batch.Rows;
    }

    /// <summary>The rows so far, of which there must be some; begins anew.</summary>
    public SpineRows Finish()
    {
        var finished = new SpineRows(rows, parts.ToDictionary(p => p.Key, p => Columns.Concat(p.Value)), errors);
        parts.Clear();
        (errors, rows, bytes) = ([], 0, 0);
        return finished;
    }

    IArrowArray Evaluate(LocatedBatch batch, string name, Expr expr)
    {
        var failed = new List<RowError>();
        var result = CompiledExpr.Compile(expr).Evaluate(batch.Batch, failed);
        errors.AddRange(failed.Select(e => new FeatureError(rows + e.Row, name, $"{batch.Describe(e.Row)}: {e.Message}")));
        return result;
    }

    // The kernel wants an instant for every row; rows without one are named as errors and their features are never used.
    TimestampArray Checked(LocatedBatch batch, TimestampArray asOf)
    {
        if (asOf.NullCount == 0) return asOf;
        var values = new long[asOf.Length];
        for (var i = 0; i < asOf.Length; i++)
        {
            values[i] = asOf.IsValid(i) ? asOf.Values[i] : long.MinValue;
            if (asOf.IsNull(i) && !errors.Any(e => e.Row == rows + i && e.Column == FeatureQuery.AsOf))
            {
                errors.Add(new FeatureError(rows + i, FeatureQuery.AsOf, $"{batch.Describe(i)}: as_of is null, so nothing can be known as of it"));
            }
        }
        return ArrowColumns.Timestamps(values);
    }

    void AddLabel(LocatedBatch batch, ColumnLabel label)
    {
        var value = Evaluate(batch, label.Name, label.Value);
        var known = (TimestampArray)Evaluate(batch, FeatureQuery.LabelKnownAt, label.KnownAt);
        Put(label.Name, LabelMaturity.Mask(value, known, now));
        Put(FeatureQuery.LabelKnownAt, known);
    }

    void Put(string name, IArrowArray array)
    {
        if (!parts.TryGetValue(name, out var list)) parts[name] = list = [];
        list.Add(array);
        bytes += array.Data.Buffers.Sum(b => (long)b.Length);
    }
}

/// <summary>A label that can not be known yet is no label.</summary>
static class LabelMaturity
{
    /// <summary>The values, null where the label is never known or known after now.</summary>
    public static IArrowArray Mask(IArrowArray values, TimestampArray knownAt, DateTimeOffset now)
    {
        var limit = now.ToUnixMicroseconds();
        var rows = new int[values.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = knownAt.IsValid(i) && knownAt.Values[i] <= limit ? i : -1;
        return rows.Contains(-1) ? Columns.Take(values, rows) : values;
    }
}
