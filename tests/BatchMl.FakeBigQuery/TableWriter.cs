using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>What a job writes.</summary>
sealed record WriteRequest
{
    /// <summary>With a decorator or without.</summary>
    public required TableName Destination { get; init; }

    public string Create { get; init; } = "CREATE_IF_NEEDED";

    public required string Write { get; init; }

    public bool Add { get; init; }

    public bool Relax { get; init; }

    /// <summary>Partitioning, clustering and so on of a table that is made.</summary>
    public required JsonObject Spec { get; init; }

    /// <summary>The rows, for <c>FROM</c>.</summary>
    public required string From { get; init; }

    /// <summary>The columns of the rows.</summary>
    public required IReadOnlyList<Field> Source { get; init; }

    /// <summary>The columns that the job says the table has.</summary>
    public required IReadOnlyList<Field> Fields { get; init; }

    /// <summary>The time of loading of each row; null: now, or what the decorator says.</summary>
    public string? LoadTime { get; init; }
}

/// <summary>Writes what a load, copy or query makes. .../rest/v2/Job#JobConfigurationLoad (write_disposition, create_disposition, schema_update_options).</summary>
sealed class TableWriter(Warehouse warehouse, Quotas quotas)
{
    Duck Duck => warehouse.Duck;

    /// <summary>All of it or nothing; the number of rows.</summary>
    public long Write(WriteRequest request)
    {
        var (name, partition) = request.Destination.Split();
        warehouse.Dataset(name.In);
        var table = warehouse.Find(name);
        quotas.Modify(name, table is null ? Partitioning.Of(request.Spec) : table.Partitioning);
        var before = (JsonObject?)table?.Resource.DeepClone();
        try
        {
            return Duck.Atomically(() =>
            {
                table = table is null ? Make(request, name, partition) : Prepare(request, table, partition);
                return Insert(request, table, partition);
            });
        }
        catch
        {
            if (before is null) warehouse.Forget(name);
            else table!.Resource = before;
            throw;
        }
    }

    FakeTable Make(WriteRequest request, TableName name, string? partition)
    {
        if (request.Create == "CREATE_NEVER") throw FakeError.NotFound($"Not found: Table {name}");
        // Wording: tuanavu/airflow-tutorial#13.
        if (partition is not null && Partitioning.Of(request.Spec) is null) throw FakeError.Invalid("Partitioning specification must be provided in order to create partitioned table");
        if (request.Fields.Count == 0) throw FakeError.Invalid("No schema specified on job or table.");
        var table = new FakeTable(name, (JsonObject)request.Spec.DeepClone()) { Fields = request.Fields };
        if (partition is not null) table.Partitioning!.CheckDecorator(partition);
        warehouse.Add(table);
        return table;
    }

    FakeTable Prepare(WriteRequest request, FakeTable table, string? partition)
    {
        if (table.IsView) throw FakeError.Invalid($"Cannot write to the view {table.Name}.");
        // Wording: mozilla/telemetry-airflow#857.
        if (partition is not null) (table.Partitioning ?? throw FakeError.Invalid($"Cannot add storage to a non-partitioned table with a partition reference: {table.Name}")).CheckDecorator(partition);
        // Wording: mozilla/bigquery-etl#1968. "If the table exists, partitioning and clustering must be its": .../rest/v2/Job#JobConfigurationLoad.FIELDS.time_partitioning.
        if (Partitioning.Of(request.Spec) is { } cut && cut != table.Partitioning || request.Spec["clustering"] is { } clustering && !JsonNode.DeepEquals(clustering, table.Resource["clustering"]))
            throw FakeError.Invalid($"Incompatible table partitioning specification. Expects partitioning specification {Text(table.Resource)}, but input partitioning specification is {Text(request.Spec)}");
        // WRITE_EMPTY: "a 'duplicate' error is returned in the job result".
        if (request.Write == "WRITE_EMPTY" && table.Fields.Count > 0 && Duck.Number($"SELECT count(*) FROM {table.Sql} WHERE {table.Where(partition)}") > 0) throw FakeError.Duplicate($"Already Exists: Table {request.Destination}");
        if (request.Write == "WRITE_TRUNCATE" && partition is null && request.Fields.Count > 0 || table.Fields.Count == 0)
        {
            // "overwrites the table data, removes the constraints and uses the schema from the load job".
            warehouse.Recreate(table, request.Fields);
            table.Partitioning?.Check(table.Fields);
            return table;
        }
        var merged = SchemaChange.Merge(table.Name, table.Fields, request.Fields, whole: false, request.Add, request.Relax);
        SchemaChange.Check(merged);
        SchemaChange.Apply(Duck, table, merged);
        // In a partition "only that partition's data", and the schema stays: cloud.google.com/bigquery/docs/managing-partitioned-table-data.
        if (request.Write is "WRITE_TRUNCATE" or "WRITE_TRUNCATE_DATA") Duck.Run($"DELETE FROM {table.Sql} WHERE {table.Where(partition)}");
        return table;
    }

    long Insert(WriteRequest request, FakeTable table, string? partition)
    {
        var cut = table.Partitioning;
        var values = table.Fields.Select(f => $"{(Conversion.Find(request.Source, f.Name) is { } source ? Conversion.Sql(Duck.Quote(source.Name), source, f) : Conversion.Missing(f))} AS {Duck.Quote(f.Name)}").ToList();
        if (cut is { IsByLoadTime: true }) values.Add($"{(partition is not null ? cut.TimeSql(partition) : request.LoadTime ?? cut.TimeSql(DateTimeOffset.FromUnixTimeMilliseconds(warehouse.Now).UtcDateTime))} AS {Partitioning.LoadTime}");
        Duck.Run($"CREATE TEMP TABLE __staged AS SELECT {string.Join(", ", values)} FROM {request.From}");
        foreach (var field in table.Fields.Where(f => f.IsRequired))
            if (Duck.Number($"SELECT count(*) FROM __staged WHERE {Duck.Quote(field.Name)} IS NULL") > 0) throw FakeError.Invalid($"Required field {field.Name} cannot be null");
        if (cut is not null)
        {
            var id = cut.IdSql(Duck.Quote(cut.Column));
            // cloud.google.com/bigquery/docs/load-data-partitioned-tables ("data must belong to the partition"); wording googleapis/google-cloud-go#942.
            if (partition is not null && !cut.IsByLoadTime && Duck.Number($"SELECT count(*) FROM __staged WHERE {id} <> {Duck.Text(partition)}") > 0) throw FakeError.Invalid($"Some rows belong to different partitions rather than destination partition {partition}");
            // Wording: fivetran/dbt_zendesk#39.
            if (Duck.Number($"SELECT count(DISTINCT {id}) FROM __staged") is var count && count > quotas.PartitionsPerJob) throw new FakeError(403, "quotaExceeded", $"Too many partitions produced by query, allowed {quotas.PartitionsPerJob}, query produces at least {count} partitions");
        }
        var rows = Duck.Number("SELECT count(*) FROM __staged");
        Duck.Run($"INSERT INTO {table.Sql} SELECT * FROM __staged");
        Duck.Run("DROP TABLE __staged");
        warehouse.Touch(table.Resource);
        return rows;
    }

    public static string Text(JsonObject spec) => $"{spec["timePartitioning"]?.ToJsonString() ?? spec["rangePartitioning"]?.ToJsonString() ?? "none"} clustering {spec["clustering"]?.ToJsonString() ?? "none"}";
}
