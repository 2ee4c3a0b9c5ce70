using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>A table or query of Spark as a source.</summary>
public sealed record SparkTable
{
    /// <summary>The source's name.</summary>
    public required string Name { get; init; }

    /// <summary>The Connect server, e.g. <c>sc://localhost:15002</c>.</summary>
    public required string Remote { get; init; }

    /// <summary>The driver's workspace, absolute: in a folder that driver and executors share under one path.</summary>
    public required string Workspace { get; init; }

    /// <summary>A table or view, as Spark names it (<c>catalog.schema.table</c>); null: <see cref="Sql"/> is given.</summary>
    public string? Table { get; init; }

    /// <summary>A query in Spark's dialect; null: <see cref="Table"/> is given.</summary>
    public string? Sql { get; init; }

    /// <summary>
    /// An expression in Spark's dialect, say <c>date(time_hour)</c>: rows of one value are pinned, compared and copied as one chunk, so that an appended day copies only that day and changes only what can see it. Null: the
    /// table is one chunk, and any change of it changes all.
    /// </summary>
    public string? PartitionBy { get; init; }

    /// <summary>Settings of the Spark session.</summary>
    public IReadOnlyDictionary<string, string> Confs { get; init; } = new Dictionary<string, string>();

    /// <summary>Told in a line what Spark is doing; null: nobody is.</summary>
    public Action<string>? OnProgress { get; init; }
}

/// <summary>
/// A table or query of Spark, pinned as Parquet files in the workspace: <c>spark-tables/NAME/VERSION/CHUNK.parquet</c>. A version's name is the digest of its rows, which Spark computes at every plan (their number, and sum and exclusive or of a
/// 64-bit hash of each); only chunks that are not there yet are written. From then on it is a Parquet source like any other: local engine, tasks in executors, fingerprints and lineage need not know. Columns that hold maps are left
/// out, since Spark can not hash them. Versions that were not used for a week are removed.
/// </summary>
/// <param name="table">Which table, and where Spark is.</param>
/// <param name="parquet">A source of a folder of Parquet files.</param>
/// <param name="clock">"Now".</param>
public sealed class SparkTableSource(SparkTable table, Func<string, IBatchSource> parquet, TimeProvider clock) : IBatchSource
{
    const string ChunkColumn = "batchml_chunk", HashColumn = "batchml_hash";

    readonly PinnedVersions versions = new(Path.Combine(table.Workspace, "spark-tables", table.Name), clock);

    // Spark writes INT96 by default, which has no statistics.
    static readonly Dictionary<string, string> confs = new() { ["spark.sql.session.timeZone"] = "UTC", ["spark.sql.parquet.outputTimestampType"] = "TIMESTAMP_MICROS" };

    sealed record Chunk(string Id, long Rows, string Digest)
    {
        public string FileName => $"{Id}-{Digest[..24]}";
    }

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">Spark is not there, or does not share the workspace's folder.</exception>
    /// <exception cref="DataException">The table or query has no rows, or no column that can be read.</exception>
    /// <exception cref="InputChangedException">The table changed while it was copied.</exception>
    public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        await using var spark = await SparkSession.ConnectAsync(SparkRemote.Parse(table.Remote), new SparkSessionOptions { Time = clock }, cancel);
        await spark.SetAsync(new Dictionary<string, string>([.. table.Confs, .. confs]), cancel);
        var rows = await RowsAsync(spark, cancel);
        var chunks = await DigestAsync(spark, rows, cancel);
        if (chunks.Count == 0) throw new DataException($"Source '{table.Name}': {What} gives no rows. Check the name, the query and its conditions.");
        var name = VersionOf(rows.Schema, chunks);
        var version = versions.Find(name) ?? await CopyAsync(spark, rows, chunks, name, cancel);
        versions.Use(version);
        return new PinnedTable(await parquet(version).OpenAsync(cancel), table.Name, version, new DatasetName("spark", table.Table ?? $"query {table.Name}"));
    }

    string What => table.Table is { } name ? $"table {name}" : "the query";

    /// <summary>The rows with their columns in words of DDL, their chunk and their hash.</summary>
    sealed record Rows(SparkRelation Relation, IReadOnlyList<string> Columns, string Schema);

    async Task<Rows> RowsAsync(SparkSession spark, CancellationToken cancel)
    {
        var relation = table.Table is { } name ? SparkRelation.Table(name) : SparkRelation.Sql(table.Sql!);
        var fields = (await spark.SchemaAsync(relation, cancel)).FieldsList.Where(f => !HasMap(f.DataType)).ToArray();
        if (fields.Length == 0) throw new DataException($"Source '{table.Name}': {What} has no column that can be read; columns that hold maps are left out.");
        string[] columns = [.. fields.Select(f => f.Name)];
        // A prefix, so that Spark does not read the value of the chunk's folder as a number.
        var chunk = table.PartitionBy is { } by ? $"concat('c', coalesce(substr(sha2(cast({by} as string), 256), 1, 24), 'null'))" : "'all'";
        return new Rows(
            relation.Select([.. columns.Select(SparkRelation.Quote), $"{chunk} AS {ChunkColumn}"]), columns, string.Join(", ", fields.Select(f => $"{f.Name} {f.DataType.Name}")));
    }

    static bool HasMap(Apache.Arrow.Types.IArrowType type) => type is Apache.Arrow.Types.MapType || type is Apache.Arrow.Types.NestedType nested && nested.Fields.Any(f => HasMap(f.DataType));

    // Sum and exclusive or of hashes do not depend on the order of rows, and rows that are there twice do not cancel each other in both.
    async Task<IReadOnlyList<Chunk>> DigestAsync(SparkSession spark, Rows rows, CancellationToken cancel, SparkRelation? from = null)
    {
        var hash = $"xxhash64({string.Join(", ", rows.Columns.Select(SparkRelation.Quote))}) AS {HashColumn}";
        var digests = (from ?? rows.Relation).Select(ChunkColumn, hash).GroupBy(ChunkColumn)
            .Agg("count(1) AS n", $"concat(cast(sum(cast({HashColumn} AS decimal(20, 0))) AS string), ' ', cast(bit_xor({HashColumn}) AS string)) AS digest");
        var chunks = new List<Chunk>();
        await foreach (var batch in spark.CollectAsync(digests, null, cancel))
        {
            using (batch)
            {
                var (ids, counts, sums) = ((StringArray)batch.Column(0), (Int64Array)batch.Column(1), (StringArray)batch.Column(2));
                for (var i = 0; i < batch.Length; i++)
                    chunks.Add(new Chunk(ids.GetString(i), counts.GetValue(i)!.Value, Hex(string.Create(CultureInfo.InvariantCulture, $"{rows.Schema}\n{counts.GetValue(i)} {sums.GetString(i)}"))));
            }
        }
        return [.. chunks.OrderBy(c => c.Id, StringComparer.Ordinal)];
    }

    static string VersionOf(string schema, IReadOnlyList<Chunk> chunks) => Hex($"{schema}\n{string.Join('\n', chunks.Select(c => $"{c.Id} {c.Digest}"))}")[..32];

    static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    async Task<string> CopyAsync(SparkSession spark, Rows rows, IReadOnlyList<Chunk> chunks, string version, CancellationToken cancel)
    {
        // Of a chunk there may be several files, numbered.
        var known = versions.Files().ToLookup(f => f.Key[..f.Key.LastIndexOf('-')], f => f.Value);
        var missing = chunks.Where(c => !known.Contains(c.FileName)).ToArray();
        using var staging = StagingFolder.Create(table.Workspace);
        var made = Path.Combine(staging.Path, "version");
        DurableFiles.CreateFolder(made);
        if (missing.Length > 0)
        {
            table.OnProgress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"Spark copies {missing.Sum(c => c.Rows):N0} rows of source {table.Name} ({missing.Length} of {chunks.Count} chunks changed)"));
            var written = Path.Combine(staging.Path, "written");
            await spark.WriteAsync(Wanted(rows, chunks, missing), new SparkWrite { Path = written, PartitionColumns = [ChunkColumn] }, null, cancel);
            if (!File.Exists(Path.Combine(written, "_SUCCESS")))
                throw new BatchMlException($"What Spark wrote into {written} is not to be seen from here. Expected the workspace in a folder that driver and executors share under one path (NFS, a mounted volume); choose such a one with --workspace.", FailureKind.Permanent);
            // Rows that were read twice may be two states of the table: those that count are the ones in the files.
            var copied = await DigestAsync(spark, rows, cancel, SparkRelation.Parquet(written));
            if (!copied.SequenceEqual(missing))
                throw new InputChangedException($"Source '{table.Name}': {What} changed while Spark copied it, or it gives other rows each time it is asked (say by rand() or a LIMIT without an order).");
            foreach (var chunk in missing) Take(Path.Combine(written, $"{ChunkColumn}={chunk.Id}"), chunk, made);
        }
        foreach (var file in chunks.SelectMany(c => known[c.FileName])) DurableFiles.Link(file, Path.Combine(made, Path.GetFileName(file)));
        return versions.Publish(made, version);
    }

    // Rows of a chunk lie in one file and in one order, so that the same rows give the same file, whoever copies them. A table without chunks is left in as many files as Spark has tasks.
    SparkRelation Wanted(Rows rows, IReadOnlyList<Chunk> chunks, IReadOnlyList<Chunk> missing)
    {
        if (table.PartitionBy is null) return rows.Relation;
        var relation = missing.Count == chunks.Count ? rows.Relation : rows.Relation.Where($"{ChunkColumn} IN ({string.Join(", ", missing.Select(c => $"'{c.Id}'"))})");
        return relation.Repartition(Math.Min(missing.Count, 200), ChunkColumn).SortWithinPartitions([ChunkColumn, .. rows.Columns.Select(SparkRelation.Quote)]);
    }

    static void Take(string folder, Chunk chunk, string to)
    {
        var files = Directory.GetFiles(folder, "*.parquet").Order(StringComparer.Ordinal).ToArray();
        for (var i = 0; i < files.Length; i++)
        {
            PinnedVersions.Settle(files[i]);
            File.Move(files[i], Path.Combine(to, string.Create(CultureInfo.InvariantCulture, $"{chunk.FileName}-{i:D5}.parquet")));
        }
    }
}
