using System.Data.Common;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>
/// A table or query of a database, pinned as Parquet files in the workspace: <c>db-tables/NAME/VERSION/CHUNK.parquet</c>. At every plan its rows are read once, in one transaction and in the order of all their columns, a batch in memory at a time;
/// with a <see cref="DatabaseTable.Watermark"/> only those of chunks that changed. A version's name is the digest of its rows, so that the same rows are the same input whenever and however they were copied, and a chunk that did not change keeps
/// its file. From then on it is a Parquet source like any other. Columns of types that have no counterpart (lists, bytes, intervals) are left out; decimals become doubles. Versions that were not used for a week are removed.
/// </summary>
/// <param name="table">What.</param>
/// <param name="database">Where; an ADO.NET provider's, and disposed of by whoever made it.</param>
/// <param name="parquet">A source of a folder of Parquet files.</param>
/// <param name="create">Makes a Parquet file.</param>
/// <param name="clock">"Now".</param>
public sealed class DatabaseTableSource(DatabaseTable table, DbDataSource database, Func<string, IBatchSource> parquet, TableFileFactory create, TimeProvider clock) : IBatchSource
{
    // Beyond so many a statement nears the limits of databases, and reading all is not much more.
    const int MostAskedFor = 1_000;

    readonly PinnedVersions versions = new(Path.Combine(table.Workspace, "db-tables", table.Name), clock);

    /// <inheritdoc/>
    /// <exception cref="DefinitionException">There is a <see cref="DatabaseTable.Watermark"/> and no <see cref="DatabaseTable.PartitionBy"/>.</exception>
    /// <exception cref="BatchMlException">The database refuses, or is not there.</exception>
    /// <exception cref="DataException">There are no rows, or no column that can be read, or a row has no watermark.</exception>
    /// <exception cref="InputChangedException">The database does not keep the rows of one instant apart.</exception>
    public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        if (table is { Watermark: not null, PartitionBy: null })
            throw new DefinitionException($"{table.What} has Watermark and no PartitionBy, so all rows are one file, which every change makes anew; expected an expression that tells rows that still change from those that do not, e.g. the day they were loaded.");
        try
        {
            var version = await CopyAsync(cancel);
            versions.Use(version);
            return new PinnedTable(await parquet(version).OpenAsync(cancel), table.Name, version, table.Dataset);
        }
        catch (DbException e) when (!cancel.IsCancellationRequested)
        {
            throw new BatchMlException($"{table.What} can not be read: {e.Message} Check the connection, the name, the query and the rights of its user.", e.IsTransient ? FailureKind.Transient : FailureKind.Permanent, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{table.What} can not be copied into {versions.Root}: {e.Message} Expected a writable folder with free space.", FailureKind.Transient, e);
        }
    }

    async Task<string> CopyAsync(CancellationToken cancel)
    {
        if (table.Watermark is null) table.OnProgress?.Invoke($"{table.What} is read from its database");
        var staging = versions.Stage();
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(table.Isolation, cancel);
            var reading = new TableReading(table, connection, transaction);
            var columns = await reading.ColumnsAsync(cancel);
            var known = new KnownChunks(Path.Combine(versions.Root, "_chunks.json"), table, columns);
            using var files = new ChunkFiles(staging, columns, versions.Files(), create);
            var chunks = table.Watermark is null ? null : await reading.ChunksAsync(cancel);
            if (chunks is null) await reading.ReadAsync(columns, only: null, files, cancel);
            else await ReadChangedAsync(reading, columns, chunks, known.Read(), files, cancel);
            await transaction.RollbackAsync(cancel);
            var digest = files.Finish() ?? throw new DataException($"{table.What} gives no rows. Check the name, the query and its conditions.");
            var state = chunks is null ? null : StateOf(chunks, files.Made);
            var version = versions.Publish(staging, digest);
            // What all rows were read for may be a change that watermarks do not tell.
            if (state is null) known.Forget();
            else known.Write(state);
            return version;
        }
        finally
        {
            DurableFiles.RemoveFolder(staging);
        }
    }

    async Task ReadChangedAsync(TableReading reading, IReadOnlyList<ReaderColumn> columns, IReadOnlyList<TableReading.Chunk> chunks, IReadOnlyDictionary<string, KnownChunks.State> known, ChunkFiles files, CancellationToken cancel)
    {
        var changed = chunks.Where(c => !known.TryGetValue(c.Id, out var before) || !before.Is(c) || !files.IsKnown(before.File)).ToArray();
        table.OnProgress?.Invoke($"{table.What}: {changed.Length} of {chunks.Count} chunks changed{(changed.Length > 0 ? " and are read from its database" : "")}");
        if (changed.Length == chunks.Count || changed.Length > MostAskedFor)
        {
            await reading.ReadAsync(columns, only: null, files, cancel);
            return;
        }
        foreach (var chunk in chunks.Except(changed)) files.Keep(chunk.Id, known[chunk.Id].File);
        if (changed.Length > 0) await reading.ReadAsync(columns, changed, files, cancel);
    }

    // What was counted and what was read must be the same rows, or a file would be kept that lacks some.
    Dictionary<string, KnownChunks.State> StateOf(IReadOnlyList<TableReading.Chunk> chunks, IReadOnlyList<ChunkFile> made)
    {
        var counted = chunks.ToLookup(c => c.Id);
        var states = new Dictionary<string, KnownChunks.State>();
        foreach (var file in made)
            if (counted[file.Chunk].ToArray() is [var chunk] && (file.Rows ?? chunk.Rows) == chunk.Rows) states[file.Chunk] = new(chunk.Rows, chunk.Watermarks, file.Name);
        return states.Count == made.Count && states.Count == chunks.Count ? states : throw new InputChangedException(
            $"{table.What} gave other rows when they were read than when they were counted by {table.PartitionBy}. Either transactions with isolation {table.Isolation} do not see the rows of one instant in this database, or the expression has more than one text for what the database takes for equal; expected an expression such as a date.");
    }
}
