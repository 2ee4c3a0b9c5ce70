namespace BatchMl.Server;

/// <summary>A clock that is elsewhere in time and goes at another speed, so that the mornings of a past year can be lived through. Timers wait accordingly.</summary>
/// <param name="system">The clock behind it.</param>
/// <param name="now">What time it is when it is made.</param>
/// <param name="speed">Seconds of this clock per second of the one behind it; above 0.</param>
public sealed class SimulatedClock(TimeProvider system, DateTimeOffset now, double speed) : TimeProvider
{
    readonly long started = system.GetTimestamp();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => now.ToUniversalTime() + system.GetElapsedTime(started) * speed;

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(this, system.CreateTimer(callback, state, Real(dueTime), Real(period)));

    // A timer that waits for years of simulated time may still be over in seconds, and none may wait for longer than timers can.
    TimeSpan Real(TimeSpan time) => time == Timeout.InfiniteTimeSpan || time == TimeSpan.Zero ? time : TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((time / speed).TotalMilliseconds), 1, uint.MaxValue - 1));

    sealed class Timer(SimulatedClock clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(clock.Real(dueTime), clock.Real(period));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
