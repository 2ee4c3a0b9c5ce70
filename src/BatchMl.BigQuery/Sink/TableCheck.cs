using System.Globalization;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>Looks at dataset and table before a row moves: what there is, what will be made, what is wrong, and what quotas say.</summary>
sealed class TableCheck(BigQuerySinkOptions options)
{
    // Per table and day; per table. https://cloud.google.com/bigquery/quotas
    const int LoadsADay = 1_500, PartitionChangesADay = 30_000, PartitionsOfATable = 10_000;

    readonly List<string> lines = [];

    /// <summary>Lines for a plan.</summary>
    /// <param name="output">What is about to be written.</param>
    /// <param name="problems">What is wrong already.</param>
    /// <param name="open">Opens BigQuery; not asked if the rows alone are wrong enough.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="DefinitionException">Everything that is wrong.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(PlannedOutput output, List<string> problems, Func<Task<BigQueryClient>> open, CancellationToken cancel)
    {
        WantedTable? wanted = null;
        try
        {
            wanted = new WantedTable(options.Table, DescribedSchema.Of(output.Schema), output.PartitionColumn, options.Mode, options.Keys, VersionTables.OwnerOf(options.Table, output.Dataset));
            problems.AddRange(wanted.Problems(options));
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
        }
        try
        {
            await LookAsync(await open(), wanted, output, problems, cancel);
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
        }
        catch (BigQueryException e) when (e.Kind != FailureKind.Transient)
        {
            problems.Add(e.Message);
        }
        return problems.Count > 0 ? throw new DefinitionException(problems) : lines;
    }

    async Task LookAsync(BigQueryClient client, WantedTable? wanted, PlannedOutput output, List<string> problems, CancellationToken cancel)
    {
        if (await client.Datasets.FindAsync(options.Table.Dataset, cancel) is not { } dataset)
        {
            problems.Add($"There is no dataset {options.Table.Dataset}, or its project is another one. Check --sink, or make it: bq mk --dataset --location=… {options.Table.Dataset}.");
            return;
        }
        if (options.Client.Location is { } asked && dataset.Location is { } location && !asked.Equals(location, StringComparison.OrdinalIgnoreCase))
            problems.Add($"Dataset {options.Table.Dataset} is in {location}; BigQuery:Location is {asked}. Set it to {location}, or leave it out: then it is looked up.");
        var found = await client.Tables.FindAsync(options.Table, null, cancel);
        if (wanted is null) return;
        lines.Add($"{options.Table.ProjectId}.{options.Table.DatasetId}.{options.Table.TableId}{(dataset.Location is { } at ? $" in {at}" : "")}, mode {ModeText()}, billed to {options.Client.BillingProject ?? options.Client.Project}, as {options.Client.Credentials}");
        var shape = found ?? wanted.New(options, []);
        if (found is null) problems.AddRange(wanted.ProblemsOfMissing());
        if (found is null) lines.Add($"will be made: {Describe(shape)}, {wanted.Schema.Fields.Count} columns");
        else Compare(found, wanted, problems);
        Estimate(output, wanted, shape);
    }

    void Compare(BigQueryTable found, WantedTable wanted, List<string> problems)
    {
        problems.AddRange(wanted.ProblemsOf(found));
        if (found.Type is not (null or "TABLE")) return;
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"is there: {Describe(found)}, {found.NumRows ?? 0:N0} rows, {Size(found.NumBytes ?? 0)}"));
        var change = SchemaChange.Of(found, wanted.Schema, options.SchemaEvolution);
        problems.AddRange(change.Problems);
        if (change.Changes.Count > 0) lines.Add($"will be changed: {string.Join(", ", change.Changes)}");
    }

    string ModeText() => options.Mode switch
    {
        BigQueryMode.OverwritePartitions => "overwrite_partitions",
        BigQueryMode.Append => "append",
        BigQueryMode.Merge => $"merge on {string.Join(", ", options.Keys)}",
        _ => throw new InvalidOperationException(),
    };

    static string Describe(BigQueryTable table) => WantedTable.PartitioningOf(table)
        + (table.Clustering is { Fields.Count: > 0 } c ? $", clustered by {string.Join(", ", c.Fields)}" : "")
        + (table.TimePartitioning?.ExpirationMs is { } ms ? string.Create(CultureInfo.InvariantCulture, $", partitions expire after {ms / 86_400_000.0:0.#} days") : "")
        + (table.RequirePartitionFilter == true ? ", must be read with a filter" : "");

    void Estimate(PlannedOutput output, WantedTable wanted, BigQueryTable shape)
    {
        var count = output.Partitions.Count;
        if (count == 0) return;
        var rows = output.Partitions.Any(p => p.Rows < 0) ? -1 : output.Partitions.Sum(p => p.Rows);
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"to load: {count:N0} partition{(count == 1 ? "" : "s")}, {(rows < 0 ? "rows not known" : $"{rows:N0} rows, about {Size(rows * wanted.Schema.Fields.Sum(Width))} as BigQuery counts them")}; loads are free"));
        if (options.Staging is { } staging) lines.Add($"sent to {staging} by whoever scores, and loaded from there");
        if (options.Mode == BigQueryMode.Merge)
        {
            var limit = options.MaxBytesBilled is { } most ? $"at most {Size(most)} by BigQuery:MaxBytesBilled" : "no limit is set (BigQuery:MaxBytesBilled)";
            lines.Add(wanted.Keys.Contains(wanted.PartitionColumn) && shape.TimePartitioning?.Field == wanted.PartitionColumn
                ? $"each merge reads, and bills, its partition of the table; {limit}" : $"each merge reads, and bills, up to the whole table ({Size(shape.NumBytes ?? 0)} now); {limit}");
            return;
        }
        var isPartitioned = shape.TimePartitioning is not null || shape.RangePartitioning is not null;
        var quota = isPartitioned ? PartitionChangesADay : LoadsADay;
        if (count > quota * 0.8)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"WARNING: BigQuery takes {quota:N0} {(isPartitioned ? "changes of partitions" : "loads")} per table and day, failed ones too, and {count:N0} are to be made. What is beyond fails with quotaExceeded; run it on several days (--from, --to)."));
        if (shape.TimePartitioning?.ExpirationMs is { } kept && output.Partitions.Count(p => HasExpired(p.Key.Value, kept)) is > 0 and var expired)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"WARNING: {expired:N0} of them are of days so long ago that BigQuery removes their partitions at once ({kept / 86_400_000.0:0.#} days). Leave them out (--from), or keep partitions longer."));
        if (isPartitioned && count > PartitionsOfATable)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"WARNING: a table of BigQuery has {PartitionsOfATable:N0} partitions at most, and {count:N0} are to be made. Divide the dates over several tables."));
    }

    bool HasExpired(string day, long milliseconds) => DateTime.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var begin)
        && begin.AddMilliseconds(milliseconds) < options.Client.Time.GetUtcNow().UtcDateTime;

    // As https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types counts; texts are taken to be twenty bytes.
    static double Width(BigQueryField field) => (field.Mode == FieldMode.Repeated ? 4 : 1) * field.Type switch
    {
        FieldType.Boolean => 1,
        FieldType.Numeric => 16,
        FieldType.BigNumeric => 32,
        FieldType.String or FieldType.Bytes => 22,
        FieldType.Record => field.Fields?.Sum(Width) ?? 0,
        _ => 8,
    };

    internal static string Size(double bytes) => bytes switch
    {
        < 1e4 => FormattableString.Invariant($"{bytes:F0} B"),
        < 1e7 => FormattableString.Invariant($"{bytes / 1e3:F0} kB"),
        < 1e10 => FormattableString.Invariant($"{bytes / 1e6:F0} MB"),
        _ => FormattableString.Invariant($"{bytes / 1e9:F0} GB"),
    };
}
