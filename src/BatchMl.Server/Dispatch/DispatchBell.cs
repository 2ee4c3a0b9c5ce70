namespace BatchMl.Server.Dispatch;

/// <summary>Wakes the scheduler when there is something for it to do before it would look by itself.</summary>
sealed class DispatchBell
{
    readonly SemaphoreSlim rung = new(0, 1);

    /// <summary>There is something to do.</summary>
    public void Ring()
    {
        try
        {
            rung.Release();
        }
        catch (SemaphoreFullException)
        {
            // It was rung and not heard yet, which is enough.
        }
    }

    /// <summary>Waits until it is rung, or a time of the real clock is over.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancel) => rung.WaitAsync(atMost, cancel);
}
