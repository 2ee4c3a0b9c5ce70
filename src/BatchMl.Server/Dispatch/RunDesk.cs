using System.Diagnostics;
using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Schedules;

namespace BatchMl.Server.Dispatch;

/// <summary>The one place where runs are asked for, by people: what pages and API do. Each request is recorded with who made it.</summary>
sealed class RunDesk(ServerContext context, IOperations operations, ScheduleBook book, ScheduleTime time, DispatchBell bell)
{
    ICatalog Catalog => context.Session.Environment.Catalog;

    DateTimeOffset Now => context.Session.Environment.Clock.GetUtcNow();

    /// <summary>Runs a schedule now, as if this were an occurrence of it; those that come after it follow.</summary>
    /// <exception cref="DefinitionException">There is no such schedule.</exception>
    public async Task<QueuedRun> RunNowAsync(string schedule, string by, CancellationToken cancel)
    {
        var due = ScheduledRuns.Of(Find(schedule), book.Runnable, time.Now, by, Now);
        await RecordAsync(by, "schedule.run", schedule, new { id = due[0].Run.Id }, cancel);
        var queued = new List<QueuedRun?>();
        foreach (var (run, overlap) in due) queued.Add(await operations.EnqueueAsync(run, overlap, cancel));
        bell.Ring();
        return queued[0] ?? throw new DefinitionException($"Schedule '{schedule}' has a run for this very instant.");
    }

    /// <summary>Runs a job.</summary>
    /// <exception cref="DefinitionException">There is no such job, or the request makes no sense.</exception>
    public Task<QueuedRun> RunAsync(string job, RunRequest request, string by, CancellationToken cancel) => AskAsync(job, "run", request, null, by, cancel);

    /// <summary>Runs a job over a range of dates; see <see cref="RunRequest"/> for its order, what of it, and how much at once.</summary>
    /// <exception cref="DefinitionException">There is no such job, or the request has no range.</exception>
    public Task<QueuedRun> BackfillAsync(string job, RunRequest request, string by, CancellationToken cancel) =>
        request is { From: not null, To: not null } ? AskAsync(job, "backfill", request, null, by, cancel) : throw new DefinitionException("A backfill needs a first date and an end; one is missing.");

    /// <summary>Tries again only what failed in a run.</summary>
    /// <exception cref="DefinitionException">There is no such run.</exception>
    public async Task<QueuedRun> RetryAsync(string runId, string by, CancellationToken cancel) => await AgainAsync(await FindRunAsync(runId, cancel), "retry", by, cancel);

    /// <summary>Makes again, whole, the partitions of a run that have dead letters.</summary>
    /// <exception cref="DefinitionException">There is no such run.</exception>
    public async Task<QueuedRun> ReplayAsync(string runId, string by, CancellationToken cancel) => await AgainAsync(await FindRunAsync(runId, cancel), "replay", by, cancel);

    /// <summary>Stops a queued run, or takes it out of the queue. False: it is over already, or there is none.</summary>
    public async Task<bool> CancelAsync(string id, string by, CancellationToken cancel)
    {
        await RecordAsync(by, "run.cancel", id, new { }, cancel);
        var isOpen = await operations.CancelQueuedAsync(id, $"Cancelled by {by}.", Now, cancel);
        bell.Ring();
        return isOpen;
    }

    /// <summary>Pauses a schedule: its occurrences are missed until it is resumed, and then its file says what becomes of them. What runs goes on.</summary>
    /// <exception cref="DefinitionException">There is no such schedule.</exception>
    public async Task PauseAsync(string schedule, string by, CancellationToken cancel)
    {
        await RecordAsync(by, "schedule.pause", Find(schedule).Name, new { }, cancel);
        await operations.PauseScheduleAsync(schedule, by, Now, cancel);
    }

    /// <summary>Lets a paused schedule go on.</summary>
    /// <exception cref="DefinitionException">There is no such schedule.</exception>
    public async Task ResumeAsync(string schedule, string by, CancellationToken cancel)
    {
        await RecordAsync(by, "schedule.resume", Find(schedule).Name, new { }, cancel);
        await operations.PauseScheduleAsync(schedule, null, Now, cancel);
        bell.Ring();
    }

    Task<QueuedRun> AgainAsync(RunRecord run, string verb, string by, CancellationToken cancel) => AskAsync(run.Job, verb, JsonSerializer.Deserialize<RunRequest>(run.ArgumentsJson)!, run.RunId, by, cancel);

    async Task<QueuedRun> AskAsync(string job, string verb, RunRequest request, string? target, string by, CancellationToken cancel)
    {
        var found = context.Application.FindJob(job);
        if (request.From >= request.To) throw new DefinitionException($"The first date {request.From:yyyy-MM-dd} is not before the end {request.To:yyyy-MM-dd}; the end is exclusive.");
        // What its schedule may not do beside others, a person may not either: the device is the same.
        var like = book.Runnable.FirstOrDefault(s => s.Job == job);
        var run = new QueuedRun
        {
            Id = Guid.CreateVersion7(Now).ToString(),
            Job = job,
            Verb = verb,
            // The run is a part of the trace of whoever asked for it.
            RequestJson = JsonSerializer.Serialize(request with { TraceParent = Activity.Current?.Id }),
            TargetRunId = target,
            Queue = like?.Queue ?? Queues.Of(found),
            Group = like?.Group,
            GroupLimit = like?.GroupLimit ?? 1,
            RequestedBy = by,
            RequestedAt = Now,
            State = QueuedRunState.Waiting,
        };
        await RecordAsync(by, $"run.{verb}", target ?? job, new { id = run.Id, job, request }, cancel);
        var queued = await operations.EnqueueAsync(run, OverlapPolicy.Queue, cancel);
        bell.Ring();
        return queued!;
    }

    Schedule Find(string name) => book.Entries.TryGetValue(name, out var entry)
        ? entry.Schedule ?? throw new DefinitionException($"The file of schedule '{name}' was never right: {string.Join(" ", entry.Problems)}")
        : throw Nearest.Unknown("schedule", name, book.Entries.Keys);

    async Task<RunRecord> FindRunAsync(string id, CancellationToken cancel) => await Catalog.FindRunAsync(id, cancel) ?? throw new DefinitionException($"There is no run '{id}'.");

    Task RecordAsync(string by, string action, string target, object details, CancellationToken cancel) => operations.RecordAsync(by, action, target, JsonSerializer.Serialize(details), Now, cancel);
}
