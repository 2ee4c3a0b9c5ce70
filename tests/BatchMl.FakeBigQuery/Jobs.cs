using System.Text.Json.Nodes;
using DuckDB.NET.Data;

namespace BatchMl.Fakes;

/// <summary>Jobs. .../rest/v2/jobs and cloud.google.com/bigquery/docs/running-jobs.</summary>
sealed class Jobs(Warehouse warehouse, FakeBigQueryOptions options, Quotas quotas, Faults faults)
{
    readonly Dictionary<(string Project, string Location, string Id), FakeJob> jobs = [];
    readonly TableWriter writer = new(warehouse, quotas);

    public IEnumerable<FakeJob> All => jobs.Values;

    /// <summary>A dry run answers what it would do, and makes no job: googleapis/nodejs-bigquery#62; its answer names none: googleapis/google-cloud-java#2479.</summary>
    public JsonObject DryRun(string project, JsonObject body)
    {
        var configuration = (JsonObject)body["configuration"]!;
        var location = LocationOf(project, body);
        if (configuration["query"] is not JsonObject query) throw FakeError.Unsupported("dry runs of anything but queries");
        var statistics = Guarded(() => new Queries(warehouse, writer).Analyse(query, project, location).Statistics);
        statistics["totalBytesBilled"] = "0";
        return new()
        {
            ["kind"] = "bigquery#job",
            ["configuration"] = configuration.DeepClone(),
            ["jobReference"] = new JsonObject { ["projectId"] = project, ["location"] = location },
            ["status"] = new JsonObject { ["state"] = "DONE" },
            ["statistics"] = new JsonObject { ["creationTime"] = warehouse.Now.Wire(), ["totalBytesProcessed"] = statistics["totalBytesProcessed"]!.DeepClone(), ["query"] = statistics },
        };
    }

    /// <summary>Whether this could be asked for: ids are used once per project and location ("Calling jobs.insert on a given job ID is idempotent … at most one will succeed", .../docs/running-jobs#generate-jobid).
    /// Wording: googleapis/google-cloud-java#2867. Asked when an upload begins, and again when it ends: which of the two BigQuery does is not known.</summary>
    public void CheckNew(string project, JsonObject body)
    {
        if (body["configuration"] is not JsonObject configuration) throw FakeError.Invalid("Required parameter is missing: configuration");
        if (body.Text("jobReference", "jobId") is { } id)
        {
            if (id.Length is 0 or > 1024 || !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) throw FakeError.Invalid($"Invalid job ID \"{id}\"");
            var location = LocationOf(project, body);
            if (jobs.ContainsKey((project, location, id))) throw FakeError.Duplicate($"Already Exists: Job {project}:{location}.{id}");
        }
        Labels.Check(configuration);
        if (configuration["load"] is JsonObject load) Loads.Check(load);
    }

    public FakeJob Insert(string project, JsonObject body, string? media)
    {
        CheckNew(project, body);
        var id = body.Text("jobReference", "jobId") ?? $"job_{Guid.NewGuid():N}";
        var job = new FakeJob(project, LocationOf(project, body), id, (JsonObject)Json.Clean(body["configuration"]!), media, options.Polls);
        job.Statistics["creationTime"] = warehouse.Now.Wire();
        job.Statistics["startTime"] = warehouse.Now.Wire();
        jobs[(project, job.Location, id)] = job;
        if (faults.TakeJob(id, onInsert: true) is { } fault)
        {
            (job.State, job.Error) = ("DONE", new FakeError(400, fault.Reason, fault.Message));
            throw job.Error;
        }
        // A query that can not be read is refused at once, and its id stays free: HTTP 400 of jobs.insert in goccy/bigquery-emulator#185. Assumption: its id stays free.
        if (job.Configuration["query"] is JsonObject query)
        {
            try
            {
                Guarded(() => new Queries(warehouse, writer).Analyse(query, project, job.Location));
            }
            catch (FakeError)
            {
                jobs.Remove((project, job.Location, id));
                throw;
            }
        }
        return job;
    }

    /// <summary>"location: required … unless US or EU": .../rest/v2/jobs/get. One that is elsewhere is not found: googleapis/nodejs-bigquery#896.</summary>
    public FakeJob Get(string project, string id, string? location)
    {
        var job = jobs.Values.FirstOrDefault(j => j.Project == project && j.Id == id && (location is null ? j.Location is "US" or "EU" : j.Location.Equals(location, StringComparison.OrdinalIgnoreCase)));
        return job ?? throw FakeError.NotFound($"Not found: Job {project}:{(location is null ? "" : $"{location}.")}{id}");
    }

    /// <summary>Somebody looks how it stands. Jobs are done when they are asked for often enough, not before, so that clients have to ask.</summary>
    public FakeJob Poll(FakeJob job)
    {
        if (job.State != "DONE" && job.PollsLeft-- <= 0) Finish(job);
        return job;
    }

    public FakeJob Cancel(FakeJob job)
    {
        // .../docs/managing-jobs#cancel_jobs; the error of a cancelled job is "stopped": .../docs/error-messages.
        if (job.State != "DONE") End(job, new FakeError(499, "stopped", "Job execution was cancelled: User requested cancellation"));
        return job;
    }

    public void Finish(FakeJob job)
    {
        if (job.State == "DONE") return;
        FakeError? error = null;
        try
        {
            if (faults.TakeJob(job.Id, onInsert: false) is { } fault) throw new FakeError(500, fault.Reason, fault.Message);
            Guarded(() => { Execute(job); return 0; });
        }
        catch (FakeError failed)
        {
            error = failed;
        }
        End(job, error);
    }

    void End(FakeJob job, FakeError? error)
    {
        (job.State, job.Error) = ("DONE", error);
        job.Statistics["endTime"] = warehouse.Now.Wire();
        if (job.Media is { } media) File.Delete(media);
        job.Media = null;
    }

    void Execute(FakeJob job)
    {
        var configuration = job.Configuration;
        if (configuration["load"] is JsonObject load) job.Statistics["load"] = new Loads(warehouse, writer, options).Run(load, job.Media);
        else if (configuration["copy"] is JsonObject copy) job.Statistics["copy"] = new Copies(warehouse, writer).Run(copy);
        else if (configuration["query"] is JsonObject query)
        {
            var (statistics, fields) = new Queries(warehouse, writer).Run(query, job.Project, job.Location, job.ResultSql);
            (job.Statistics["query"], job.Fields) = (statistics, fields);
            job.Statistics["totalBytesProcessed"] = statistics["totalBytesProcessed"]!.DeepClone();
        }
        else throw FakeError.Unsupported("extract jobs");
        job.Statistics["totalSlotMs"] = "1";
    }

    /// <summary>Where a job runs: as it says, or where what it names is, or US; what it names must be there. cloud.google.com/bigquery/docs/locations#specify_locations. Wording: googleapis/google-cloud-python#15691. Assumption: a dataset elsewhere is "notFound" at once, for every kind of job.</summary>
    string LocationOf(string project, JsonObject body)
    {
        var configuration = (JsonObject)body["configuration"]!;
        var named = Datasets(project, configuration).Where(warehouse.HasDataset).ToList();
        var asked = body.Text("jobReference", "location");
        if (asked is null) return named.Count > 0 ? warehouse.LocationOf(named[0]) : "US";
        foreach (var dataset in named)
            if (!warehouse.LocationOf(dataset).Equals(asked, StringComparison.OrdinalIgnoreCase)) throw FakeError.NotFound($"Not found: Dataset {dataset} was not found in location {asked}");
        return named.Count > 0 ? warehouse.LocationOf(named[0]) : asked;
    }

    IEnumerable<DatasetName> Datasets(string project, JsonObject configuration)
    {
        foreach (var kind in new[] { "load", "copy", "query" })
            if (configuration[kind] is JsonObject job)
            {
                if (job["destinationTable"] is { } destination) yield return TableName.Of(destination).In;
                if (kind == "copy")
                    foreach (var source in Copies.Sources(job)) yield return source.In;
                if (job["defaultDataset"] is { } dataset) yield return new(dataset.Text("projectId") ?? project, dataset.Text("datasetId")!);
                if (kind != "query" || job.Text("query") is not { } sql) continue;
                // Tables that are named in quotes, in full or with their dataset.
                foreach (var path in Lexer.Split(sql).Where(t => t[0] == '`').Select(t => t.Trim('`').Split('.')))
                    if (path.Length >= 2) yield return new(path.Length > 2 ? string.Join('.', path[..^2]) : project, path[^2]);
            }
    }

    /// <summary>What DuckDB refuses is the query's or the data's fault.</summary>
    static T Guarded<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (DuckDBException error)
        {
            throw new FakeError(400, error.Message.Contains("Parser Error", StringComparison.Ordinal) || error.Message.Contains("Binder Error", StringComparison.Ordinal) ? "invalidQuery" : "invalid", error.Message);
        }
    }
}
