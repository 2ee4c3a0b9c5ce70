using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.BigQuery.Source;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.BigQuery;

/// <summary>
/// A table, a partition or a query of BigQuery, pinned as Parquet files in the workspace: <c>bigquery-tables/NAME/VERSION/CHUNK.parquet</c>. A version's name is the digest of its rows. A table that has not changed since is not read again:
/// BigQuery says when it did. A query is run every time, after a dry run has told what it costs; BigQuery itself answers the same query from its cache for a day, for nothing. Rows come by pages of JSON, and reading them is free.
/// From then on it is a Parquet source like any other. Versions that were not used for a week are removed.
/// </summary>
/// <param name="options">What, and where.</param>
/// <param name="parquet">A source of a folder of Parquet files.</param>
/// <param name="write">Writes a Parquet file: path, columns, rows.</param>
public sealed class BigQuerySource(BigQuerySourceOptions options, Func<string, IBatchSource> parquet, Action<string, Schema, IEnumerable<RecordBatch>> write) : IBatchSource
{
    const int BatchRows = 1 << 16;
    const string States = "_states", Staging = "_staging";

    static readonly TimeSpan keep = TimeSpan.FromDays(7), abandoned = TimeSpan.FromDays(1);

    sealed record Chunk(string Id, string Digest)
    {
        public string FileName => $"{Id}-{Digest[..24]}";
    }

    /// <summary>What BigQuery has now.</summary>
    /// <param name="Columns">Its columns.</param>
    /// <param name="PartitionBy">By which column rows are cut into chunks; null: not at all.</param>
    /// <param name="Rows">The rows, read while one goes through them.</param>
    /// <param name="Count">How many there are; null: not known before.</param>
    /// <param name="State">The same for the same rows; null: not known.</param>
    /// <param name="Note">For the plan.</param>
    sealed record Contents(WireColumns Columns, string? PartitionBy, IAsyncEnumerable<BigQueryRow> Rows, long? Count, string? State, string Note);

    string All => Path.Combine(options.Workspace, "bigquery-tables", options.Name);

    string What => options.Table is { } table ? $"table {table} (source '{options.Name}')" : $"the query of source '{options.Name}'";

    /// <inheritdoc/>
    /// <exception cref="BigQueryException">BigQuery refuses, or is not there.</exception>
    /// <exception cref="DefinitionException">The query would be billed more than it may; or the table is a view, or has no column that can be read.</exception>
    /// <exception cref="DataException">There are no rows.</exception>
    /// <exception cref="InputChangedException">The table changed while it was read.</exception>
    public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        using var client = await BigQueryClient.OpenAsync(options.Client, cancel);
        var contents = options.Table is { } table ? await TableAsync(client, table, cancel) : await QueryAsync(client, options.Sql!, cancel);
        if (contents.Columns.Schema.FieldsList.Count == 0) throw new DefinitionException($"{What} has no column that can be read: lists, records, intervals and ranges are left out ({string.Join(", ", contents.Columns.LeftOut)}). Take them apart in a query (Sql).");
        var version = Known(contents.State) ?? await CopyAsync(client, contents, cancel);
        var now = options.Client.Time.GetUtcNow().UtcDateTime;
        Directory.SetLastWriteTimeUtc(version, now);
        RemoveOld(version, now);
        return new Snapshot(await parquet(version).OpenAsync(cancel), options, version, contents.Note);
    }

    async Task<Contents> TableAsync(BigQueryClient client, TableReference reference, CancellationToken cancel)
    {
        var table = await client.Tables.GetAsync(reference.Whole, cancellation: cancel);
        if (table.Type is not (null or "TABLE" or "SNAPSHOT" or "CLONE"))
            throw new DefinitionException($"{What} is a {table.Type}, whose rows BigQuery gives to queries only. Expected a table; for this one write Sql: SELECT * FROM {reference.Whole.ToSql()}.");
        var columns = new WireColumns(table.Schema ?? new([]));
        var isWhole = reference == reference.Whole;
        var partitionBy = options.PartitionBy ?? (isWhole ? table.TimePartitioning?.Field ?? table.RangePartitioning?.Field : null);
        // What was streamed in lately is in no number yet.
        var isStreamed = table.StreamingBuffer is not null;
        var state = isStreamed ? null : StateOf(reference, table, columns, partitionBy);
        var note = string.Create(CultureInfo.InvariantCulture, $"BigQuery table {reference}, {table.NumRows ?? 0:N0} rows, {TableCheck.Size(table.NumBytes ?? 0)}; reading it is free");
        return new Contents(columns, partitionBy, client.Rows.ReadAsync(reference, cancellation: cancel), isWhole && !isStreamed ? table.NumRows : null, state, note);
    }

    string StateOf(TableReference reference, BigQueryTable table, WireColumns columns, string? partitionBy) =>
        Hex(string.Create(CultureInfo.InvariantCulture, $"{reference}\n{table.CreationTime}\n{table.LastModifiedTime}\n{table.NumRows}\n{table.NumBytes}\n{columns.Text}\n{partitionBy}"))[..32];

    async Task<Contents> QueryAsync(BigQueryClient client, string sql, CancellationToken cancel)
    {
        var query = new QueryConfiguration { Query = sql, MaximumBytesBilled = options.MaxBytesBilled };
        // A dry run that is over the limit says what it would cost only without one.
        var estimate = await client.Jobs.EstimateAsync(query with { MaximumBytesBilled = null }, cancel);
        var bytes = estimate.TotalBytesProcessed ?? estimate.Query?.TotalBytesProcessed ?? 0;
        if (bytes > options.MaxBytesBilled)
            throw new DefinitionException($"{What} would read {TableCheck.Size(bytes)}, more than the {TableCheck.Size(options.MaxBytesBilled.Value)} of BigQuery:MaxBytesBilled. Nothing was read or billed. Read fewer columns or partitions, or allow more.");
        if (estimate.Query?.StatementType is { } kind && kind != "SELECT") throw new DefinitionException($"{What} is a {kind} statement. Expected a SELECT: a source changes nothing.");
        options.OnProgress?.Invoke($"BigQuery runs {What}: it reads {TableCheck.Size(bytes)}");
        var done = await client.Jobs.RunAsync($"batchml_source_{JobNames.Plain(options.Name)}_{Guid.NewGuid():N}", new JobConfiguration { Query = query, Labels = options.Labels }, cancellation: cancel);
        var answer = await client.Rows.ReadAsync(done.Job.JobReference!, cancellation: cancel);
        var billed = done.Job.Statistics?.Query?.CacheHit == true ? "nothing billed, from its cache" : $"{TableCheck.Size(done.Job.Statistics?.Query?.TotalBytesBilled ?? bytes)} billed";
        var note = $"BigQuery query, reads {TableCheck.Size(bytes)}{(estimate.Query?.TotalBytesProcessedAccuracy is "UPPER_BOUND" ? " at most" : "")}, {billed}, job {done.Job.JobReference}{(options.MaxBytesBilled is { } most ? $"; refused above {TableCheck.Size(most)}" : "")}";
        return new Contents(new WireColumns(answer.Schema), options.PartitionBy, answer.Rows, answer.TotalRows, null, note);
    }

    /// <summary>The version that a state of the table was copied to; null: there is none, or it was removed.</summary>
    string? Known(string? state)
    {
        if (state is null || Path.Combine(All, States, state) is var file && !File.Exists(file)) return null;
        var version = Path.Combine(All, File.ReadAllText(file));
        return Directory.Exists(version) ? version : null;
    }

    async Task<string> CopyAsync(BigQueryClient client, Contents contents, CancellationToken cancel)
    {
        options.OnProgress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{(contents.Count is { } n ? $"{n:N0} rows" : "Rows")} of {What} are read from BigQuery"));
        var staging = Path.Combine(All, Staging, Guid.NewGuid().ToString("N"));
        try
        {
            var (spooled, made) = (Path.Combine(staging, "rows"), Path.Combine(staging, "version"));
            DurableFiles.CreateFolder(spooled);
            DurableFiles.CreateFolder(made);
            var spool = new RowSpool(spooled);
            var chunkOf = contents.Columns.ChunkBy(contents.PartitionBy, What);
            await foreach (var row in contents.Rows.WithCancellation(cancel)) spool.Add(chunkOf(row), contents.Columns.LineOf(row));
            await CheckUnchangedAsync(client, contents, spool.Rows, cancel);
            if (spool.Rows == 0) throw new DataException($"{What} gives no rows. Check the name, the query and its conditions.");
            var known = DurableFiles.FoldersIn(All).Where(f => Path.GetFileName(f)[0] != '_').SelectMany(Directory.GetFiles).DistinctBy(Path.GetFileName).ToDictionary(f => Path.GetFileNameWithoutExtension(f));
            var chunks = spool.Chunks.Select(id => Make(contents, spool, id, made, known)).ToArray();
            DurableFiles.FsyncFolder(made);
            var version = Path.Combine(All, Hex($"{contents.Columns.Text}\n{string.Join('\n', chunks.Select(c => $"{c.Id} {c.Digest}"))}")[..32]);
            Take(made, version);
            if (contents.State is { } state)
            {
                DurableFiles.CreateFolder(Path.Combine(All, States));
                DurableFiles.AtomicReplace(Path.Combine(All, States, state), Encoding.UTF8.GetBytes(Path.GetFileName(version)), Guid.NewGuid().ToString("N"));
            }
            return version;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{What} can not be copied into {All}: {e.Message} Expected a writable folder with free space.", FailureKind.Transient, e);
        }
        finally
        {
            DurableFiles.RemoveFolder(staging);
        }
    }

    /// <summary>Pages of a table that changes meanwhile may be of two states of it.</summary>
    async Task CheckUnchangedAsync(BigQueryClient client, Contents contents, long rows, CancellationToken cancel)
    {
        if (contents.Count is { } count && count != rows) throw new InputChangedException($"{What} gave {rows:N0} rows where BigQuery counts {count:N0}: it changed while it was read.");
        if (options.Table is not { } reference || contents.State is null) return;
        var now = await client.Tables.GetAsync(reference.Whole, cancellation: cancel);
        if (now.StreamingBuffer is not null || StateOf(reference, now, new WireColumns(now.Schema ?? new([])), contents.PartitionBy) != contents.State) throw new InputChangedException($"{What} changed while it was read.");
    }

    /// <summary>The file of a chunk: one that is there already with the same rows, or a new one.</summary>
    static Chunk Make(Contents contents, RowSpool spool, string id, string folder, Dictionary<string, string> known, Action<string, Schema, IEnumerable<RecordBatch>> write)
    {
        // All rows in one chunk may be more than memory holds; then their order is BigQuery's.
        var isSorted = contents.PartitionBy is not null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(contents.Columns.Text));
        var lines = spool.Lines(id, isSorted);
        if (isSorted) lines = [.. lines];
        foreach (var line in lines) hash.AppendData(Encoding.UTF8.GetBytes($"\n{line}"));
        var chunk = new Chunk(id, Convert.ToHexStringLower(hash.GetHashAndReset()));
        var path = Path.Combine(folder, $"{chunk.FileName}.parquet");
        if (known.TryGetValue(chunk.FileName, out var there))
        {
            DurableFiles.Link(there, path);
            return chunk;
        }
        write(path, contents.Columns.Schema, lines.Chunk(BatchRows).Select(contents.Columns.BatchOf));
        DurableFiles.FsyncFile(path);
        // When it was copied says nothing of its rows, and must not make the same rows another input.
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        return chunk;
    }

    Chunk Make(Contents contents, RowSpool spool, string id, string folder, Dictionary<string, string> known) => Make(contents, spool, id, folder, known, write);

    static void Take(string made, string version)
    {
        try
        {
            if (!Directory.Exists(version)) Directory.Move(made, version);
        }
        catch (IOException) when (Directory.Exists(version))
        {
            // Another process was faster with the same rows.
        }
    }

    void RemoveOld(string version, DateTime now)
    {
        foreach (var folder in DurableFiles.FoldersIn(All).Where(f => Path.GetFileName(f)[0] != '_' && f != version && Directory.GetLastWriteTimeUtc(f) < now - keep)) DurableFiles.RemoveFolder(folder);
        // Of processes that were killed.
        foreach (var folder in DurableFiles.FoldersIn(Path.Combine(All, Staging)).Where(f => Directory.GetLastWriteTimeUtc(f) < now - abandoned)) DurableFiles.RemoveFolder(folder);
        foreach (var state in Directory.Exists(Path.Combine(All, States)) ? Directory.GetFiles(Path.Combine(All, States)) : [])
        {
            if (!Directory.Exists(Path.Combine(All, File.ReadAllText(state)))) File.Delete(state);
        }
    }

    static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The files of a version, which a task elsewhere finds by their folder.</summary>
    sealed class Snapshot(ISourceSnapshot files, BigQuerySourceOptions options, string folder, string note) : ISourceSnapshot
    {
        public Schema Schema => files.Schema;
        public IReadOnlyList<SourceFile> Files => files.Files;
        public IReadOnlyList<SourceFragment> Fragments => files.Fragments;
        public string Note => note;

        // As OpenLineage names tables of BigQuery.
        public DatasetName? Dataset { get; } = new("bigquery", options.Table is { } t ? $"{t.ProjectId}.{t.DatasetId}.{t.TableId}" : $"query {options.Name}");

        public IReadOnlyDictionary<string, string?>? Binding { get; } = new Dictionary<string, string?> { [$"Sources:{options.Name}:Format"] = "parquet", [$"Sources:{options.Name}:Path"] = folder };

        public IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel) => files.ReadAsync(request, cancel);

        public void Verify() => files.Verify();

        public void Dispose() => files.Dispose();
    }
}
