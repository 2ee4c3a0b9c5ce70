using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Datasets and tables. cloud.google.com/bigquery/docs/reference/rest/v2/datasets and .../tables.</summary>
sealed class Warehouse(FakeBigQueryOptions options, Quotas quotas) : IDisposable
{
    readonly SortedDictionary<string, JsonObject> datasets = new(StringComparer.Ordinal);
    readonly Dictionary<TableName, FakeTable> tables = [];
    long version;

    public Duck Duck { get; } = new();

    public long Now => options.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public IEnumerable<JsonObject> Datasets(string project) => datasets.Values.Where(d => d.Text("datasetReference", "projectId") == project);

    public IEnumerable<FakeTable> Tables(DatasetName dataset) => tables.Values.Where(t => t.Name.In == dataset && !Expired(t)).OrderBy(t => t.Name.Table, StringComparer.Ordinal);

    public JsonObject Dataset(DatasetName name) => datasets.TryGetValue(name.ToString(), out var dataset) ? dataset : throw FakeError.NotFound($"Not found: Dataset {name}");

    public bool HasDataset(DatasetName name) => datasets.ContainsKey(name.ToString());

    public string LocationOf(DatasetName name) => Dataset(name).Text("location")!;

    public FakeTable? Find(TableName name) => tables.TryGetValue(name, out var table) && !Expired(table) ? table : null;

    public FakeTable Table(TableName name)
    {
        Dataset(name.In);
        return Find(name) ?? throw FakeError.NotFound($"Not found: Table {name}");
    }

    public JsonObject InsertDataset(string project, JsonObject body)
    {
        var name = new DatasetName(project, body.Text("datasetReference", "datasetId") ?? throw FakeError.Invalid("Required parameter is missing: datasetReference"));
        if (name.Dataset.Length is 0 or > 1024 || !name.Dataset.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) throw FakeError.Invalid($"Invalid dataset ID \"{name.Dataset}\". Dataset IDs must be alphanumeric (plus underscores) and must be at most 1024 characters long.");
        if (HasDataset(name)) throw FakeError.Duplicate($"Already Exists: Dataset {name}");
        Labels.Check(body);
        // At least an hour: .../rest/v2/datasets#Dataset.FIELDS.default_table_expiration_ms.
        if (body.Number("defaultTableExpirationMs") is < 3_600_000) throw FakeError.Invalid("Invalid value for defaultTableExpirationMs: the minimum is 3600000.");
        var dataset = (JsonObject)Json.Clean(body);
        dataset["kind"] = "bigquery#dataset";
        dataset["id"] = name.ToString();
        dataset["datasetReference"] = new JsonObject { ["datasetId"] = name.Dataset, ["projectId"] = project };
        dataset["location"] = (body.Text("location") ?? "US") is var location && location.ToUpperInvariant() is "US" or "EU" ? location.ToUpperInvariant() : location;
        dataset["type"] = "DEFAULT";
        dataset["creationTime"] = Now.Wire();
        datasets[name.ToString()] = Touch(dataset);
        Duck.Run($"CREATE SCHEMA {name.Sql}");
        return dataset;
    }

    public JsonObject PatchDataset(DatasetName name, JsonObject patch, string? ifMatch)
    {
        var dataset = Dataset(name);
        CheckEtag(dataset, ifMatch);
        if (patch.Text("location") is { } location && !location.Equals(dataset.Text("location"), StringComparison.OrdinalIgnoreCase)) throw FakeError.Invalid("Cannot change the location of a dataset.");
        Json.Merge(dataset, patch);
        Labels.Check(dataset);
        return Touch(dataset);
    }

    public void DeleteDataset(DatasetName name, bool contents)
    {
        Dataset(name);
        var inside = tables.Keys.Where(t => t.In == name).ToList();
        // cloud.google.com/bigquery/docs/error-messages, resourceInUse.
        if (inside.Count > 0 && !contents) throw new FakeError(400, "resourceInUse", $"Dataset {name} is still in use");
        foreach (var table in inside) tables.Remove(table);
        Duck.Run($"DROP SCHEMA {name.Sql} CASCADE");
        datasets.Remove(name.ToString());
    }

    public FakeTable InsertTable(DatasetName dataset, JsonObject body)
    {
        var table = new FakeTable(new(dataset.Project, dataset.Dataset, body.Text("tableReference", "tableId") ?? throw FakeError.Invalid("Required parameter is missing: tableReference")), (JsonObject)Json.Clean(body));
        if (Find(table.Name) is not null) throw FakeError.Duplicate($"Already Exists: Table {table.Name}");
        Add(table);
        return table;
    }

    /// <summary>Makes a table, for a call or for a job.</summary>
    public void Add(FakeTable table)
    {
        var name = table.Name;
        var dataset = Dataset(name.In);
        if (name.Table.Length == 0 || name.Table.Contains('$', StringComparison.Ordinal)) throw FakeError.Invalid($"Invalid table ID \"{name.Table}\".");
        var resource = table.Resource;
        Labels.Check(resource);
        SchemaChange.Check(table.Fields);
        table.Partitioning?.Check(table.Fields);
        CheckClustering(table);
        if (tables.ContainsKey(name)) Drop(name);
        resource["kind"] = "bigquery#table";
        resource["id"] = name.ToString();
        resource["tableReference"] = name.Json();
        resource["type"] = table.IsView ? "VIEW" : "TABLE";
        resource["location"] = dataset.Text("location");
        resource["creationTime"] = Now.Wire();
        // .../rest/v2/datasets#Dataset.FIELDS.default_table_expiration_ms and default_partition_expiration_ms: for tables that are made after.
        if (resource["expirationTime"] is null && dataset.Number("defaultTableExpirationMs") is { } lives) resource["expirationTime"] = (Now + lives).Wire();
        if (resource["timePartitioning"] is JsonObject time && time["expirationMs"] is null && dataset.Number("defaultPartitionExpirationMs") is { } rest) time["expirationMs"] = rest.Wire();
        if (table.IsView) AddView(table);
        else
        {
            table.Fields = [.. table.Fields];
            // A table without a schema gets one from the first load; DuckDB needs a column.
            Duck.Run($"CREATE TABLE {table.Sql} ({(table.ColumnsSql is { Length: > 0 } columns ? columns : "__none BIGINT")})");
        }
        tables[name] = table;
        Touch(resource);
    }

    public JsonObject PatchTable(TableName name, JsonObject patch, string? ifMatch)
    {
        var table = Table(name);
        CheckEtag(table.Resource, ifMatch);
        quotas.Metadata(name, table.Partitioning is not null);
        var next = (JsonObject)table.Resource.DeepClone();
        Json.Merge(next, patch);
        Labels.Check(next);
        if (Partitioning.Of(next) != table.Partitioning) throw FakeError.Invalid($"Cannot change partitioning spec of table {name}.");
        var fields = patch["schema"].At("fields") is { } given ? SchemaChange.Merge(name, table.Fields, Field.All(given), whole: table.Fields.Count > 0, add: true, relax: true) : table.Fields;
        SchemaChange.Check(fields);
        CheckClustering(new FakeTable(name, next) { Fields = fields });
        if (table.IsView)
        {
            Duck.Run($"DROP VIEW {table.Sql}");
            table.Resource = next;
            AddView(table);
        }
        else
        {
            if (table.Fields.Count == 0 && fields.Count > 0) Recreate(table, fields);
            else Duck.Atomically(() => { SchemaChange.Apply(Duck, table, fields); return 0; });
            table.Resource = next;
            table.Fields = fields;
        }
        return Touch(table.Resource);
    }

    /// <summary>The same table, empty, with other columns.</summary>
    public void Recreate(FakeTable table, IReadOnlyList<Field> fields)
    {
        Duck.Run($"DROP TABLE {table.Sql}");
        table.Fields = fields;
        Duck.Run($"CREATE TABLE {table.Sql} ({table.ColumnsSql})");
    }

    public void Drop(TableName name)
    {
        if (!tables.Remove(name, out var table)) throw FakeError.NotFound($"Not found: Table {name}");
        Duck.Run($"DROP {(table.IsView ? "VIEW" : "TABLE")} {name.Sql}");
    }

    /// <summary>A table that a job was about to make is not there after all.</summary>
    public void Forget(TableName name) => tables.Remove(name);

    /// <summary>Removes the rows of one partition: cloud.google.com/bigquery/docs/managing-partitioned-tables#delete_a_partition.</summary>
    public void DropPartition(TableName name, string partition)
    {
        var table = Table(name);
        if (partition is not ("__NULL__" or "__UNPARTITIONED__")) (table.Partitioning ?? throw FakeError.Invalid($"Table {name} is not partitioned.")).CheckDecorator(partition);
        // Assumption: one that has no rows is not found.
        if (Duck.Run($"DELETE FROM {table.Sql} WHERE {table.Where(partition)}") == 0) throw FakeError.NotFound($"Not found: Partition {name}${partition}");
        Touch(table.Resource);
    }

    /// <summary>As it is answered.</summary>
    public JsonObject Show(FakeTable table, string? view)
    {
        var resource = (JsonObject)table.Resource.DeepClone();
        if (view == "BASIC" || table.IsView) return resource;
        var rows = table.Fields.Count == 0 ? 0 : Duck.Number($"SELECT count(*) FROM {table.Sql}");
        resource["numRows"] = rows.Wire();
        resource["numBytes"] = Sizes.Of(Duck, table, table.Fields).Wire();
        resource["numLongTermBytes"] = "0";
        if (table.Partitioning is not null) resource["numPartitions"] = (rows == 0 ? 0 : Duck.Number($"SELECT count(DISTINCT {table.PartitionSql}) FROM {table.Sql}")).Wire();
        return resource;
    }

    /// <summary>Something of it changed.</summary>
    public JsonObject Touch(JsonObject resource)
    {
        resource["etag"] = $"etag{++version}";
        resource["lastModifiedTime"] = Now.Wire();
        return resource;
    }

    public void Dispose() => Duck.Dispose();

    void AddView(FakeTable table)
    {
        if (table.Resource["view"].Flag("useLegacySql") || table.Resource["view"]!["useLegacySql"] is null) throw FakeError.Unsupported("views in legacy SQL (useLegacySql is true by default)");
        var query = new GoogleSql(this, table.Name.In).Translate(table.Resource["view"].Text("query")!);
        var columns = Duck.Describe(query.Sql);
        Duck.Run($"CREATE VIEW {table.Sql} AS {query.Sql}");
        table.Fields = [.. columns.Select(c => DuckTypes.FieldOf(c.Name, c.Type))];
    }

    /// <summary>At most four columns, top-level and not repeated: cloud.google.com/bigquery/docs/clustered-tables#limitations.</summary>
    static void CheckClustering(FakeTable table)
    {
        var names = table.Resource["clustering"].Texts("fields").ToList();
        if (names.Count > 4) throw FakeError.Invalid("Too many fields specified for clustering: 4 at most.");
        foreach (var name in names)
            if (Conversion.Find(table.Fields, name) is not { IsRepeated: false, Type: not "RECORD" and not "FLOAT" and not "BYTES" and not "JSON" })
                throw FakeError.Invalid($"The field specified for clustering can not be used: {name}");
    }

    /// <summary>cloud.google.com/bigquery/docs/api-performance#conditional-updates: 412 when the etag is another.</summary>
    static void CheckEtag(JsonObject resource, string? ifMatch)
    {
        if (ifMatch is not null && ifMatch != "*" && ifMatch != resource.Text("etag")) throw new FakeError(412, "conditionNotMet", "Precondition check failed.");
    }

    bool Expired(FakeTable table) => table.Resource.Number("expirationTime") is { } end && end <= Now;
}
