using BatchMl.Operations;
using BatchMl.Server.Schedules;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>What becomes known of queued runs: the one place from which somebody is told.</summary>
sealed class RunNews(ScheduleBook book, ScheduleTime time, ILoggerFactory logging)
{
    readonly ILogger logger = logging.CreateLogger("BatchMl.Runs");
    readonly HashSet<string> late = [];

    /// <summary>A run is over, as its state says.</summary>
    public Task OverAsync(QueuedRun run, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (run.State == QueuedRunState.Failed) logger.LogWarning("{What} failed: {Reason}", WhatOf(run), run.Reason);
        return Task.CompletedTask;
    }

    /// <summary>A run is not over: says so if it is late, once.</summary>
    public Task LateAsync(QueuedRun run, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (LateAt(run) is { } at && time.Now >= at && late.Add(run.Id)) logger.LogWarning("{What} is late: it should have been over at {At:u}", WhatOf(run), at);
        return Task.CompletedTask;
    }

    /// <summary>When a run is late, in the time of schedules; null: never.</summary>
    public DateTimeOffset? LateAt(QueuedRun run) => run is { Schedule: { } name, Occurrence: { } occurrence } ? occurrence + book.Entries.GetValueOrDefault(name)?.Schedule?.LateAfter : null;

    static string WhatOf(QueuedRun run) => run.Schedule is { } name ? $"Schedule {name} of {run.Occurrence:u} (run {run.RunId ?? run.Id})" : $"{run.Job} (run {run.RunId ?? run.Id})";
}
