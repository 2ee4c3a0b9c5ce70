using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Load jobs. .../rest/v2/Job#JobConfigurationLoad.</summary>
sealed class Loads(Warehouse warehouse, TableWriter writer, FakeBigQueryOptions options)
{
    /// <summary>What is wrong with it before it begins.</summary>
    public static void Check(JsonObject load)
    {
        if ((load.Text("sourceFormat") ?? "CSV") != "PARQUET") throw FakeError.Unsupported($"loading {load.Text("sourceFormat") ?? "CSV (the default)"}; only PARQUET");
        var (write, decorated) = (Write(load), TableName.Of(load["destinationTable"]).Split().Partition is not null);
        // Text: apache/beam#21105; for WRITE_TRUNCATE_DATA apache/airflow#54417.
        if (load.Texts("schemaUpdateOptions").Any() && !(write is "WRITE_APPEND" or "WRITE_TRUNCATE_DATA" || write == "WRITE_TRUNCATE" && decorated))
            throw FakeError.Invalid("Schema update options should only be specified with WRITE_APPEND disposition, or with WRITE_TRUNCATE disposition on a table partition.");
        // "Each URI can contain one '*' wildcard character and it must come after the 'bucket' name".
        if (load.Texts("sourceUris").FirstOrDefault(uri => !uri.StartsWith("gs://", StringComparison.Ordinal) || uri.Count(c => c == '*') > 1 || uri[5..].Split('/')[0].Contains('*', StringComparison.Ordinal)) is { } bad)
            throw FakeError.Invalid($"Source URI must be a Google Cloud Storage location: {bad}");
        if (load.Texts("sourceUris").Count() > 10_000) throw FakeError.Invalid("Too many source URIs: 10,000 at most.");
    }

    public JsonObject Run(JsonObject load, string? media)
    {
        var files = media is not null ? [media] : Files(load);
        var lists = load["parquetOptions"].Flag("enableListInference");
        var decimals = load.Texts("decimalTargetTypes").DefaultIfEmpty("NUMERIC").ToList();
        var file = ParquetFile.Fields(warehouse.Duck, files);
        foreach (var other in files.Skip(1))
            if (!ParquetFile.Fields(warehouse.Duck, [other]).Select(f => f.Json.ToJsonString()).SequenceEqual(file.Select(f => f.Json.ToJsonString()))) throw FakeError.Invalid($"The files of the job have different schemas: {Path.GetFileName(other)}.");
        var ignore = load.Flag("ignoreUnknownValues");
        var schema = load["schema"] is { } given ? Field.All(given["fields"]) : [.. file.Select(f => ParquetFile.Inferred(f, lists, decimals))];
        SchemaChange.Check(schema);
        if (load["schema"] is not null) ParquetFile.CheckReadable(file, schema, lists, ignore);
        var rows = writer.Write(new()
        {
            Destination = TableName.Of(load["destinationTable"]),
            Create = load.Text("createDisposition") ?? "CREATE_IF_NEEDED",
            Write = Write(load),
            Add = load.Texts("schemaUpdateOptions").Contains("ALLOW_FIELD_ADDITION"),
            Relax = load.Texts("schemaUpdateOptions").Contains("ALLOW_FIELD_RELAXATION"),
            Spec = Spec(load),
            From = ParquetFile.Sql(files),
            Source = file,
            Fields = schema,
        });
        var bytes = files.Sum(f => new FileInfo(f).Length);
        return new() { ["inputFiles"] = ((long)files.Count).Wire(), ["inputFileBytes"] = bytes.Wire(), ["outputRows"] = rows.Wire(), ["outputBytes"] = bytes.Wire(), ["badRecords"] = "0" };
    }

    List<string> Files(JsonObject load)
    {
        var files = new List<string>();
        foreach (var uri in load.Texts("sourceUris"))
        {
            var found = options.Storage?.Invoke(uri) ?? [];
            if (found.Count == 0) throw FakeError.NotFound($"Not found: URI {uri}");
            files.AddRange(found);
        }
        return files.Count > 0 ? files : throw FakeError.Invalid("Load configuration must specify at least one source URI");
    }

    /// <summary>"The default value is WRITE_APPEND".</summary>
    static string Write(JsonObject load) => load.Text("writeDisposition") ?? "WRITE_APPEND";

    /// <summary>What a table that is made gets from the job.</summary>
    public static JsonObject Spec(JsonObject configuration)
    {
        var spec = new JsonObject();
        foreach (var name in new[] { "timePartitioning", "rangePartitioning", "clustering" })
            if (configuration[name] is { } value) spec[name] = value.DeepClone();
        if (configuration["destinationEncryptionConfiguration"] is { } key) spec["encryptionConfiguration"] = key.DeepClone();
        foreach (var (name, value) in configuration["destinationTableProperties"] as JsonObject ?? []) spec[name] = value?.DeepClone();
        return spec;
    }
}
