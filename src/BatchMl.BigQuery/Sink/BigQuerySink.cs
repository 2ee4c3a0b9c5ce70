using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.BigQuery;

/// <summary>
/// A table of BigQuery as a sink. Rows are staged as Parquet files in the workspace like those of any other job, and stay there, so that monitoring and replay read them without a bill. Publication loads the committed file, then
/// makes it the visible one of the workspace. Whoever stages needs no login: only who publishes does.
/// </summary>
public sealed class BigQuerySink : IBatchSink, IDisposable
{
    internal const string JobLabel = "batchml_job";

    readonly BigQuerySinkOptions options;
    readonly IBatchSink files;
    readonly LoadJournal journal;
    readonly VersionTables tables;
    readonly Action<string> reached;
    readonly SemaphoreSlim opening = new(1, 1);
    readonly CloudStaging? staging;
    BigQueryClient? client;

    /// <summary>A table, and the files that are loaded into it.</summary>
    /// <param name="options">Which table, and how.</param>
    /// <param name="files">A sink of this one's name, with a folder of its own, whose files a warehouse can load: the partition column in them, no column required.</param>
    public BigQuerySink(BigQuerySinkOptions options, IBatchSink files) : this(options, files, static _ => { }) { }

    /// <summary><paramref name="reached"/> is told of each step of a publication: tests let it fail.</summary>
    internal BigQuerySink(BigQuerySinkOptions options, IBatchSink files, Action<string> reached)
    {
        if (files.Name != options.Name) throw new ArgumentException($"The files' sink is called '{files.Name}'; expected '{options.Name}', or partitions would be of two ledgers.", nameof(files));
        (this.options, this.files, this.reached) = (options, files, reached);
        journal = new LoadJournal(files.Root);
        tables = new VersionTables(options, files, journal);
        staging = options.Staging is null ? null : new CloudStaging(options);
    }

    /// <inheritdoc/>
    public string Name => options.Name;

    /// <inheritdoc/>
    // A load takes seconds, however small; of statements that change a table BigQuery lets 22 wait. A large file takes minutes.
    public PublicationPace Pace { get; } = new(8, TimeSpan.FromMinutes(15));

    /// <inheritdoc/>
    public string Root => files.Root;

    /// <inheritdoc/>
    public DatasetName LineageNameOf(string dataset) => new("bigquery", $"{options.Table.ProjectId}.{options.Table.DatasetId}.{VersionTables.Of(options.Table, dataset).TableId}");

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> TraceOf(StagedPartition staged) => new Dictionary<string, string>
    {
        ["table"] = LineageNameOf(staged.Key.Dataset).Name,
        ["jobIdPrefix"] = JobNames.Prefix(VersionTables.Of(options.Table, staged.Key.Dataset), staged, options.Mode),
        ["bytes"] = staged.Files.Where(f => f.Kind == FileKind.Data).Sum(f => f.Bytes).ToString(CultureInfo.InvariantCulture),
    };

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> CheckAsync(PlannedOutput output, CancellationToken cancel)
    {
        var (lines, problems) = (new List<string>(), new List<string>());
        var version = DatasetVersion.Of(output.Dataset);
        if (version is not null && options.Mode == BigQueryMode.Append)
        {
            problems.Add($"Job '{version.Dataset}' keeps its scores by model version (SideBySide), and {options.Table} has those of the version that was committed last: they take the place of those before, which append can not. "
                + "Take BigQuery:Mode=overwrite_partitions, or merge; or take SideBySide off the job, whose columns model_version and model_digest say who scored.");
        }
        else if (options.Mode == BigQueryMode.Append)
        {
            foreach (var partition in output.Partitions)
                if (await files.IsVisibleAsync(partition.Key, cancel)) problems.Add(Appended(partition.Key));
        }
        // The version's own, and that of what is current.
        foreach (var table in new[] { VersionTables.Of(options.Table, output.Dataset), options.Table }.Distinct())
        {
            try
            {
                lines.AddRange(await new TableCheck(options with { Table = table }).RunAsync(output, [], () => ClientAsync(cancel), cancel));
            }
            catch (DefinitionException e)
            {
                problems.AddRange(e.Problems);
            }
        }
        return problems.Count > 0 ? throw new DefinitionException([.. problems.Distinct()]) : [.. lines.Distinct()];
    }

    string Appended(PartitionKey key) =>
        $"{key} was appended to {options.Table} before; made again, its rows would be there twice. Take BigQuery:Mode=overwrite_partitions or merge, which replace them, or leave the partition out.";

    /// <inheritdoc/>
    public async Task<IBatchStage> StageAsync(PartitionKey key, long fence, Schema schema, CancellationToken cancel)
    {
        var wanted = Wanted(VersionTables.Of(options.Table, key.Dataset), DescribedSchema.Of(schema), key);
        if (wanted.Problems(options).ToArray() is { Length: > 0 } problems) throw new DefinitionException(problems);
        await CheckAppendAsync(key, fence, cancel);
        var stage = await files.StageAsync(key, fence, schema, cancel);
        if (staging is not null) stage = new CloudStage(stage, staging, files.Root);
        return options.Mode == BigQueryMode.Merge ? new BigQueryStage(stage, key, schema, options.Keys) : stage;
    }

    /// <inheritdoc/>
    public async Task AdoptAsync(StagedPartition staged, string root, CancellationToken cancel)
    {
        await CheckAppendAsync(staged.Key, staged.Fence, cancel);
        await files.AdoptAsync(staged, root, cancel);
    }

    async Task CheckAppendAsync(PartitionKey key, long fence, CancellationToken cancel)
    {
        if (options.Mode == BigQueryMode.Append && await files.ReadManifestAsync(key, cancel) is { } visible && visible.Partition.Fence != fence)
            throw new BatchMlException(Appended(key));
    }

    WantedTable Wanted(TableReference table, BigQuerySchema schema, PartitionKey key) => new(table, schema, key.Column, options.Mode, options.Keys, VersionTables.OwnerOf(table, key.Dataset));

    /// <inheritdoc/>
    /// <exception cref="DataException">Files of the version are neither staged nor published, or were changed since they were committed.</exception>
    /// <exception cref="DefinitionException">The table is not as the rows need it.</exception>
    /// <exception cref="BigQueryException">BigQuery refused, or could not be reached.</exception>
    public async Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var visible = (await files.ReadManifestAsync(version.Key, cancel))?.Partition;
        if (visible is null || visible.Fence < version.Fence)
        {
            var located = version.Files.Select(f => new LocatedFile(f, Locate(version, f))).ToArray();
            await CheckAppendAsync(version.Key, version.Fence, cancel);
            foreach (var place in await tables.PlacesOfAsync(manifest, visible, cancel)) await LoadAsync(place, manifest, located, cancel);
        }
        await files.PublishAsync(manifest, cancel);
        reached("visible");
        if (staging is not null) await staging.RemoveAsync(version.Key, version.Files.Where(f => f.Kind == FileKind.Data), cancel);
        reached("unstaged");
        foreach (var key in new[] { version.Key, version.Key with { Dataset = DatasetVersion.DatasetOf(version.Key.Dataset) } }.Distinct())
            if (journal.Read(key)?.IsOf(version, key) == true) journal.Remove(key);
        reached("forgotten");
    }

    async Task LoadAsync(LoadPlace place, PartitionManifest manifest, IReadOnlyList<LocatedFile> located, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var bigQuery = await ClientAsync(cancel);
        var before = journal.Read(place.Journal);
        var isRepeat = before?.IsOf(version, place.Journal) == true;
        var labels = Labels(manifest);
        LocatedFile[] data = [.. located.Where(f => f.File.Kind == FileKind.Data)];
        foreach (var file in data) CheckBytes(file);
        var load = new TableLoad(bigQuery, options, staging, reached);
        var wanted = Wanted(place.Table, DescribedSchema.Of(version.SchemaJson), version.Key);
        var table = await load.EnsureAsync(wanted, labels, cancel);
        reached("table");
        var id = load.CommitOf(wanted, table, version, data);
        if (before is not null && !isRepeat) await SettleAsync(bigQuery, before, id, version.Key, cancel);
        var noted = new LoadJournal.Entry(version.Fence, [id], options.Client.Location ?? table.Location, version.Key.Dataset, manifest.CommittedAt);
        journal.Write(place.Journal, noted);
        reached("noted");
        await load.RunAsync(wanted, table, version, data, labels, isRepeat || before?.Jobs.Contains(id) == true, cancel);
        reached("loaded");
        if (version.DeadLetters > 0 || place.HadDeadLetters || before is { Jobs.Count: > 1 })
        {
            await LoadDeadLettersAsync(bigQuery, place, manifest, located.FirstOrDefault(f => f.File.Kind == FileKind.DeadLetters), noted, isRepeat, cancel);
            reached("dead letters");
        }
    }

    async Task SettleAsync(BigQueryClient bigQuery, LoadJournal.Entry before, string id, PartitionKey key, CancellationToken cancel)
    {
        await LoadJournal.SettleAsync(bigQuery, before, cancel);
        // Of what is appended nothing takes the place of rows that are there: the same rows are found again by their id, others are not.
        if (options.Mode == BigQueryMode.Append && !before.Jobs.Contains(id) && await LoadJournal.DoneAsync(bigQuery, before.Jobs[0], before.Location, cancel) is { } done)
        {
            throw new BatchMlException(
                $"{key} was appended to {options.Table} by job {done.JobReference}, in a version whose files were lost before it was published; this version has other rows. Remove that version's rows from the table (it has a run_id), then the partition's file in {Path.Combine(files.Root, "_loads")}, and run again.");
        }
    }

    async Task LoadDeadLettersAsync(BigQueryClient bigQuery, LoadPlace place, PartitionManifest manifest, LocatedFile letters, LoadJournal.Entry noted, bool isRepeat, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var key = version.Key with { Dataset = version.Key.Dataset + DeadLetterRows.Suffix };
        var visible = (await files.ReadManifestAsync(key, cancel))?.Partition;
        // In the version's own table they are, once they are visible; the table of what is current follows.
        if (visible?.Fence >= version.Fence && place.Journal == version.Key) return;
        var type = Wanted(place.Table, DescribedSchema.Of(version.SchemaJson), version.Key).Partition?.Type switch { FieldType.Date => ColumnType.Date, FieldType.Integer => ColumnType.Int64, _ => ColumnType.String };
        var staged = visible?.Fence == version.Fence ? visible : await StageDeadLettersAsync(key, version.Fence, DeadLetterRows.Of(letters.File is { } file ? CommittedFile.Read(letters.Path, file) : null, version.Key, type, manifest.RunId), cancel);
        // Dead letters of a partition are replaced with it, whatever the mode of the scores.
        var wanted = new WantedTable(
            place.Table with { TableId = place.Table.TableId + DeadLetterRows.Suffix }, DescribedSchema.Of(staged.SchemaJson), key.Column,
            type == ColumnType.Date ? BigQueryMode.OverwritePartitions : BigQueryMode.Merge, type == ColumnType.Date ? [] : [key.Column, DeadLetterRows.Row]);
        var load = new TableLoad(bigQuery, options with { Mode = wanted.Mode, Keys = wanted.Keys, Clustering = [], RequirePartitionFilter = false, SchemaEvolution = SchemaEvolution.Relax }, null, reached);
        var labels = Labels(manifest);
        var table = await load.EnsureAsync(wanted, labels, cancel);
        LocatedFile[] data = [.. staged.Files.Select(f => new LocatedFile(f, Locate(staged, f)))];
        journal.Write(place.Journal, noted with { Jobs = [.. noted.Jobs, load.CommitOf(wanted, table, staged, data)] });
        await load.RunAsync(wanted, table, staged, data, labels, isRepeat, cancel);
        await files.PublishAsync(manifest with { Partition = staged }, cancel);
    }

    async Task<StagedPartition> StageDeadLettersAsync(PartitionKey key, long fence, RecordBatch rows, CancellationToken cancel)
    {
        await using var stage = await files.StageAsync(key, fence, rows.Schema, cancel);
        await stage.WriteAsync(rows, cancel);
        return await stage.CompleteAsync(cancel);
    }

    IReadOnlyDictionary<string, string> Labels(PartitionManifest manifest) => BigQueryLabels.Of(
        options.Labels.Concat([new("batchml_run", manifest.RunId), new(JobLabel, manifest.Partition.Key.Dataset), new("batchml_partition", manifest.Partition.Key.Value)]));

    // A publication that was cut off may have moved some of them already.
    string Locate(StagedPartition version, StagedFile file)
    {
        string[] places = [Path.Combine(files.Root, version.Folder, file.Name), files.PathOf(new PartitionManifest(1, version, "", "", default), file)];
        return places.FirstOrDefault(p => new FileInfo(p) is { Exists: true } found && found.Length == file.Bytes) ?? throw new DataException(
            $"File {file.Name} of the committed partition {version.Key} (fence {version.Fence}) is gone or has another size. Expected it at {string.Join(" or ", places)}. Nothing was loaded. Put it back, or make the partition again (replay).");
    }

    // The bytes that were committed are those that are loaded.
    static void CheckBytes(LocatedFile file)
    {
        using var stream = File.OpenRead(file.Path);
        var digest = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (digest != file.File.Sha256) throw new DataException($"{file.Path} has SHA-256 {digest}; expected {file.File.Sha256}, as it was committed. Nothing was loaded. Restore the file, or make the partition again (replay).");
    }

    /// <inheritdoc/>
    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => files.ReadManifestAsync(key, cancel);

    /// <inheritdoc/>
    public Task<bool> IsVisibleAsync(PartitionKey key, CancellationToken cancel) => files.IsVisibleAsync(key, cancel);

    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => files.PathOf(manifest, file);

    /// <inheritdoc/>
    public async Task CleanAsync(string dataset, Func<PartitionKey, long, Task<bool>> isLive, CancellationToken cancel)
    {
        await files.CleanAsync(dataset, isLive, cancel);
        // The ledger knows them as part of their scores' partition.
        await files.CleanAsync(dataset + DeadLetterRows.Suffix, (key, fence) => isLive(key with { Dataset = dataset }, fence), cancel);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(PartitionManifest manifest, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in files.ReadAsync(manifest, columns, cancel)) yield return batch;
    }

    async Task<BigQueryClient> ClientAsync(CancellationToken cancel)
    {
        await opening.WaitAsync(cancel);
        try
        {
            return client ??= await BigQueryClient.OpenAsync(options.Client, cancel);
        }
        finally
        {
            opening.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        client?.Dispose();
        staging?.Dispose();
        opening.Dispose();
    }
}
