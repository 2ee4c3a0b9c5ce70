using BatchMl.Operations;
using BatchMl.Server.Schedules;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>What becomes known of queued runs, told to whoever is to be notified. Nothing that goes wrong here stops a run.</summary>
sealed class RunNews(ServerContext context, IOperations operations, ScheduleBook book, ScheduleTime time, ILoggerFactory logging)
{
    readonly ILogger logger = logging.CreateLogger("BatchMl.Runs");
    readonly HashSet<string> late = [];

    /// <summary>A run is over, as its state says.</summary>
    public async Task OverAsync(QueuedRun run, CancellationToken cancel)
    {
        if (run.State == QueuedRunState.Failed) logger.LogWarning("{What} failed: {Reason}", WhatOf(run), run.Reason);
        await Task.CompletedTask;
        _ = (context, operations, cancel);
    }

    /// <summary>A run is not over: says so if it is late, once.</summary>
    public async Task LateAsync(QueuedRun run, CancellationToken cancel)
    {
        if (LateAt(run) is not { } at || time.Now < at || !late.Add(run.Id)) return;
        logger.LogWarning("{What} is late: it should have been over at {At:u}", WhatOf(run), at);
        await Task.CompletedTask;
        _ = cancel;
    }

    /// <summary>When a run is late, in the time of schedules; null: never.</summary>
    public DateTimeOffset? LateAt(QueuedRun run) => run is { Schedule: { } name, Occurrence: { } occurrence } ? occurrence + book.Entries.GetValueOrDefault(name)?.Schedule?.LateAfter : null;

    static string WhatOf(QueuedRun run) => run.Schedule is { } name ? $"Schedule {name} of {run.Occurrence:u} (run {run.RunId ?? run.Id})" : $"{run.Job} (run {run.RunId ?? run.Id})";
}
