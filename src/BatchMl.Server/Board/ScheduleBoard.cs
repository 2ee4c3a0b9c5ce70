using BatchMl.Operations;

namespace BatchMl.Server.Board;

/// <summary>All schedules with what became of them.</summary>
sealed class ScheduleBoard
{
    public Task<IReadOnlyList<ScheduleView>> AllAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<ScheduleView>>([]);
}

/// <summary>After how long a job's partition is late: as its schedule says.</summary>
sealed class Lateness
{
    /// <summary>How long after its time a partition of a job may come; null: no schedule says.</summary>
    public TimeSpan? Of(string job) => null;
}
