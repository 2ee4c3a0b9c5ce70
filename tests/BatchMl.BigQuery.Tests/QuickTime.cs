namespace BatchMl.BigQuery.Tests;

/// <summary>A clock on which every wait is over at once, which goes forward by it, and which keeps how long each should have been.</summary>
sealed class QuickTime : TimeProvider
{
    readonly Lock gate = new();
    readonly List<TimeSpan> waits = [];

    public IReadOnlyList<TimeSpan> Waits
    {
        get { lock (gate) return [.. waits]; }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return base.GetUtcNow() + TimeSpan.FromTicks(waits.Sum(w => w.Ticks));
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            lock (gate) waits.Add(dueTime);
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }
        return new Nothing();
    }

    sealed class Nothing : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
