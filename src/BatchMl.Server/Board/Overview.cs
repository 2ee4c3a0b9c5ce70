using BatchMl.Operations;

namespace BatchMl.Server.Board;

/// <summary>Everything at a glance.</summary>
/// <param name="Now">The schedules' time.</param>
/// <param name="Datasets">All datasets.</param>
/// <param name="Running">Runs that go on.</param>
/// <param name="Queue">Runs that were asked for and have not begun, the next first.</param>
/// <param name="FailedRuns">Of each job and schedule the latest run, if that failed.</param>
/// <param name="Schedules">All schedules.</param>
/// <param name="Drift">What monitoring jobs found.</param>
public sealed record OverviewView(
    DateTimeOffset Now, IReadOnlyList<DatasetView> Datasets, IReadOnlyList<RunView> Running, IReadOnlyList<QueuedRun> Queue, IReadOnlyList<QueuedRun> FailedRuns, IReadOnlyList<ScheduleView> Schedules, IReadOnlyList<DriftView> Drift);

/// <summary>Puts the overview together.</summary>
sealed class Overview(IOperations operations, DatasetBoard datasets, RunBoard runs, ScheduleBoard schedules, DriftBoard drift, ScheduleTime time)
{
    static readonly QueuedRunState[] open = [QueuedRunState.Waiting, QueuedRunState.Queued];

    public async Task<OverviewView> NowAsync(CancellationToken cancel)
    {
        var latest = await operations.QueueAsync(new QueueFilter([QueuedRunState.Succeeded, QueuedRunState.Failed], Limit: 300), cancel);
        return new OverviewView(
            time.Now, await datasets.AllAsync(cancel), await runs.RunningAsync(cancel), [.. (await operations.QueueAsync(new QueueFilter(open, Limit: 200), cancel)).Reverse()],
            [.. latest.GroupBy(q => (q.Job, q.Schedule)).Select(g => g.First()).Where(q => q.State == QueuedRunState.Failed)], await schedules.AllAsync(cancel), await drift.AllAsync(cancel));
    }
}
