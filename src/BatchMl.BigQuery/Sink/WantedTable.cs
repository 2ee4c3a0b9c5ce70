using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>A table as rows need it: how it is made where there is none, and what is wrong with one that is there.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Schema">The rows' columns.</param>
/// <param name="PartitionColumn">The partition column.</param>
/// <param name="Mode">What becomes of rows that are there.</param>
/// <param name="Keys">Of a merge.</param>
/// <param name="Owner">Whose a table that is there must be, as its label <c>batchml_job</c> says; null: anybody's.</param>
sealed record WantedTable(TableReference Table, BigQuerySchema Schema, string PartitionColumn, BigQueryMode Mode, IReadOnlyList<string> Keys, string? Owner = null)
{
    /// <summary>The partition column among the rows' columns; null: the rows do not have it.</summary>
    public BigQueryField? Partition => Schema.Fields.FirstOrDefault(f => f.Name == PartitionColumn);

    bool IsByDay => Partition?.Type == FieldType.Date;

    /// <summary>Everything for which no such table can be made, nor rows be put into it.</summary>
    public IEnumerable<string> Problems(BigQuerySinkOptions options)
    {
        var names = new List<string>();
        BigQueryNames.CheckFields(Schema.Fields, "", Table.ToString(), names);
        foreach (var problem in names) yield return problem;
        if (Mode == BigQueryMode.OverwritePartitions && Partition?.Type is not (FieldType.Date or FieldType.Integer))
        {
            yield return $"Rows are partitioned by {PartitionColumn}, {(Partition is null ? "which is not among their columns" : $"of type {Partition.Type}")}; BigQuery can replace a partition of a date or an integer only. "
                + "Partition the spine by a date, or take BigQuery:Mode=merge with BigQuery:Keys, or append.";
        }
        foreach (var key in Keys)
        {
            if (Schema.Fields.FirstOrDefault(f => f.Name == key) is not { } field) yield return $"BigQuery:Keys names {key}, which is no column of the rows. Columns are: {Names(Schema.Fields)}.";
            else if (field.Mode == FieldMode.Repeated || field.Type is FieldType.Record or FieldType.Float) yield return $"BigQuery:Keys names {key}, of type {field.Type}{(field.Mode == FieldMode.Repeated ? " (a list)" : "")}; expected columns whose values can be compared exactly.";
        }
        if (Mode == BigQueryMode.Merge && options.RequirePartitionFilter && Partition is not null && !Keys.Contains(PartitionColumn))
            yield return $"BigQuery:RequirePartitionFilter is true and BigQuery:Keys does not have {PartitionColumn}: rows with equal keys may be in any partition, so a merge can not say which it reads. Add {PartitionColumn} to the keys, or leave the filter out.";
        foreach (var column in options.Clustering.Where(c => Schema.Fields.FirstOrDefault(f => f.Name == c) is not { Mode: not FieldMode.Repeated, Type: not (FieldType.Record or FieldType.Float or FieldType.Bytes or FieldType.Time) }))
            yield return $"BigQuery:Clustering names {column}, which is not among the rows' columns, or of a type that BigQuery does not cluster by. Columns are: {Names(Schema.Fields)}.";
    }

    static string Names(IEnumerable<BigQueryField> fields) => string.Join(", ", fields.Select(f => f.Name));

    /// <summary>Everything for which a table that is not there can not be made.</summary>
    public IEnumerable<string> ProblemsOfMissing()
    {
        if (Mode == BigQueryMode.OverwritePartitions && Partition?.Type == FieldType.Integer)
        {
            yield return $"{Table} is not there, and its partitions by {PartitionColumn} need to know the integers that there may be. Make it before, with a partition for each, e.g. "
                + $"PARTITION BY RANGE_BUCKET({PartitionColumn}, GENERATE_ARRAY(0, 1000, 1)); its columns may be left to BigQuery:SchemaEvolution=add.";
        }
    }

    /// <summary>The table as it is made.</summary>
    public BigQueryTable New(BigQuerySinkOptions options, IEnumerable<KeyValuePair<string, string>> labels) => new()
    {
        TableReference = Table,
        Schema = Schema,
        TimePartitioning = IsByDay ? new TimePartitioning { Type = "DAY", Field = PartitionColumn, ExpirationMs = (long?)options.PartitionExpiration?.TotalMilliseconds } : null,
        Clustering = options.Clustering.Count > 0 ? new Clustering(options.Clustering) : null,
        RequirePartitionFilter = IsByDay && options.RequirePartitionFilter ? true : null,
        EncryptionConfiguration = options.KmsKey is { } key ? new EncryptionConfiguration(key) : null,
        Labels = BigQueryLabels.Of(labels),
    };

    /// <summary>Everything that is wrong with a table that is there, but for its columns.</summary>
    public IEnumerable<string> ProblemsOf(BigQueryTable found)
    {
        if (found.Type is { } type and not "TABLE")
        {
            yield return $"{Table} is a {type}; expected a table. Name another one, or remove it.";
            yield break;
        }
        if (Owner is not null && found.Labels?.GetValueOrDefault(BigQuerySink.JobLabel) is { } owner && owner != Owner)
            yield return $"{Table} is of {owner}, by its label {BigQuerySink.JobLabel}; expected one of {Owner}, or none: tables that end in __v and a number have what a version of a model scored. Name another table.";
        if (Mode == BigQueryMode.OverwritePartitions && (Partition?.Type is FieldType.Date or FieldType.Integer) && !HasPartitionPerValue(found))
        {
            yield return $"{Table} is {PartitioningOf(found)}; expected {(IsByDay ? $"partitions by DAY of {PartitionColumn}" : $"partitions of one integer each of {PartitionColumn}")}, so that a partition of the rows is one of the table. "
                + "A table's partitioning can not be changed: name another table (it is made), or take BigQuery:Mode=merge with BigQuery:Keys, or append.";
        }
        if (Mode == BigQueryMode.Merge && found.RequirePartitionFilter == true && found.TimePartitioning?.Field is { } field && !(field == PartitionColumn && Keys.Contains(field)))
            yield return $"{Table} must be read with a filter on {field}, which a merge on {string.Join(", ", Keys)} does not have. Add {PartitionColumn} to BigQuery:Keys if the table is partitioned by it, or turn the table's requirement off.";
    }

    bool HasPartitionPerValue(BigQueryTable found) => IsByDay
        ? found.TimePartitioning is { Type: "DAY" } time && (time.Field is null || time.Field.Equals(PartitionColumn, StringComparison.OrdinalIgnoreCase))
        : found.RangePartitioning is { Range.Interval: 1 } range && range.Field.Equals(PartitionColumn, StringComparison.OrdinalIgnoreCase);

    /// <summary>How a table is partitioned, in words.</summary>
    public static string PartitioningOf(BigQueryTable table) => table switch
    {
        { TimePartitioning: { } time } => $"partitioned by {time.Type} of {time.Field ?? "the time of loading"}",
        { RangePartitioning: { } range } => $"partitioned by {range.Field} from {range.Range.Start} to {range.Range.End} by {range.Range.Interval}",
        _ => "not partitioned",
    };
}
