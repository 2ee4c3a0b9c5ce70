namespace BatchMl.Runs;

/// <summary>Counts up the heartbeats of leases while work goes on, and cancels the work when a lease is lost.</summary>
sealed class LeaseKeeper : IAsyncDisposable
{
    /// <summary>A lease whose counter has not moved for this long, on an observer's own monotonic clock, has expired.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(15);

    readonly CancellationTokenSource stop = new();
    readonly CancellationTokenSource lost;
    readonly Task beating;

    public LeaseKeeper(ICatalog catalog, IReadOnlyList<Lease> leases, TimeProvider clock, CancellationToken cancel)
    {
        lost = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        beating = BeatAsync(catalog, leases, clock);
    }

    /// <summary>Cancelled when the run is, or when a lease was lost.</summary>
    public CancellationToken Token => lost.Token;

    /// <summary>Whether a lease was lost.</summary>
    public bool IsLost { get; private set; }

    async Task BeatAsync(ICatalog catalog, IReadOnlyList<Lease> leases, TimeProvider clock)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Ttl / 3, clock, stop.Token);
                if (await catalog.HeartbeatAsync(leases, stop.Token)) continue;
                IsLost = true;
                await lost.CancelAsync();
                return;
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (BatchMlException)
        {
            // A busy catalog is no lost lease; if it stays busy, the commit decides.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await beating;
        stop.Dispose();
        lost.Dispose();
    }
}
