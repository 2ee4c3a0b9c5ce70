namespace BatchMl.Spark.Worker;

/// <summary>When a task began, was ready to take rows, and was finished, in milliseconds since 1970, as Spark shows them; and how long rows were processed.</summary>
sealed class TaskTimes(TimeProvider clock)
{
    long readyAt;

    internal long Begun { get; } = clock.GetUtcNow().ToUnixTimeMilliseconds();
    internal long Ready { get; private set; }
    internal long Finished { get; private set; }

    /// <summary>Milliseconds from ready to finished, by a clock that never goes back.</summary>
    internal long Processing { get; private set; }

    internal void SetReady() => (Ready, readyAt) = (clock.GetUtcNow().ToUnixTimeMilliseconds(), clock.GetTimestamp());

    internal void SetFinished() => (Finished, Processing) = (clock.GetUtcNow().ToUnixTimeMilliseconds(), (long)clock.GetElapsedTime(readyAt).TotalMilliseconds);
}
