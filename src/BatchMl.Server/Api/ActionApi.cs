using System.Security.Claims;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Access;
using BatchMl.Server.Board;
using BatchMl.Server.Dispatch;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace BatchMl.Server.Api;

/// <summary>What can be done. Asking for a run answers 202 with the queued run, whose fate <c>/queue/ID</c> tells.</summary>
static class ActionApi
{
    /// <summary>A job is to run.</summary>
    /// <param name="Job">Its name.</param>
    /// <param name="From">First partition date; null: the job's own.</param>
    /// <param name="To">End of the dates, exclusive; null: the job's own.</param>
    /// <param name="Partitions">Only these partition values; null: all in range.</param>
    /// <param name="Force">Do also what is up to date.</param>
    /// <param name="Due">Only partitions whose time has come at this instant; null: all.</param>
    /// <param name="MaxParallel">Units of work at once; null: one per core.</param>
    /// <param name="Models">Versions of models to score with, each NAME@VERSION or NAME for the latest; null: what the jobs say.</param>
    public sealed record RunAsked(string Job, DateOnly? From = null, DateOnly? To = null, IReadOnlyList<string>? Partitions = null, bool Force = false, DateTimeOffset? Due = null, int? MaxParallel = null, IReadOnlyList<string>? Models = null);

    /// <summary>A range of dates is to be filled.</summary>
    /// <param name="Job">Name of the job.</param>
    /// <param name="From">First partition date.</param>
    /// <param name="To">End of the dates, exclusive.</param>
    /// <param name="MaxParallel">Units of work at once; null: one per core.</param>
    /// <param name="Order">Which end first.</param>
    /// <param name="Scope">Which partitions of the range.</param>
    /// <param name="Models">Versions of models to score with, each NAME@VERSION or NAME for the latest; null: what the jobs say.</param>
    public sealed record BackfillAsked(string Job, DateOnly From, DateOnly To, int? MaxParallel = null, PartitionOrder Order = PartitionOrder.Oldest, RunScope Scope = RunScope.All, IReadOnlyList<string>? Models = null);

    public static void Map(RouteGroupBuilder api)
    {
        var operators = api.MapGroup("/").RequireAuthorization(Roles.Operator);
        var runs = operators.MapGroup("/").WithTags("runs");
        runs.MapPost("/runs", async Task<Accepted<QueuedRun>> (RunAsked asked, RunDesk desk, ClaimsPrincipal user, CancellationToken cancel) => Asked(await desk.RunAsync(
            asked.Job, new RunRequest { From = asked.From, To = asked.To, Partitions = asked.Partitions ?? [], Force = asked.Force, Due = asked.Due, Models = asked.Models ?? [], MaxParallel = AtOnce(asked.MaxParallel) }, user.Actor(), cancel))).WithSummary("Run a job");
        runs.MapPost("/backfills", async Task<Accepted<QueuedRun>> (BackfillAsked asked, RunDesk desk, ClaimsPrincipal user, CancellationToken cancel) => Asked(await desk.BackfillAsync(
            asked.Job, new RunRequest { From = asked.From, To = asked.To, Models = asked.Models ?? [], MaxParallel = AtOnce(asked.MaxParallel), Order = asked.Order, Scope = asked.Scope }, user.Actor(), cancel))).WithSummary("Fill a range of dates");
        runs.MapPost("/runs/{id}/retry", async Task<Results<Accepted<QueuedRun>, ProblemHttpResult>> (string id, RunDesk desk, RunBoard board, ClaimsPrincipal user, CancellationToken cancel) =>
            await board.FindAsync(id, cancel) is { } run ? run.Run.FinishedAt is null ? Conflict("The run goes on; there is nothing to retry yet") : Asked(await desk.RetryAsync(run.Run.RunId, user.Actor(), cancel)) : NotFound("run", id))
            .ProducesProblem(404).ProducesProblem(409).WithSummary("Try again only what failed in a run");
        runs.MapPost("/runs/{id}/replay", async Task<Results<Accepted<QueuedRun>, ProblemHttpResult>> (string id, RunDesk desk, RunBoard board, ClaimsPrincipal user, CancellationToken cancel) =>
            await board.FindAsync(id, cancel) is { } run ? run.CanReplay ? Asked(await desk.ReplayAsync(run.Run.RunId, user.Actor(), cancel)) : Conflict("The run has no dead letters; there is nothing to replay") : NotFound("run", id))
            .ProducesProblem(404).ProducesProblem(409).WithSummary("Make again, whole, the partitions of a run that have dead letters");
        runs.MapPost("/queue/{id}/cancel", async Task<Results<NoContent, ProblemHttpResult>> (string id, RunDesk desk, IOperations operations, ClaimsPrincipal user, CancellationToken cancel) =>
            await operations.FindQueuedAsync(id, cancel) is null ? NotFound("queued run", id) : await desk.CancelAsync(id, user.Actor(), cancel) ? TypedResults.NoContent() : Conflict("It is over already"))
            .ProducesProblem(404).ProducesProblem(409).WithSummary("Stop a run, or take it out of the queue");

        var schedules = operators.MapGroup("/schedules").WithTags("schedules");
        schedules.MapPost("/{name}/run", async Task<Results<Accepted<QueuedRun>, ProblemHttpResult>> (string name, RunDesk desk, ScheduleBoard board, ClaimsPrincipal user, CancellationToken cancel) =>
            await board.FindAsync(name, cancel) is null ? NotFound("schedule", name) : Asked(await desk.RunNowAsync(name, user.Actor(), cancel))).ProducesProblem(404).WithSummary("Run a schedule now");
        schedules.MapPost("/{name}/pause", (string name, RunDesk desk, ScheduleBoard board, ClaimsPrincipal user, CancellationToken cancel) => ChangeAsync(name, board, () => desk.PauseAsync(name, user.Actor(), cancel), cancel)).ProducesProblem(404).WithSummary("Pause a schedule");
        schedules.MapPost("/{name}/resume", (string name, RunDesk desk, ScheduleBoard board, ClaimsPrincipal user, CancellationToken cancel) => ChangeAsync(name, board, () => desk.ResumeAsync(name, user.Actor(), cancel), cancel)).ProducesProblem(404).WithSummary("Let a paused schedule go on");
    }

    static async Task<Results<NoContent, ProblemHttpResult>> ChangeAsync(string name, ScheduleBoard board, Func<Task> change, CancellationToken cancel)
    {
        if (await board.FindAsync(name, cancel) is null) return NotFound("schedule", name);
        await change();
        return TypedResults.NoContent();
    }

    static Accepted<QueuedRun> Asked(QueuedRun run) => TypedResults.Accepted($"/api/v1/queue/{run.Id}", run);

    static int AtOnce(int? number) => number switch
    {
        null => 0,
        >= 1 and <= 256 => number.Value,
        _ => throw new DefinitionException($"max_parallel is {number}; expected 1 to 256."),
    };

    static ProblemHttpResult NotFound(string what, string name) => TypedResults.Problem(statusCode: 404, title: $"There is no {what} '{name}'");

    static ProblemHttpResult Conflict(string why) => TypedResults.Problem(statusCode: 409, title: why);
}
