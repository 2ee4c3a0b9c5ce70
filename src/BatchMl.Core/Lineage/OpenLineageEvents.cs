using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchMl.Runs;

namespace BatchMl.Lineage;

/// <summary>Whose event it is.</summary>
/// <param name="RunId">UUID of this (sub-)run: the attempt's, or the run's own.</param>
/// <param name="Job">Job name; stable, without dates.</param>
/// <param name="ParentRunId">The run that an attempt belongs to; null for the run itself.</param>
/// <param name="ParentJob">The parent's job name.</param>
/// <param name="RootRunId">The outermost run.</param>
/// <param name="RootJob">The outermost job.</param>
/// <param name="NominalStart">Begin of the time that the partition is about.</param>
/// <param name="NominalEnd">End, exclusive.</param>
/// <param name="Partition">E.g. <c>flight_date=2013-10-01</c>; null for the run itself.</param>
public sealed record LineageRun(
    string RunId, string Job, string? ParentRunId, string? ParentJob, string? RootRunId, string? RootJob, DateTimeOffset? NominalStart, DateTimeOffset? NominalEnd, string? Partition);

/// <summary>
/// OpenLineage 2-0-2 run events as single-line JSON (https://openlineage.io/spec/2-0-2/OpenLineage.json). Pure: the same arguments give the same bytes. One START and
/// exactly one of COMPLETE, FAIL or ABORT per run id. Events of a run add up: START says what is read and written, COMPLETE adds column lineage, statistics and quality.
/// </summary>
public static class OpenLineageEvents
{
    const string SchemaUrl = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

    static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A run begins. <paramref name="lineage"/> is null for runs that only group others.</summary>
    public static string Start(LineageRun run, JobLineage? lineage, DateTimeOffset at) => Event("START", run, at, lineage);

    /// <summary>A run is done; <paramref name="result"/> gives statistics, quality metrics and version (null for runs that only group others); <paramref name="replaces"/>: an earlier version was overwritten.</summary>
    public static string Complete(LineageRun run, JobLineage? lineage, PartitionResult? result, bool replaces, DateTimeOffset at) =>
        Event("COMPLETE", run, at, lineage, result: result, replaces: replaces);

    /// <summary>A run failed.</summary>
    public static string Fail(LineageRun run, JobLineage? lineage, string message, string? stackTrace, DateTimeOffset at) =>
        Event("FAIL", run, at, lineage, Facets.ErrorMessage(message, stackTrace));

    /// <summary>A run was cancelled, lost its lease, or its process died.</summary>
    public static string Abort(LineageRun run, JobLineage? lineage, string reason, DateTimeOffset at) =>
        Event("ABORT", run, at, lineage, Facets.ErrorMessage(reason, null));

    /// <summary>ISO 8601 in UTC with milliseconds, as the reference clients write it.</summary>
    internal static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    static string Event(string type, LineageRun run, DateTimeOffset at, JobLineage? lineage, JsonObject? error = null, PartitionResult? result = null, bool replaces = false)
    {
        var runFacets = new JsonObject { ["processing_engine"] = Facets.ProcessingEngine() };
        if (run.ParentRunId is not null) runFacets["parent"] = Facets.Parent(run);
        if (run.NominalStart is { } start) runFacets["nominalTime"] = Facets.NominalTime(start, run.NominalEnd);
        if (error is not null) runFacets["errorMessage"] = error;
        var job = Facets.JobName(run.Job);
        job["facets"] = new JsonObject { ["jobType"] = Facets.JobType(run.Partition is not null) };
        return new JsonObject
        {
            ["eventTime"] = Time(at),
            ["eventType"] = type,
            ["producer"] = Facets.Producer,
            ["schemaURL"] = SchemaUrl,
            ["run"] = new JsonObject { ["runId"] = run.RunId, ["facets"] = runFacets },
            ["job"] = job,
            ["inputs"] = lineage is null ? [] : new JsonArray([.. lineage.Inputs.Select(i => Input(i, result))]),
            ["outputs"] = lineage is null ? [] : new JsonArray(Output(lineage, run, result, replaces)),
        }.ToJsonString(OneLine);
    }

    static JsonObject Input(LineageDataset dataset, PartitionResult? result)
    {
        var input = Dataset(dataset);
        if (result is not null && result.InputRows.TryGetValue(dataset.Name, out var rows)) input["inputFacets"] = new JsonObject { ["inputStatistics"] = Facets.InputStatistics(rows) };
        return input;
    }

    static JsonObject Output(JobLineage lineage, LineageRun run, PartitionResult? result, bool replaces)
    {
        var output = Dataset(lineage.Output);
        var outputFacets = new JsonObject();
        if (run.Partition is { } partition && partition.IndexOf('=', StringComparison.Ordinal) is var at and > 0)
        {
            outputFacets["subset"] = Facets.Partition(partition[..at], partition[(at + 1)..]);
        }
        if (result is not null)
        {
            var facets = output["facets"]!.AsObject();
            var files = result.Staged.Files;
            facets["columnLineage"] = Facets.ColumnLineage(lineage);
            facets["version"] = Facets.Version(result.Staged.ContentDigest);
            facets["lifecycleStateChange"] = Facets.LifecycleStateChange(replaces);
            if (result.QualityMetrics.Count > 0) facets["dataQualityMetrics"] = Facets.DataQualityMetrics(result.Staged.Rows, result.QualityMetrics);
            outputFacets["outputStatistics"] = Facets.OutputStatistics(result.Staged.Rows, files.Sum(f => f.Bytes), files.Count);
            if (result.Trace.Count > 0) outputFacets["batchml_load"] = Facets.Trace(result.Trace);
        }
        output["outputFacets"] = outputFacets;
        return output;
    }

    static JsonObject Dataset(LineageDataset dataset) => new()
    {
        ["namespace"] = dataset.Name.Namespace,
        ["name"] = dataset.Name.Name,
        ["facets"] = new JsonObject { ["schema"] = Facets.Schema(dataset.Fields), ["dataSource"] = Facets.DataSource(dataset.Name) },
    };
}
