using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>Reads the spine of a query.</summary>
abstract class SpineReader
{
    /// <summary>The partitions in <c>[from, to)</c> with their rows.</summary>
    public abstract Task<IReadOnlyList<SpinePartition>> CountAsync(DateOnly? from, DateOnly? to, CancellationToken cancel);

    /// <summary>
    /// Reads the rows of partitions, in the spine's order and in pieces of no more than about <paramref name="pieceRows"/> rows or <paramref name="pieceBytes"/> bytes: a partition may be larger than memory. Each has at
    /// least one row.
    /// </summary>
    public abstract IAsyncEnumerable<SpineRows> ReadAsync(IReadOnlyList<SpinePartition> partitions, int pieceRows, long pieceBytes, CancellationToken cancel);

    /// <summary>What the rows of some partitions can be read from side by side: fragments, or 0 where the spine is read as a whole.</summary>
    public abstract IReadOnlyList<int> Parts(IReadOnlyList<SpinePartition> partitions);

    /// <summary>Reads the rows of partitions that are in some <see cref="Parts"/>, each with its place in the spine's order: ascending over all parts, not without gaps. Each piece has at least one row.</summary>
    public abstract IAsyncEnumerable<(SpineRows Rows, long[] Places)> ReadPartsAsync(IReadOnlyList<SpinePartition> partitions, IReadOnlyList<int> parts, CancellationToken cancel);

    /// <summary>Fragments of the spine's source that hold rows of a partition.</summary>
    public abstract IReadOnlyList<int> Fragments(SpinePartition partition);

    protected static IReadOnlyCollection<string> ColumnsOf(IEnumerable<Expr> exprs) => exprs.SelectMany(e => e.Columns()).Distinct().ToArray();

    protected static IEnumerable<Expr> Optional(Expr? expr) => expr is null ? [] : [expr];
}

/// <summary>Reads a spine whose rows are the rows of a source.</summary>
sealed class RowSpineReader(FeatureQuery query, BoundSource source, FeatureOptions options) : SpineReader
{
    Spine Spine => query.Spine;

    // Reads only the columns that partition, as_of, condition and label need.
    public override async Task<IReadOnlyList<SpinePartition>> CountAsync(DateOnly? from, DateOnly? to, CancellationToken cancel)
    {
        var counts = new Dictionary<string, (long Rows, long Min, long Max, long Labelled)>(StringComparer.Ordinal);
        var fragments = FragmentPruning.OfPartitions(query.PartitionExpr, source, from, to?.AddDays(-1));
        Expr[] needed = [query.PartitionExpr, Spine.AsOfExpr!, .. Optional(Spine.WhereExpr), .. LabelExprs()];
        await foreach (var batch in source.ReadAsync(ColumnsOf(needed), fragments, options.BatchSize, cancel))
        {
            var rows = Spine.WhereExpr is { } where ? batch.Where(where) : batch;
            Count(rows, from, to, counts);
        }
        return [.. counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => new SpinePartition(c.Key, c.Value.Rows, c.Value.Min, c.Value.Max, c.Value.Labelled))];
    }

    void Count(LocatedBatch batch, DateOnly? from, DateOnly? to, Dictionary<string, (long Rows, long Min, long Max, long Labelled)> counts)
    {
        var partitions = PartitionValues.Of(batch, query);
        var errors = new List<RowError>();
        var asOf = (TimestampArray)CompiledExpr.Compile(Spine.AsOfExpr!).Evaluate(batch.Batch, errors);
        var label = query.Label as ColumnLabel;
        var known = label is null ? null : (TimestampArray)CompiledExpr.Compile(label.KnownAt).Evaluate(batch.Batch, errors);
        var value = label is null ? null : CompiledExpr.Compile(label.Value).Evaluate(batch.Batch, errors);
        var now = options.Now.ToUnixMicroseconds();
        for (var i = 0; i < batch.Rows; i++)
        {
            if (!partitions.IsIn(i, from, to)) continue;
            var name = partitions.Text(i);
            var (rows, min, max, labelled) = counts.TryGetValue(name, out var before) ? before : (0, long.MaxValue, long.MinValue, 0);
            if (asOf.IsValid(i))
            {
                min = Math.Min(min, asOf.Values[i]);
                max = Math.Max(max, asOf.Values[i]);
            }
            if (known is not null && known.IsValid(i) && known.Values[i] <= now && value!.IsValid(i)) labelled++;
            counts[name] = (rows + 1, min, max, labelled);
        }
    }

    public override async IAsyncEnumerable<SpineRows> ReadAsync(
        IReadOnlyList<SpinePartition> partitions, int pieceRows, long pieceBytes, [EnumeratorCancellation] CancellationToken cancel)
    {
        var collector = new SpineCollector(query, options.Now);
        await foreach (var rows in RowsAsync(partitions, Parts(partitions), cancel))
        {
            if (rows.Rows > 0) collector.Add(rows);
            if (collector.IsFull(pieceRows, pieceBytes)) yield return collector.Finish();
        }
        if (!collector.IsEmpty) yield return collector.Finish();
    }

    // In whatever order they are asked for.
    public override IReadOnlyList<int> Parts(IReadOnlyList<SpinePartition> partitions) => query.PartitionExpr.Type != ColumnType.Date
        ? FragmentPruning.OfPartitions(query.PartitionExpr, source, null, null)
        : FragmentPruning.OfPartitions(query.PartitionExpr, source, partitions.Min(p => PartitionValues.ParseDate(p.Value)), partitions.Max(p => PartitionValues.ParseDate(p.Value)));

    public override async IAsyncEnumerable<(SpineRows Rows, long[] Places)> ReadPartsAsync(
        IReadOnlyList<SpinePartition> partitions, IReadOnlyList<int> parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var collector = new SpineCollector(query, options.Now);
        var origins = new RowOrigins(source.Snapshot);
        await foreach (var rows in RowsAsync(partitions, parts, cancel))
        {
            if (rows.Rows == 0) continue;
            collector.Add(rows);
            yield return (collector.Finish(), origins.Of(rows));
        }
    }

    async IAsyncEnumerable<LocatedBatch> RowsAsync(IReadOnlyList<SpinePartition> partitions, IReadOnlyList<int> fragments, [EnumeratorCancellation] CancellationToken cancel)
    {
        var wanted = partitions.Select(p => p.Value).ToHashSet(StringComparer.Ordinal);
        Expr[] exprs = [.. Spine.Columns.Select(c => c.Expr), query.PartitionExpr, Spine.AsOfExpr!, .. Optional(Spine.WhereExpr), .. LabelExprs()];
        await foreach (var read in source.ReadAsync(ColumnsOf(exprs), fragments, options.BatchSize, cancel))
        {
            var batch = Spine.WhereExpr is { } where ? read.Where(where) : read;
            var rows = PartitionValues.Of(batch, query).In(wanted);
            // What is evaluated has memory of its own, so rows that are all wanted need not be copied first.
            yield return rows.Length == batch.Rows ? batch : batch.Take(rows);
        }
    }

    public override IReadOnlyList<int> Fragments(SpinePartition partition)
    {
        DateOnly? day = query.PartitionExpr.Type == ColumnType.Date ? PartitionValues.ParseDate(partition.Value) : null;
        return FragmentPruning.OfPartitions(query.PartitionExpr, source, day, day);
    }

    IEnumerable<Expr> LabelExprs() => query.Label is ColumnLabel label ? [label.Value, label.KnownAt] : [];
}
