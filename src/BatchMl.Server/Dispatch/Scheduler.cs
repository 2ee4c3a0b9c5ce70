using BatchMl.Operations;
using BatchMl.Server.Schedules;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>
/// Turns occurrences of schedules into queued runs, and hands those whose time has come to the workers. Any number of servers may do so on one store: each occurrence becomes one run, whoever sees it first.
/// </summary>
sealed class Scheduler(ServerContext context, IOperations operations, ScheduleBook book, ScheduleTime time, DispatchBell bell, Deliveries deliveries, RunNews news, DispatchSettings settings, ILoggerFactory logging) : BackgroundService
{
    static readonly IReadOnlyList<QueuedRunState> Open = [QueuedRunState.Waiting, QueuedRunState.Queued, QueuedRunState.Running];

    readonly ILogger logger = logging.CreateLogger("BatchMl.Scheduler");
    readonly LostRuns lost = new(operations, context.Session.Environment.Clock, settings);

    DateTimeOffset Now => context.Session.Environment.Clock.GetUtcNow();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // A store that is away comes back, and everything is found in it then.
                logger.LogError(e, "The scheduler could not do its work; it goes on in {Seconds} s", settings.Look.TotalSeconds);
                lost.StartAnew();
            }
            await bell.WaitAsync(UntilNext(), stoppingToken);
        }
    }

    /// <summary>Does what there is to do now.</summary>
    internal async Task LookAsync(CancellationToken cancel)
    {
        await AskAsync(cancel);
        var running = await operations.QueueAsync(new QueueFilter([QueuedRunState.Running], Limit: int.MaxValue), cancel);
        foreach (var run in await lost.ReturnAsync(running, Now, cancel)) await news.OverAsync(run, cancel);
        var promoted = (await operations.PromoteAsync(Now, cancel)).Select(r => r.Id).ToHashSet();
        var open = await operations.QueueAsync(new QueueFilter(Open, Limit: int.MaxValue), cancel);
        deliveries.Deliver([.. open.Where(r => r.State == QueuedRunState.Queued)], promoted);
        foreach (var run in open) await news.LateAsync(run, cancel);
    }

    async Task AskAsync(CancellationToken cancel)
    {
        var now = time.Now;
        var states = await operations.SchedulesAsync(cancel);
        var runnable = book.Runnable.Where(s => states.GetValueOrDefault(s.Name)?.PausedBy is null).ToArray();
        foreach (var schedule in runnable)
        {
            var due = Occurrences.Of(schedule, states.GetValueOrDefault(schedule.Name)?.LastOccurrence, now, settings.Punctual * context.Options.Speed);
            if (due.Missed) logger.LogWarning("Schedule {Name} left out the occurrences that were missed until {Until:u}", schedule.Name, due.Until);
            foreach (var occurrence in due.Runs)
            {
                foreach (var (run, overlap) in ScheduledRuns.Of(schedule, runnable, occurrence, $"schedule {schedule.Name}", Now))
                {
                    if (await operations.EnqueueAsync(run, overlap, cancel) is { State: QueuedRunState.Skipped } skipped) await news.OverAsync(skipped, cancel);
                }
            }
            // Only then: after a crash in between they are asked for again, and each is there once.
            if (due.Until is { } until) await operations.AdvanceScheduleAsync(schedule.Name, until, cancel);
        }
    }

    // A schedule that comes between two looks is not to wait for the next.
    TimeSpan UntilNext()
    {
        var now = time.Now;
        var next = book.Runnable.Select(s => s.Next(now).Select(o => (DateTimeOffset?)o).FirstOrDefault()).Min();
        if (next is not { } at) return settings.Look;
        var real = (at - now) / context.Options.Speed;
        return real < settings.Look ? (real > TimeSpan.FromMilliseconds(10) ? real : TimeSpan.FromMilliseconds(10)) : settings.Look;
    }
}
