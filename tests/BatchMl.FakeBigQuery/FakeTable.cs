using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Where a table is.</summary>
readonly record struct TableName(string Project, string Dataset, string Table)
{
    public DatasetName In => new(Project, Dataset);

    public static TableName Of(JsonNode? reference) => new(
        reference.Text("projectId") ?? throw FakeError.Invalid("Required parameter is missing: projectId"), reference.Text("datasetId") ?? throw FakeError.Invalid("Required parameter is missing: datasetId"), reference.Text("tableId") ?? throw FakeError.Invalid("Required parameter is missing: tableId"));

    /// <summary>The table and the partition that a decorator names; null: all of it.</summary>
    public (TableName Whole, string? Partition) Split() => Table.IndexOf('$', StringComparison.Ordinal) is > 0 and var at ? (this with { Table = Table[..at] }, Table[(at + 1)..]) : (this, null);

    /// <summary>In DuckDB.</summary>
    public string Sql => $"{In.Sql}.{Duck.Quote(Table)}";

    public JsonObject Json() => new() { ["projectId"] = Project, ["datasetId"] = Dataset, ["tableId"] = Table };

    public override string ToString() => $"{Project}:{Dataset}.{Table}";
}

/// <summary>Where a dataset is.</summary>
readonly record struct DatasetName(string Project, string Dataset)
{
    /// <summary>In DuckDB.</summary>
    public string Sql => Duck.Quote($"{Project}.{Dataset}");

    public override string ToString() => $"{Project}:{Dataset}";
}

/// <summary>A table or view: what was said of it. Its rows are in DuckDB.</summary>
sealed class FakeTable(TableName name, JsonObject resource)
{
    public TableName Name { get; } = name;

    public JsonObject Resource { get; set; } = resource;

    public IReadOnlyList<Field> Fields
    {
        get => Field.All(Resource["schema"].At("fields"));
        set => Resource["schema"] = new JsonObject { ["fields"] = new JsonArray([.. value.Select(f => (JsonNode)f.Canonical().Json.DeepClone())]) };
    }

    public Partitioning? Partitioning => Partitioning.Of(Resource);

    public bool IsView => Resource["view"] is not null;

    public string Sql => Name.Sql;

    /// <summary>The rows of one partition, as a condition on the rows in DuckDB; null: all.</summary>
    public string Where(string? partition) => partition is null ? "TRUE" : $"{PartitionSql} = {Duck.Text(partition)}";

    /// <summary>The id of the partition that a row is in.</summary>
    public string PartitionSql => Partitioning is { } cut ? cut.IdSql(Duck.Quote(cut.Column)) : throw FakeError.Invalid($"Table {Name} is not partitioned: it has no partition decorators.");

    /// <summary>What columns DuckDB has: those of the schema, and the hidden one.</summary>
    public string ColumnsSql => string.Join(", ", [.. Fields.Select(f => $"{Duck.Quote(f.Name)} {f.DuckType}{(f.IsRequired ? " NOT NULL" : "")}"), .. Partitioning is { IsByLoadTime: true } ? [$"{Partitioning.LoadTime} TIMESTAMPTZ"] : Array.Empty<string>()]);
}
