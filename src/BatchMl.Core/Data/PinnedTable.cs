using Apache.Arrow;
using BatchMl.Lineage;

namespace BatchMl.Data;

/// <summary>A version of a table that is not a file, as the files that it was copied to; a task elsewhere finds them by their folder.</summary>
/// <param name="files">The files.</param>
/// <param name="source">The source's name in the configuration.</param>
/// <param name="folder">Where they are.</param>
/// <param name="dataset">The table's name in lineage.</param>
/// <param name="note">See <see cref="ISourceSnapshot.Note"/>.</param>
public sealed class PinnedTable(ISourceSnapshot files, string source, string folder, DatasetName dataset, string? note = null) : ISourceSnapshot
{
    /// <inheritdoc/>
    public Schema Schema => files.Schema;

    /// <inheritdoc/>
    public IReadOnlyList<SourceFile> Files => files.Files;

    /// <inheritdoc/>
    public IReadOnlyList<SourceFragment> Fragments => files.Fragments;

    /// <inheritdoc/>
    public DatasetName? Dataset => dataset;

    /// <inheritdoc/>
    public string? Note => note;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string?>? Binding { get; } = new Dictionary<string, string?> { [$"Sources:{source}:Format"] = "parquet", [$"Sources:{source}:Path"] = folder };

    /// <inheritdoc/>
    public IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel) => files.ReadAsync(request, cancel);

    /// <inheritdoc/>
    public void Verify() => files.Verify();

    /// <inheritdoc/>
    public void Dispose() => files.Dispose();
}
