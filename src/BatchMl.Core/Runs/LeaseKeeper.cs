namespace BatchMl.Runs;

/// <summary>Counts up the heartbeats of leases while work goes on under them, and cancels the work when one is lost.</summary>
sealed class LeaseKeeper : IAsyncDisposable
{
    readonly CancellationTokenSource stop = new();
    readonly CancellationTokenSource work;
    readonly Task beating;
    volatile IReadOnlyList<Lease> leases;

    public LeaseKeeper(ICatalog catalog, IReadOnlyList<Lease> leases, TimeSpan ttl, TimeProvider clock, CancellationToken cancel)
    {
        this.leases = leases;
        work = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        beating = BeatAsync(catalog, ttl / 5, clock);
    }

    /// <summary>Cancelled with the run, or when a lease was lost.</summary>
    public CancellationToken Token => work.Token;

    /// <summary>Whether a lease was lost.</summary>
    public bool IsLost { get; private set; }

    /// <summary>A lease that ended in order, by a commit.</summary>
    public void Drop(Lease lease) => leases = [.. leases.Where(l => l != lease)];

    async Task BeatAsync(ICatalog catalog, TimeSpan every, TimeProvider clock)
    {
        while (true)
        {
            try
            {
                await Task.Delay(every, clock, stop.Token);
                var held = leases;
                // One that was committed meanwhile is no loss.
                if (await catalog.HeartbeatAsync(held, stop.Token) || held != leases) continue;
                IsLost = true;
                await work.CancelAsync();
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (BatchMlException)
            {
                // A catalog that could not be written is no lost lease: the next beat may pass, and the commit decides in any case.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await beating;
        stop.Dispose();
        work.Dispose();
    }
}
