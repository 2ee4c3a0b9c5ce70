using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Copy jobs. .../rest/v2/Job#JobConfigurationTableCopy and cloud.google.com/bigquery/docs/managing-tables#copy-table.</summary>
sealed class Copies(Warehouse warehouse, TableWriter writer)
{
    public static IReadOnlyList<TableName> Sources(JsonObject copy) =>
        copy["sourceTable"] is { } one ? [TableName.Of(one)] : copy["sourceTables"] is JsonArray many ? [.. many.Select(TableName.Of)] : throw FakeError.Invalid("Required parameter is missing: sourceTable");

    public JsonObject Run(JsonObject copy)
    {
        if (copy.Text("operationType") is { } type && type is not ("COPY" or "OPERATION_TYPE_UNSPECIFIED")) throw FakeError.Unsupported($"copies of the kind {type}");
        var sources = Sources(copy).Select(name => name.Split()).Select(name => (Table: warehouse.Table(name.Whole), name.Partition)).ToList();
        var first = sources[0].Table;
        foreach (var (table, partition) in sources)
        {
            if (table.IsView) throw FakeError.Invalid($"{table.Name} is a view, which can not be copied.");
            if (partition is not null) (table.Partitioning ?? throw FakeError.Invalid($"Table {table.Name} is not partitioned.")).CheckDecorator(partition);
            // "the source tables must have identical schemas" (#copy_multiple_source_tables). Wording: mozilla/bigquery-etl#9722.
            if (!Same(table.Fields, first.Fields)) throw FakeError.Invalid($"Incompatible table schemata between tables: {first.Name}, {table.Name}");
            // "The source tables can't contain a mixture of partitioned and non-partitioned tables": .../docs/managing-partitioned-tables#copy_multiple_partitioned_tables.
            if (table.Partitioning is null != first.Partitioning is null) throw FakeError.Invalid("Source tables are a mixture of partitioned and non-partitioned tables.");
        }
        var target = TableName.Of(copy["destinationTable"]).Split();
        var write = copy.Text("writeDisposition") ?? "WRITE_EMPTY";
        if (warehouse.Find(target.Whole) is { } existing && existing.Fields.Count > 0)
        {
            // Assumption: appended rows, and rows of a partition, must have the table's schema exactly; modes may differ.
            if ((write == "WRITE_APPEND" || target.Partition is not null) && !Same(existing.Fields, first.Fields)) throw FakeError.Invalid($"Incompatible table schemata between tables: {first.Name}, {target.Whole}");
            // "The partition specifications for all source tables must match the destination table's": the same page, and autotraderuk/dbt-dry-run#83. A table without partitions may go into one that has them.
            if (sources.FirstOrDefault(s => s.Table.Partitioning is { } cut && cut != existing.Partitioning).Table is { } other)
                throw FakeError.Invalid($"Incompatible table partitioning specification. Expects partitioning specification {TableWriter.Text(existing.Resource)}, but input partitioning specification is {TableWriter.Text(other.Resource)}");
        }
        var bytes = sources.Sum(s => Sizes.Of(warehouse.Duck, s.Table, s.Table.Fields));
        var rows = writer.Write(new()
        {
            Destination = TableName.Of(copy["destinationTable"]),
            Create = copy.Text("createDisposition") ?? "CREATE_IF_NEEDED",
            // "The default value is WRITE_EMPTY".
            Write = write,
            Relax = true,
            // A new table is partitioned and clustered as its source: cloud.google.com/bigquery/docs/managing-partitioned-tables#copy_a_single_partition.
            Spec = warehouse.Find(target.Whole) is null ? Loads.Spec(first.Resource) : [],
            From = $"({string.Join(" UNION ALL ", sources.Select(s => $"SELECT * FROM {s.Table.Sql} WHERE {s.Table.Where(s.Partition)}"))})",
            Source = first.Fields,
            Fields = target.Partition is null || warehouse.Find(target.Whole) is null ? first.Fields : [.. warehouse.Table(target.Whole).Fields],
            LoadTime = first.Partitioning is { IsByLoadTime: true } ? Partitioning.LoadTime : null,
        });
        return new() { ["copiedRows"] = rows.Wire(), ["copiedLogicalBytes"] = bytes.Wire() };
    }

    static bool Same(IReadOnlyList<Field> a, IReadOnlyList<Field> b) =>
        a.Count == b.Count && a.All(f => Conversion.Find(b, f.Name) is { } other && f.Type == other.Type && f.IsRepeated == other.IsRepeated && Same(f.Fields, other.Fields));
}
