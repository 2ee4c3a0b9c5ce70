using System.Text.Json.Nodes;
using BatchMl.Runs;

namespace BatchMl.Lineage;

/// <summary>The OpenLineage facets that we send, each with the version of its schema file.</summary>
static class Facets
{
    /// <summary>Who emits: version of these assemblies.</summary>
    public const string Producer = "https://github.com/batchml/batchml/tree/0.1.0";

    const string Spec = "https://openlineage.io/spec/facets/";

    static JsonObject New(string version, string file, string? definition = null) => new()
    {
        ["_producer"] = Producer,
        ["_schemaURL"] = $"{Spec}{version}/{file}.json#/$defs/{definition ?? file}",
    };

    public static JsonObject Parent(LineageRun run)
    {
        var facet = New("1-2-0", "ParentRunFacet");
        facet["run"] = new JsonObject { ["runId"] = run.ParentRunId };
        facet["job"] = JobName(run.ParentJob!);
        if (run.RootRunId is not null)
        {
            facet["root"] = new JsonObject { ["run"] = new JsonObject { ["runId"] = run.RootRunId }, ["job"] = JobName(run.RootJob ?? run.ParentJob!) };
        }
        return facet;
    }

    public static JsonObject JobName(string name) => new() { ["namespace"] = "batchml", ["name"] = name };

    public static JsonObject NominalTime(DateTimeOffset start, DateTimeOffset? end)
    {
        var facet = New("1-0-1", "NominalTimeRunFacet");
        facet["nominalStartTime"] = OpenLineageEvents.Time(start);
        if (end is not null) facet["nominalEndTime"] = OpenLineageEvents.Time(end.Value);
        return facet;
    }

    public static JsonObject ProcessingEngine()
    {
        var facet = New("1-1-1", "ProcessingEngineRunFacet");
        facet["version"] = "0.1.0";
        facet["name"] = "BatchMl";
        facet["openlineageAdapterVersion"] = "0.1.0";
        return facet;
    }

    public static JsonObject ErrorMessage(string message, string? stackTrace)
    {
        var facet = New("1-0-1", "ErrorMessageRunFacet");
        facet["message"] = message;
        facet["programmingLanguage"] = "C#";
        if (stackTrace is not null) facet["stackTrace"] = stackTrace;
        return facet;
    }

    public static JsonObject JobType(bool isPartition)
    {
        var facet = New("2-0-4", "JobTypeJobFacet");
        facet["processingType"] = "BATCH";
        facet["integration"] = "BATCHML";
        facet["jobType"] = isPartition ? "TASK" : "JOB";
        return facet;
    }

    public static JsonObject Schema(IReadOnlyList<LineageField> fields)
    {
        var facet = New("1-2-0", "SchemaDatasetFacet");
        facet["fields"] = new JsonArray([.. fields.Select((f, i) =>
        {
            var field = new JsonObject { ["name"] = f.Name, ["type"] = f.Type, ["ordinal_position"] = i + 1 };
            if (f.Description is not null) field["description"] = f.Description;
            return field;
        })]);
        return facet;
    }

    public static JsonObject DataSource(DatasetName name)
    {
        var facet = New("1-0-1", "DatasourceDatasetFacet");
        facet["name"] = name.Namespace;
        facet["uri"] = name.Namespace switch
        {
            "file" => "file://" + name.Name,
            "bigquery" => "bigquery:" + name.Name,
            _ => $"{name.Namespace}/{name.Name}",
        };
        return facet;
    }

    public static JsonObject ColumnLineage(JobLineage lineage)
    {
        var facet = New("1-2-0", "ColumnLineageDatasetFacet");
        var fields = new JsonObject();
        foreach (var field in lineage.Output.Fields)
        {
            if (!lineage.Columns.TryGetValue(field.Name, out var origins) || origins.Count == 0) continue;
            fields[field.Name] = new JsonObject { ["inputFields"] = Inputs(origins) };
        }
        facet["fields"] = fields;
        if (lineage.DatasetOrigins.Count > 0) facet["dataset"] = Inputs(lineage.DatasetOrigins);
        return facet;
    }

    // Several transformations of one input field are one entry.
    static JsonArray Inputs(IReadOnlyList<ColumnOrigin> origins) =>
        [.. origins.GroupBy(o => (o.Dataset, o.Field)).Select(group => new JsonObject
        {
            ["namespace"] = group.Key.Dataset.Namespace,
            ["name"] = group.Key.Dataset.Name,
            ["field"] = group.Key.Field,
            ["transformations"] = new JsonArray([.. group.DistinctBy(o => o.Transformation).Select(Transformed)]),
        })];

    static JsonObject Transformed(ColumnOrigin origin)
    {
        var (type, subtype) = origin.Transformation switch
        {
            Transformation.Identity => ("DIRECT", "IDENTITY"),
            Transformation.Transformed => ("DIRECT", "TRANSFORMATION"),
            Transformation.Aggregation => ("DIRECT", "AGGREGATION"),
            Transformation.Join => ("INDIRECT", "JOIN"),
            Transformation.Filter => ("INDIRECT", "FILTER"),
            Transformation.Sort => ("INDIRECT", "SORT"),
            Transformation.Window => ("INDIRECT", "WINDOW"),
            Transformation.Conditional => ("INDIRECT", "CONDITIONAL"),
            Transformation.GroupBy => ("INDIRECT", "GROUP_BY"),
            _ => throw new ArgumentOutOfRangeException(nameof(origin), origin.Transformation, null),
        };
        return new JsonObject { ["type"] = type, ["subtype"] = subtype, ["description"] = origin.Description ?? "", ["masking"] = false };
    }

    public static JsonObject Version(string digest)
    {
        var facet = New("1-0-1", "DatasetVersionDatasetFacet");
        facet["datasetVersion"] = digest;
        return facet;
    }

    public static JsonObject LifecycleStateChange(bool replaces)
    {
        var facet = New("1-0-1", "LifecycleStateChangeDatasetFacet");
        facet["lifecycleStateChange"] = replaces ? "OVERWRITE" : "CREATE";
        return facet;
    }

    public static JsonObject InputStatistics(long rows)
    {
        var facet = New("1-0-0", "InputStatisticsInputDatasetFacet");
        facet["rowCount"] = rows;
        return facet;
    }

    public static JsonObject OutputStatistics(long rows, long bytes, int files)
    {
        var facet = New("1-0-2", "OutputStatisticsOutputDatasetFacet");
        facet["rowCount"] = rows;
        facet["size"] = bytes;
        facet["fileCount"] = files;
        return facet;
    }

    /// <summary>A facet of our own: how rows get where readers look, e.g. by which load job.</summary>
    public static JsonObject Trace(IReadOnlyDictionary<string, string> trace)
    {
        // The base of all such facets: this one has no schema file of its own.
        var facet = new JsonObject { ["_producer"] = Producer, ["_schemaURL"] = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/OutputDatasetFacet" };
        foreach (var (name, value) in trace) facet[name] = value;
        return facet;
    }

    /// <summary>The one quality facet that may stand under a dataset's own facets, and so describe an output.</summary>
    public static JsonObject DataQualityMetrics(long rows, IReadOnlyList<ColumnQuality> columns)
    {
        var facet = New("1-0-0", "DataQualityMetricsDatasetFacet");
        facet["rowCount"] = rows;
        facet["columnMetrics"] = new JsonObject(columns.Select(c => KeyValuePair.Create(c.Column, (JsonNode?)Metrics(c))));
        return facet;
    }

    static JsonObject Metrics(ColumnQuality column)
    {
        var metrics = new JsonObject { ["nullCount"] = column.NullCount, ["count"] = column.Count };
        if (column.DistinctCount is { } distinct) metrics["distinctCount"] = distinct;
        // JSON knows no NaN and no infinity: such a metric is left out.
        if (column.Min is { } min && double.IsFinite(min)) metrics["min"] = min;
        if (column.Max is { } max && double.IsFinite(max)) metrics["max"] = max;
        if (column.Sum is { } sum && double.IsFinite(sum)) metrics["sum"] = sum;
        var quantiles = column.Quantiles?.Where(q => double.IsFinite(q.Value)).ToArray() ?? [];
        if (quantiles.Length > 0) metrics["quantiles"] = new JsonObject(quantiles.Select(q => KeyValuePair.Create(q.Key, (JsonNode?)q.Value)));
        return metrics;
    }

    /// <summary>Which partition of the output an attempt wrote; datasets are named by their root.</summary>
    public static JsonObject Partition(string column, string value)
    {
        var facet = New("1-0-0", "BaseSubsetDatasetFacet", "OutputSubsetOutputDatasetFacet");
        facet["outputCondition"] = new JsonObject
        {
            ["type"] = "partition",
            ["partitions"] = new JsonArray(new JsonObject { ["identifier"] = $"{column}={value}", ["dimensions"] = new JsonObject { [column] = value } }),
        };
        return facet;
    }
}
