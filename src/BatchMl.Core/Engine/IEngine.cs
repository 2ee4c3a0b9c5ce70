using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;

namespace BatchMl.Engine;

/// <summary>
/// Computes features for spine rows. The definitions decide what, the engine only where: every engine gives the same bits, and the ledger
/// sees the same states whatever engine it is.
/// </summary>
public interface IEngine
{
    /// <summary>Its name, as in <c>--engine</c>.</summary>
    string Name { get; }

    /// <summary>Spine rows that are best computed together, at most.</summary>
    long UnitRows { get; }

    /// <summary>Partitions that are best made together, at most.</summary>
    int UnitPartitions { get; }

    /// <summary>Pins the sources of a query. No row moves, but for counting the spine's rows by partition.</summary>
    /// <exception cref="DefinitionException">Record types that do not match their files, all differences at once; sources that are not bound.</exception>
    Task<IPinnedQuery> OpenAsync(FeatureQuery query, Func<string, IBatchSource> sources, FeatureOptions options, CancellationToken cancel);
}

/// <summary>How features are computed; none of it changes a result.</summary>
/// <param name="Now">Labels known after this are not mature.</param>
/// <param name="MemoryBytes">Budget; beyond it rows are spilled.</param>
/// <param name="Threads">Threads for one unit.</param>
/// <param name="BatchSize">Rows per batch.</param>
public sealed record FeatureOptions(DateTimeOffset Now, long MemoryBytes, int Threads, int BatchSize);

/// <summary>Pinned sources of a query. Safe for concurrent use.</summary>
public interface IPinnedQuery : IDisposable
{
    /// <summary>The query.</summary>
    FeatureQuery Query { get; }

    /// <summary>The spine's partitions in <c>[from, to)</c> (null: open), with row counts, in order of value. Rows without a partition value are an error.</summary>
    Task<IReadOnlyList<SpinePartition>> PartitionsAsync(DateOnly? from, DateOnly? to, CancellationToken cancel);

    /// <summary>Digest of the identity of everything that rows of a partition can see: files and row groups by statistics.</summary>
    string InputsDigest(SpinePartition partition);

    /// <summary>The sources: for <c>plan</c>, lineage and recipes.</summary>
    IReadOnlyList<PinnedSource> Sources { get; }

    /// <summary>How the engine would compute some partitions, in its own words: Spark's physical plan. No lines: there is nothing to say.</summary>
    Task<IReadOnlyList<string>> EnginePlanAsync(IReadOnlyList<SpinePartition> partitions, CancellationToken cancel);

    /// <summary>
    /// The rows of adjacent partitions with spine columns, <c>as_of</c>, the partition column, features and label, in spine order. The caller disposes each batch.
    /// </summary>
    IAsyncEnumerable<FeatureBatch> ComputeAsync(IReadOnlyList<SpinePartition> partitions, Action<string, TimeSpan>? stageTime, CancellationToken cancel);

    /// <summary>
    /// Computes the rows of adjacent partitions and scores them into the staging of a sink, wherever the engine does that. In the order of <paramref name="partitions"/>; all or nothing.
    /// </summary>
    /// <param name="partitions">What is to be scored.</param>
    /// <param name="scoring">The model and what is kept beside its scores.</param>
    /// <param name="sink">Where the partitions are staged.</param>
    /// <param name="run">The run; told of dead letters and rows.</param>
    /// <param name="stageTime">Told of the time that stages before scoring take.</param>
    /// <param name="cancel">Stops promptly.</param>
    Task<IReadOnlyList<ScoredPartition>> ScoreAsync(
        IReadOnlyList<PartitionToScore> partitions, PartitionScoring scoring, IBatchSink sink, ScoringRun run, Action<string, TimeSpan>? stageTime, CancellationToken cancel);

    /// <summary>
    /// For the spine rows of these key values and this instant: each feature's value, the rows that made it, and the rows that did not count with the reason. Slow and plain.
    /// </summary>
    /// <param name="key">Values of key columns as text; not all have to be given.</param>
    /// <param name="asOf">The row's as_of.</param>
    /// <param name="cancel">Stops reading.</param>
    /// <exception cref="DefinitionException">No such row; names the nearest instants of that key.</exception>
    Task<IReadOnlyList<Explanation>> ExplainAsync(IReadOnlyDictionary<string, string> key, DateTimeOffset asOf, CancellationToken cancel);

    /// <summary>Throws <see cref="InputChangedException"/> if a file changed since it was pinned.</summary>
    void Verify();
}

/// <summary>A partition with the attempt at it.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Fence">The attempt's fence.</param>
/// <param name="Spine">Its spine rows.</param>
public sealed record PartitionToScore(PartitionKey Key, long Fence, SpinePartition Spine);

/// <summary>A partition of a spine.</summary>
/// <param name="Value">Its value as text, e.g. <c>2013-10-01</c>.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="MinAsOf">Least as_of, microseconds.</param>
/// <param name="MaxAsOf">Greatest as_of.</param>
/// <param name="Labelled">Rows whose label (of the spine's own source) is known by now; 0 without one.</param>
public sealed record SpinePartition(string Value, long Rows, long MinAsOf, long MaxAsOf, long Labelled);

/// <summary>A pinned source.</summary>
public sealed record PinnedSource(Source Source, string Role, ISourceSnapshot Snapshot);

/// <summary>Rows with their features. <paramref name="Errors"/> names rows (within the batch) that could not be computed: they are dead letters when scoring, an error in a training set.</summary>
public sealed record FeatureBatch(RecordBatch Batch, IReadOnlyList<FeatureError> Errors) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Batch.Dispose();
}

/// <summary>A row that could not be computed.</summary>
/// <param name="Row">Row within the batch.</param>
/// <param name="Column">The column that failed, e.g. <c>as_of</c> or a derived feature.</param>
/// <param name="Message">Why.</param>
public sealed record FeatureError(int Row, string Column, string Message);
