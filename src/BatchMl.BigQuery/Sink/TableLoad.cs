using System.Globalization;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>A staged file, and where it is now.</summary>
readonly record struct LocatedFile(StagedFile File, string Path);

/// <summary>
/// Puts a version of a partition into a table: a single file straight into it, several, and what is merged, through a staging table and one atomic step. Every step may be repeated by whoever comes after a crash: jobs are
/// found again by their ids.
/// </summary>
/// <param name="client">BigQuery.</param>
/// <param name="options">The sink's.</param>
/// <param name="staging">Where files are loaded from; null: they are sent along.</param>
/// <param name="reached">Told of each step.</param>
sealed class TableLoad(BigQueryClient client, BigQuerySinkOptions options, CloudStaging? staging, Action<string> reached)
{
    const int Tries = 5;

    /// <summary>Makes the table, or changes its columns as far as that is allowed.</summary>
    /// <exception cref="DefinitionException">It is not as the rows need it, and may not be changed.</exception>
    public async Task<BigQueryTable> EnsureAsync(WantedTable wanted, IReadOnlyDictionary<string, string> labels, CancellationToken cancel)
    {
        if (wanted.Problems(options).ToArray() is { Length: > 0 } wrong) throw new DefinitionException(wrong);
        for (var tries = 1; ; tries++)
        {
            var found = await client.Tables.FindAsync(wanted.Table, null, cancel);
            if (found is null && wanted.ProblemsOfMissing().ToArray() is { Length: > 0 } missing) throw new DefinitionException(missing);
            var table = found ?? await client.Tables.EnsureAsync(wanted.New(options, labels), cancel);
            var change = SchemaChange.Of(table, wanted.Schema, options.SchemaEvolution);
            string[] problems = [.. wanted.ProblemsOf(table), .. change.Problems];
            if (problems.Length > 0) throw new DefinitionException(problems);
            if (change.Changes.Count == 0) return table;
            try
            {
                return await client.Tables.PatchAsync(wanted.Table, change.ToPatch(), table.Etag, cancel);
            }
            catch (BigQueryException e) when (e.IsStale && tries < Tries)
            {
                // Another process changed it, maybe as we would.
            }
        }
    }

    /// <summary>The id of the job that changes the table, without the number of the attempt.</summary>
    public string CommitOf(WantedTable wanted, BigQueryTable table, StagedPartition version, IReadOnlyList<LocatedFile> files) =>
        JobNames.Step(JobNames.Prefix(wanted.Table, version, wanted.Mode), wanted.Mode == BigQueryMode.Merge ? "merge" : IsDirect(wanted, files) ? "load" : "copy", table);

    // A partition that is to be emptied is not in a staging table.
    static bool IsDirect(WantedTable wanted, IReadOnlyList<LocatedFile> files) => wanted.Mode != BigQueryMode.Merge && (files.Count == 1 || files.All(f => f.File.Rows == 0));

    /// <summary>Puts the rows in.</summary>
    /// <param name="wanted">Where, and how.</param>
    /// <param name="table">As <see cref="EnsureAsync"/> gave it.</param>
    /// <param name="version">Whose rows.</param>
    /// <param name="files">The rows.</param>
    /// <param name="labels">Of the jobs.</param>
    /// <param name="isRepeat">Whether it was begun before, so that some of it may be done.</param>
    /// <param name="cancel">Stops waiting; jobs go on.</param>
    public async Task RunAsync(WantedTable wanted, BigQueryTable table, StagedPartition version, IReadOnlyList<LocatedFile> files, IReadOnlyDictionary<string, string> labels, bool isRepeat, CancellationToken cancel)
    {
        var id = CommitOf(wanted, table, version, files);
        var staging = JobNames.Staging(wanted.Table, JobNames.Prefix(wanted.Table, version, wanted.Mode));
        var isDirect = IsDirect(wanted, files);
        var done = isRepeat ? await LoadJournal.DoneAsync(client, id, LocationOf(table), cancel) : null;
        if (done is null && isDirect) done = await LoadAsync(id, Destination(wanted, table, version), table.Schema!, DispositionOf(wanted.Mode), version.Key, files[0], labels, cancel);
        else if (done is null)
        {
            await StageAsync(wanted, table, version, staging, files, labels, cancel);
            done = await CommitAsync(id, wanted, table, version, staging, labels, cancel);
        }
        reached("committed");
        Check(done, version, wanted);
        if (!isDirect) await client.Tables.RemoveAsync(staging, cancel);
    }

    string? LocationOf(BigQueryTable table) => options.Client.Location ?? table.Location;

    static string DispositionOf(BigQueryMode mode) => mode == BigQueryMode.OverwritePartitions ? WriteDisposition.Truncate : WriteDisposition.Append;

    static TableReference Destination(WantedTable wanted, BigQueryTable table, StagedPartition version) =>
        wanted.Mode == BigQueryMode.OverwritePartitions ? wanted.Table.Partition(DecoratorOf(table, version.Key)) : wanted.Table;

    static string DecoratorOf(BigQueryTable table, PartitionKey key) => table.RangePartitioning is { } range
        ? PartitionDecorator.Of(range.Range, long.Parse(key.Value, CultureInfo.InvariantCulture))
        : PartitionDecorator.Of("DAY", DateOnly.ParseExact(key.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture));

    async Task<BigQueryJob> LoadAsync(string id, TableReference into, BigQuerySchema schema, string disposition, PartitionKey key, LocatedFile file, IReadOnlyDictionary<string, string> labels, CancellationToken cancel)
    {
        var staged = staging is null ? null : await staging.SendAsync(key, file, cancel);
        var run = await client.Jobs.RunAsync(id, new JobConfiguration
        {
            Labels = labels,
            Load = new LoadConfiguration
            {
                SourceUris = staged is null ? null : [staged.ToString()],
                DestinationTable = into, Schema = schema, CreateDisposition = CreateDisposition.Never, WriteDisposition = disposition, ParquetOptions = new ParquetOptions(),
                DecimalTargetTypes = ["NUMERIC", "BIGNUMERIC"],
            },
        }, staged is null ? file.Path : null, cancel);
        if (run.Job.Statistics?.Load?.OutputRows is { } rows && rows != file.File.Rows) throw OtherRows(run.Job, into, rows, file.File.Rows);
        return run.Job;
    }

    async Task StageAsync(
        WantedTable wanted, BigQueryTable table, StagedPartition version, TableReference staging, IReadOnlyList<LocatedFile> files, IReadOnlyDictionary<string, string> labels, CancellationToken cancel)
    {
        var isMerged = wanted.Mode == BigQueryMode.Merge;
        var made = await client.Tables.EnsureAsync(new BigQueryTable
        {
            TableReference = staging, Schema = isMerged ? wanted.Schema : table.Schema, Labels = labels,
            TimePartitioning = isMerged || table.TimePartitioning is not { } time ? null : time with { ExpirationMs = null },
            RangePartitioning = isMerged ? null : table.RangePartitioning, EncryptionConfiguration = options.KmsKey is { } key ? new EncryptionConfiguration(key) : null,
            ExpirationTime = (options.Client.Time.GetUtcNow() + options.KeepStaging).ToUnixTimeMilliseconds(),
        }, cancel);
        reached("staging table");
        var prefix = JobNames.Prefix(wanted.Table, version, wanted.Mode);
        var into = wanted.Mode == BigQueryMode.OverwritePartitions ? staging.Partition(DecoratorOf(table, version.Key)) : staging;
        for (var i = 0; i < files.Count; i++)
        {
            await LoadAsync(JobNames.Step(prefix, $"stage{i}", made), into, made.Schema!, WriteDisposition.Append, version.Key, files[i], labels, cancel);
            reached($"staged {i}");
        }
    }

    async Task<BigQueryJob> CommitAsync(string id, WantedTable wanted, BigQueryTable table, StagedPartition version, TableReference staging, IReadOnlyDictionary<string, string> labels, CancellationToken cancel)
    {
        var destination = Destination(wanted, table, version);
        var configuration = wanted.Mode == BigQueryMode.Merge
            ? new JobConfiguration
            {
                Labels = labels,
                Query = new QueryConfiguration { Query = MergeStatement.Of(wanted, staging, version.Key.Value), DefaultDataset = wanted.Table.Dataset, MaximumBytesBilled = options.MaxBytesBilled },
            }
            : new JobConfiguration
            {
                Labels = labels,
                Copy = new CopyConfiguration
                {
                    SourceTable = wanted.Mode == BigQueryMode.OverwritePartitions ? staging.Partition(DecoratorOf(table, version.Key)) : staging,
                    DestinationTable = destination, CreateDisposition = CreateDisposition.Never, WriteDisposition = DispositionOf(wanted.Mode),
                },
            };
        return (await client.Jobs.RunAsync(id, configuration, null, cancel)).Job;
    }

    // What BigQuery says of a job against what was staged.
    static void Check(BigQueryJob job, StagedPartition version, WantedTable wanted)
    {
        var rows = job.Statistics?.Load?.OutputRows ?? job.Statistics?.Copy?.CopiedRows
            ?? (job.Statistics?.Query?.DmlStats is { } changed ? (changed.InsertedRowCount ?? 0) + (changed.UpdatedRowCount ?? 0) : null);
        if (rows is { } got && got != version.Rows) throw OtherRows(job, wanted.Table, got, version.Rows);
    }

    static BatchMlException OtherRows(BigQueryJob job, TableReference table, long got, long expected) => new(string.Create(CultureInfo.InvariantCulture,
        $"Job {job.JobReference} put {got} rows into {table}; {expected} were staged. The partition is not marked as published, and the table should not be used for it. Look at the job in BigQuery, then make the partition again (--force --partition)."));
}
