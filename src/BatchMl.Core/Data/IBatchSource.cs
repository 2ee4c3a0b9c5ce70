using Apache.Arrow;
using BatchMl.Lineage;

namespace BatchMl.Data;

/// <summary>
/// Where a table is: the seam behind which Parquet, CSV, JSON and SQL lie. Implementations throw; they never retry.
/// </summary>
public interface IBatchSource
{
    /// <summary>
    /// Pins the table as it is now: its files, their identities and statistics. No row is read.
    /// </summary>
    /// <exception cref="DataException">A file is missing, unreadable or not of the expected format.</exception>
    Task<ISourceSnapshot> OpenAsync(CancellationToken cancel);
}

/// <summary>
/// A pinned table. The schema is known before the first batch; the same request gives the same rows in the same order.
/// Files stay open (descriptors) until it is disposed, so a replaced file can not be half old and half new.
/// Safe for concurrent reads.
/// </summary>
public interface ISourceSnapshot : IDisposable
{
    /// <summary>All columns, in file order, with the types of the files (not normalised).</summary>
    Schema Schema { get; }

    /// <summary>The files, in ordinal order of their paths.</summary>
    IReadOnlyList<SourceFile> Files { get; }

    /// <summary>What can be read or left out as one piece (a Parquet row group; a whole file elsewhere), in row order.</summary>
    IReadOnlyList<SourceFragment> Fragments { get; }

    /// <summary>Reads fragments, in the given order, row order kept. The caller owns and disposes each batch.</summary>
    IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel);

    /// <summary>Its name in lineage; null: that of its file or folder.</summary>
    DatasetName? Dataset => null;

    /// <summary>What a plan should say of it beside its files, such as what reading it costs; null: nothing.</summary>
    string? Note => null;

    /// <summary>Settings by which a process elsewhere binds the source to exactly what is pinned here, with full names, in place of all that is set of the source here; null: those that it is bound by here will do.</summary>
    IReadOnlyDictionary<string, string?>? Binding => null;

    /// <summary>Throws <see cref="InputChangedException"/>, naming the file, if a file is no longer the one that was opened.</summary>
    void Verify();
}

/// <summary>One file's identity.</summary>
/// <param name="Path">Absolute path.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">Time of last modification.</param>
/// <param name="Digest">Hex digest of what identifies the content cheaply: the footer of a Parquet file, else size, time and the file's two ends.</param>
public sealed record SourceFile(string Path, long Size, DateTimeOffset Modified, string Digest);

/// <summary>A piece of a file with what is known of it without reading it.</summary>
/// <param name="Ordinal">Position in <see cref="ISourceSnapshot.Fragments"/>.</param>
/// <param name="File">Position in <see cref="ISourceSnapshot.Files"/>.</param>
/// <param name="Part">Row group within the file; 0 where there are none.</param>
/// <param name="FirstRow">Row number of its first row within the file, 0-based.</param>
/// <param name="Rows">Rows; -1 when unknown before reading.</param>
/// <param name="Bytes">Compressed bytes; for the plan's estimate.</param>
/// <param name="Statistics">Per column name; a column without trustworthy statistics is absent.</param>
public sealed record SourceFragment(
    int Ordinal, int File, int Part, long FirstRow, long Rows, long Bytes, IReadOnlyDictionary<string, ColumnStatistics> Statistics);

/// <summary>
/// Bounds of a column within a fragment. Values are normalised: long (integers; timestamps in microseconds), int (dates in
/// days), double, string or bool, matching <see cref="ColumnType"/>. Bounds may be wider than the data, never narrower; NaN is in no bound.
/// </summary>
/// <param name="Min">Lower bound; null when all values are null.</param>
/// <param name="Max">Upper bound; null when all values are null.</param>
/// <param name="Nulls">Number of nulls; -1 when unknown.</param>
public sealed record ColumnStatistics(object? Min, object? Max, long Nulls);

/// <summary>What to read of a table.</summary>
/// <param name="Columns">Columns wanted, in this order; names are exact.</param>
/// <param name="Fragments">Ordinals of the fragments to read, ascending; null reads all.</param>
/// <param name="BatchSize">Largest number of rows in a batch.</param>
public sealed record ScanRequest(IReadOnlyList<string> Columns, IReadOnlyList<int>? Fragments = null, int BatchSize = 65536);

/// <summary>A batch and where it comes from, so that an error can name file and row.</summary>
/// <param name="Batch">The columns asked for, in the order asked for, file types (not normalised).</param>
/// <param name="File">The file's path.</param>
/// <param name="FirstRow">Row number of the batch's first row within the file, 0-based.</param>
public sealed record SourceBatch(RecordBatch Batch, string File, long FirstRow) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Batch.Dispose();
}
