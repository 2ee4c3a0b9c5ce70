using System.Collections.Concurrent;
using BatchMl.Operations;
using BatchMl.Server.Notifications;
using BatchMl.Server.Schedules;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>What becomes known of queued runs: the one place from which somebody is told.</summary>
sealed class RunNews(ScheduleBook book, ScheduleTime time, Notifier notifier, ILoggerFactory logging)
{
    readonly ILogger logger = logging.CreateLogger("BatchMl.Runs");
    readonly ConcurrentDictionary<string, bool> late = new(StringComparer.Ordinal);

    /// <summary>A run is over, as its state says.</summary>
    public Task OverAsync(QueuedRun run, CancellationToken cancel)
    {
        if (run.State == QueuedRunState.Failed) logger.LogWarning("{What} failed: {Reason}", WhatOf(run), run.Reason);
        // When it was late is known in the time of schedules only, which need not be that of records.
        return notifier.OverAsync(run, late.TryRemove(run.Id, out _) ? run.RequestedAt : null, ChannelsOf(run), cancel);
    }

    /// <summary>A run is not over: says so if it is late, once.</summary>
    public Task LateAsync(QueuedRun run, CancellationToken cancel)
    {
        if (LateAt(run) is not { } at || time.Now < at || !late.TryAdd(run.Id, true)) return Task.CompletedTask;
        logger.LogWarning("{What} is late: it should have been over at {At:u}", WhatOf(run), at);
        return notifier.LateAsync(run, at, ChannelsOf(run), cancel);
    }

    /// <summary>When a run is late, in the time of schedules; null: never.</summary>
    public DateTimeOffset? LateAt(QueuedRun run) => run.Occurrence is { } occurrence ? occurrence + ScheduleOf(run)?.LateAfter : null;

    Schedule? ScheduleOf(QueuedRun run) => run.Schedule is { } name ? book.Entries.GetValueOrDefault(name)?.Schedule : null;

    IReadOnlyList<string>? ChannelsOf(QueuedRun run) => ScheduleOf(run)?.Notify;

    static string WhatOf(QueuedRun run) => run.Schedule is { } name ? $"Schedule {name} of {run.Occurrence:u} (run {run.RunId ?? run.Id})" : $"{run.Job} (run {run.RunId ?? run.Id})";
}
