using System.Text.Json.Nodes;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Board;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace BatchMl.Server.Api;

/// <summary>What can be looked at.</summary>
static class ReadApi
{
    /// <summary>A job.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Description">One line.</param>
    /// <param name="Steps">Of a pipeline: the jobs that it consists of.</param>
    public sealed record JobView(string Name, string Description, IReadOnlyList<string> Steps);

    /// <summary>A dataset without its partitions.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Job">The job that makes it; null: none of this program's.</param>
    /// <param name="Description">The job's.</param>
    /// <param name="Sink">Where it lands.</param>
    /// <param name="Policy">What happens to published partitions whose inputs changed.</param>
    /// <param name="Partitions">How many there are.</param>
    /// <param name="States">How many of them stand how.</param>
    /// <param name="PlannedAt">When its job was planned last.</param>
    /// <param name="Problem">Why it can not be planned.</param>
    public sealed record DatasetSummary(
        string Name, string? Job, string Description, string Sink, ChangePolicy? Policy, int Partitions, IReadOnlyDictionary<string, int> States, DateTimeOffset? PlannedAt, string? Problem)
    {
        internal static DatasetSummary Of(DatasetView d) => new(
            d.Name, d.Job, d.Description, d.Sink, d.Policy, d.Partitions.Count, d.Counts.ToDictionary(c => Choice.NameOf(c.Key), c => c.Value), d.PlannedAt, d.Problem);
    }

    /// <summary>A schedule with its file.</summary>
    /// <param name="Schedule">The schedule.</param>
    /// <param name="File">Text of its file.</param>
    public sealed record ScheduleDetails(ScheduleView Schedule, string File);

    /// <summary>Whether the audit log is what was recorded.</summary>
    /// <param name="IsWhole">It is.</param>
    /// <param name="FirstBroken">The first entry that is not what was recorded, or is missing.</param>
    public sealed record AuditVerdict(bool IsWhole, long? FirstBroken);

    public static void Map(RouteGroupBuilder api)
    {
        Runs(api);
        Datasets(api);
        Schedules(api);
        Others(api);
    }

    static void Runs(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/").WithTags("runs");
        group.MapGet("/runs", async Task<Ok<IReadOnlyList<RunView>>> (RunBoard runs, int? limit, CancellationToken cancel) => TypedResults.Ok(await runs.RecentAsync(Paging.Limit(limit), cancel))).WithSummary("The latest runs, newest first");
        group.MapGet("/runs/{id}", async Task<Results<Ok<RunDetails>, ProblemHttpResult>> (string id, RunBoard runs, CancellationToken cancel) =>
            await runs.FindAsync(id, cancel) is { } run ? TypedResults.Ok(run) : NotFound("run", id)).ProducesProblem(404).WithSummary("A run by its id or a unique beginning of it, with its attempts");
        group.MapGet("/runs/{id}/log", async Task<Results<Ok<IReadOnlyList<string>>, ProblemHttpResult>> (string id, RunBoard runs, int? limit, CancellationToken cancel) =>
            await runs.FindAsync(id, cancel) is { } run && await runs.LogAsync(run.Run.RunId, Paging.Limit(limit), cancel) is { } log ? TypedResults.Ok(log) : NotFound("log of run", id)).ProducesProblem(404).WithSummary("The last lines of a run's log");
        group.MapGet("/runs/{id}/lineage", async Task<Results<Ok<IReadOnlyList<JsonNode>>, ProblemHttpResult>> (string id, RunBoard runs, int? limit, CancellationToken cancel) =>
            await runs.FindAsync(id, cancel) is { } run ? TypedResults.Ok<IReadOnlyList<JsonNode>>([.. runs.Events(run.Run, Paging.Limit(limit), cancel).Select(e => JsonNode.Parse(e)!)]) : NotFound("run", id)).ProducesProblem(404).WithSummary("OpenLineage events of a run and its attempts");
        group.MapGet("/queue", async Task<Ok<IReadOnlyList<QueuedRun>>> (IOperations operations, string? state, string? schedule, string? job, int? limit, CancellationToken cancel) =>
            TypedResults.Ok(await operations.QueueAsync(new QueueFilter(Choice.Of<QueuedRunState>(state, "state") is { } s ? [s] : [], schedule, job, Paging.Limit(limit)), cancel))).WithSummary("Runs that were asked for, the latest first");
        group.MapGet("/queue/{id}", async Task<Results<Ok<QueuedRun>, ProblemHttpResult>> (string id, IOperations operations, CancellationToken cancel) =>
            await operations.FindQueuedAsync(id, cancel) is { } run ? TypedResults.Ok(run) : NotFound("queued run", id)).ProducesProblem(404).WithSummary("What became of a run that was asked for");
    }

    static void Datasets(RouteGroupBuilder api)
    {
        // Names of datasets hold slashes: in a query they need no escaping.
        var group = api.MapGroup("/").WithTags("datasets");
        group.MapGet("/jobs", Ok<IReadOnlyList<JobView>> (ServerContext context) =>
            TypedResults.Ok<IReadOnlyList<JobView>>([.. context.Application.NamedJobs().Values.Select(j => new JobView(j.Name, j.Description, j is PipelineJob p ? [.. p.Steps.Select(s => s.Name)] : []))])).WithSummary("The jobs of this program");
        group.MapGet("/datasets", async Task<Ok<IReadOnlyList<DatasetSummary>>> (DatasetBoard datasets, CancellationToken cancel) =>
            TypedResults.Ok<IReadOnlyList<DatasetSummary>>([.. (await datasets.AllAsync(cancel)).Select(DatasetSummary.Of)])).WithSummary("All datasets");
        group.MapGet("/partitions", async Task<Results<Ok<Page<PartitionView>>, ProblemHttpResult>> (DatasetBoard datasets, string dataset, string? state, DateOnly? from, DateOnly? to, int? limit, string? cursor, CancellationToken cancel) =>
        {
            if (await datasets.FindAsync(dataset, cancel) is not { } found) return NotFound("dataset", dataset);
            var wanted = Choice.Of<PartitionCondition>(state, "state");
            return TypedResults.Ok(Page<PartitionView>.Of([.. found.Partitions.Where(p => (wanted is null || p.State == wanted) && (from is null || p.Day >= from) && (to is null || p.Day < to))], limit, cursor));
        }).ProducesProblem(404).WithSummary("Partitions of a dataset, in order of value");
        group.MapGet("/partition", async Task<Results<Ok<PartitionDetails>, ProblemHttpResult>> (PartitionBoard partitions, string dataset, string value, CancellationToken cancel) =>
            await partitions.FindAsync(dataset, value, cancel) is { } found ? TypedResults.Ok(found) : NotFound("partition", $"{dataset} {value}")).ProducesProblem(404).WithSummary("A partition with its visible version");
        group.MapGet("/dead-letters", async Task<Results<Ok<Page<JsonObject>>, ProblemHttpResult>> (PartitionBoard partitions, string dataset, string value, int? limit, string? cursor, CancellationToken cancel) =>
        {
            if (await partitions.FindAsync(dataset, value, cancel) is not { } found) return NotFound("partition", $"{dataset} {value}");
            var skip = cursor is null ? 0 : int.TryParse(cursor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : throw new DefinitionException($"cursor is '{cursor}'; expected what 'next' of the page before says.");
            var count = Paging.Limit(limit);
            var letters = await partitions.DeadLettersAsync(found, skip, count, cancel);
            return TypedResults.Ok(new Page<JsonObject>(letters, (int)found.Partition.DeadLetters, letters.Count == count ? (skip + count).ToString(System.Globalization.CultureInfo.InvariantCulture) : null));
        }).ProducesProblem(404).WithSummary("Rows of a partition that could not be scored, with their reasons");
        group.MapGet("/lineage", async Task<Results<Ok<LineageView>, ProblemHttpResult>> (DatasetBoard datasets, LineageBoard lineage, string dataset, CancellationToken cancel) =>
            await datasets.FindAsync(dataset, cancel) is { } found && lineage.Of(found) is { } view ? TypedResults.Ok(view) : NotFound("lineage of dataset", dataset)).ProducesProblem(404).WithSummary("What each column of a dataset is made from");
    }

    static void Schedules(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/schedules").WithTags("schedules");
        group.MapGet("/", async Task<Ok<IReadOnlyList<ScheduleView>>> (ScheduleBoard schedules, CancellationToken cancel) => TypedResults.Ok(await schedules.AllAsync(cancel))).WithSummary("All schedules");
        group.MapGet("/{name}", async Task<Results<Ok<ScheduleDetails>, ProblemHttpResult>> (string name, ScheduleBoard schedules, CancellationToken cancel) =>
            await schedules.FindAsync(name, cancel) is { } found ? TypedResults.Ok(new ScheduleDetails(found, schedules.TextOf(name))) : NotFound("schedule", name)).ProducesProblem(404).WithSummary("A schedule with its file");
    }

    static void Others(RouteGroupBuilder api)
    {
        api.MapGet("/models", async Task<Ok<IReadOnlyList<ModelVersionView>>> (ModelBoard models, CancellationToken cancel) => TypedResults.Ok(await models.AllAsync(cancel))).WithTags("models").WithSummary("Versions of models, the newest first");
        api.MapGet("/drift", async Task<Ok<IReadOnlyList<DriftView>>> (DriftBoard drift, CancellationToken cancel) => TypedResults.Ok(await drift.AllAsync(cancel))).WithTags("drift").WithSummary("What monitoring jobs found in their latest partitions");
        api.MapGet("/notifications", async Task<Ok<IReadOnlyList<Notification>>> (IOperations operations, int? limit, CancellationToken cancel) => TypedResults.Ok(await operations.NotificationsAsync(Paging.Limit(limit), cancel))).WithTags("notifications").WithSummary("The latest notifications");
        api.MapGet("/audit", async Task<Ok<Page<AuditEntry>>> (IOperations operations, int? limit, string? cursor, CancellationToken cancel) =>
        {
            long? before = cursor is null ? null : long.TryParse(cursor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : throw new DefinitionException($"cursor is '{cursor}'; expected what 'next' of the page before says.");
            var entries = await operations.AuditAsync(Paging.Limit(limit), before, cancel);
            return TypedResults.Ok(new Page<AuditEntry>(entries, null, entries.Count == Paging.Limit(limit) ? entries[^1].Id.ToString(System.Globalization.CultureInfo.InvariantCulture) : null));
        }).WithTags("audit").WithSummary("Who did what, newest first");
        api.MapGet("/audit/verify", async Task<Ok<AuditVerdict>> (IOperations operations, CancellationToken cancel) => TypedResults.Ok(await operations.VerifyAuditAsync(cancel) is { } broken ? new AuditVerdict(false, broken) : new AuditVerdict(true, null))).WithTags("audit").WithSummary("Whether the audit log is what was recorded");
    }

    static ProblemHttpResult NotFound(string what, string name) => TypedResults.Problem(statusCode: 404, title: $"There is no {what} '{name}'");
}
