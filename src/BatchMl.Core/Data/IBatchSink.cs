using Apache.Arrow;
using BatchMl.Lineage;

namespace BatchMl.Data;

/// <summary>Names one partition of one dataset in one sink: the unit of output, retry and commit.</summary>
/// <param name="Sink">The sink's name, e.g. <c>parquet</c> or <c>models</c>.</param>
/// <param name="Dataset">E.g. <c>flight-delays/score</c>.</param>
/// <param name="Column">The partition column, e.g. <c>flight_date</c>.</param>
/// <param name="Value">E.g. <c>2013-10-01</c>.</param>
public sealed record PartitionKey(string Sink, string Dataset, string Column, string Value)
{
    /// <summary>E.g. <c>flight-delays/score flight_date=2013-10-01</c>.</summary>
    public override string ToString() => $"{Dataset} {Column}={Value}";
}

/// <summary>What a staged file holds.</summary>
public enum FileKind
{
    /// <summary>Rows of the dataset.</summary>
    Data,

    /// <summary>Rows that could not be scored, NDJSON, one <c>DeadLetter</c> a line.</summary>
    DeadLetters,

    /// <summary>The partition's profile, JSON.</summary>
    Profile,

    /// <summary>A file of a model package, a recipe or a report.</summary>
    Artifact,
}

/// <summary>One file of a partition version.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Name">File name within the partition's folder once published; carries the fence token.</param>
/// <param name="Rows">Rows in it; 0 for artifacts.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Lower-case hex digest of its bytes.</param>
/// <param name="Footer">Of a Parquet file: the digest of its footer, so that whoever goes by its statistics alone need not read the rest to trust them; null for others.</param>
public sealed record StagedFile(FileKind Kind, string Name, long Rows, long Bytes, string Sha256, string? Footer = null);

/// <summary>
/// A partition version that is complete and durable (files and folder fsynced) but not yet visible. Stored in the ledger at
/// commit; all that publication needs.
/// </summary>
/// <param name="Key">Which partition.</param>
/// <param name="Fence">The lease's fence token.</param>
/// <param name="Folder">Where the files are staged, relative to the sink's root.</param>
/// <param name="Files">The files, in order.</param>
/// <param name="Rows">Rows of kind <see cref="FileKind.Data"/>.</param>
/// <param name="DeadLetters">Rows of kind <see cref="FileKind.DeadLetters"/>.</param>
/// <param name="ContentDigest">Hex digest of the rows' content in order, without the columns <c>run_id</c> and <c>scored_at</c>;
/// equal content has an equal digest whatever the file's encoding or run.</param>
/// <param name="SchemaJson">The Arrow schema of the data, as <c>[{"name","type","nullable"}]</c>; for readers and lineage.</param>
public sealed record StagedPartition(
    PartitionKey Key, long Fence, string Folder, IReadOnlyList<StagedFile> Files, long Rows, long DeadLetters, string ContentDigest, string SchemaJson);

/// <summary>
/// A published partition's manifest: the truth for readers, swapped by one file rename.
/// </summary>
/// <param name="FormatVersion">1.</param>
/// <param name="Partition">The version that is visible.</param>
/// <param name="RunId">The run that made it.</param>
/// <param name="Fingerprint">The fingerprint that it was made for.</param>
/// <param name="CommittedAt">When the ledger committed it.</param>
/// <param name="Digest">Of all else, as the file holds it, so that a damaged manifest is not believed; null: not in a file, or in one that was written before there were such digests.</param>
public sealed record PartitionManifest(int FormatVersion, StagedPartition Partition, string RunId, string Fingerprint, DateTimeOffset CommittedAt, string? Digest = null);

/// <summary>How a sink publishes.</summary>
/// <param name="AtOnce">How many partitions of a unit of work are best published side by side.</param>
/// <param name="Patience">How long one may take: whoever waits for another process to publish waits so long, and then takes it for suspended.</param>
public sealed record PublicationPace(int AtOnce, TimeSpan Patience)
{
    /// <summary>Renames on a local disk.</summary>
    public static PublicationPace Local { get; } = new(1, TimeSpan.FromSeconds(5));
}

/// <summary>
/// Where partitions land. Stages once per attempt; publication is idempotent per fence. A sink never retries and never
/// decides: it is told what is committed.
/// </summary>
public interface ISink
{
    /// <summary>The sink's name in the ledger.</summary>
    string Name { get; }

    /// <summary>How it publishes.</summary>
    PublicationPace Pace { get; }

    /// <summary>A dataset of it as lineage names it.</summary>
    DatasetName LineageNameOf(string dataset);

    /// <summary>
    /// Makes a committed partition visible and removes the version before it and its staging folder. Called under the
    /// partition's publication lock, which its model versions share (<see cref="DatasetVersion"/>), after the ledger was read again. Repeating it, whole or after a crash in the middle, has the
    /// same result. Never touches a version with a greater fence.
    /// </summary>
    Task PublishAsync(PartitionManifest manifest, CancellationToken cancel);

    /// <summary>The visible version of a partition; null if there is none.</summary>
    /// <exception cref="DataException">The manifest is corrupt or of a newer format.</exception>
    Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel);

    /// <summary>Whether a partition has a visible version, by the cheapest test there is: it is asked for every partition of a plan.</summary>
    Task<bool> IsVisibleAsync(PartitionKey key, CancellationToken cancel);

    /// <summary>Where a published file is, as an absolute path.</summary>
    string PathOf(PartitionManifest manifest, StagedFile file);

    /// <summary>
    /// Removes staging folders of attempts that no longer exist. <paramref name="isLive"/> says whether the attempt with
    /// this partition and fence is still leased or committed; it is asked only about folders that are there.
    /// </summary>
    Task CleanAsync(string dataset, Func<PartitionKey, long, Task<bool>> isLive, CancellationToken cancel);
}

/// <summary>What is about to be written: a sink is asked about it before a row moves.</summary>
/// <param name="Dataset">E.g. <c>flight-delays/score</c>.</param>
/// <param name="Schema">The rows' columns.</param>
/// <param name="PartitionColumn">One of them.</param>
/// <param name="Partitions">The partitions that are to be made, in order.</param>
public sealed record PlannedOutput(string Dataset, Schema Schema, string PartitionColumn, IReadOnlyList<PlannedOutput.Partition> Partitions)
{
    /// <summary>A partition that is to be made.</summary>
    /// <param name="Key">Which one.</param>
    /// <param name="Rows">Rows expected; -1 unknown.</param>
    public sealed record Partition(PartitionKey Key, long Rows);
}

/// <summary>A sink of record batches.</summary>
public interface IBatchSink : ISink
{
    /// <summary>The folder that staged files are in, for another sink's <see cref="AdoptAsync"/>.</summary>
    string Root { get; }

    /// <summary>Looks at the place that output goes to, changes nothing, and says what there is to say of it; no lines: nothing.</summary>
    /// <exception cref="DefinitionException">Everything for which it can not be written there.</exception>
    Task<IReadOnlyList<string>> CheckAsync(PlannedOutput output, CancellationToken cancel);

    /// <summary>What tells how a version that is staged will get where readers look, for lineage, by name; empty: it is its files.</summary>
    IReadOnlyDictionary<string, string> TraceOf(StagedPartition staged);

    /// <summary>Opens the staging of one attempt. Fails before any row moves if the place can not be written.</summary>
    Task<IBatchStage> StageAsync(PartitionKey key, long fence, Schema schema, CancellationToken cancel);

    /// <summary>
    /// Takes over what another process staged in a sink of this kind with another root, on the same file system: as if it had been staged here under that fence. What an attempt of that fence had staged here before is removed.
    /// </summary>
    /// <param name="staged">As the other sink completed it.</param>
    /// <param name="root">Root of the other sink.</param>
    /// <param name="cancel">Checked before anything is changed.</param>
    /// <exception cref="DataException">Files of it are not there, or of another size: the two processes do not see the same file system.</exception>
    Task AdoptAsync(StagedPartition staged, string root, CancellationToken cancel);

    /// <summary>Reads a published partition's rows back, in order, the named columns only (null: all).</summary>
    IAsyncEnumerable<RecordBatch> ReadAsync(PartitionManifest manifest, IReadOnlyList<string>? columns, CancellationToken cancel);
}

/// <summary>One attempt's staging. Not safe for concurrent use. Disposing without completing removes what was staged.</summary>
public interface IBatchStage : IAsyncDisposable
{
    /// <summary>Appends rows. The batch stays the caller's.</summary>
    Task WriteAsync(RecordBatch batch, CancellationToken cancel);

    /// <summary>Adds a file that is not rows of the dataset: dead letters, profile, recipe. <paramref name="name"/> is without fence, e.g. <c>profile.json</c>.</summary>
    Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel);

    /// <summary>Closes, fsyncs files and folder, and says what is there. Called once, last.</summary>
    Task<StagedPartition> CompleteAsync(CancellationToken cancel);
}
