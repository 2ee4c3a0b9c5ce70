using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.TestSupport.Runs;

/// <summary>What a catalog has to do with partitions, as plainly as it can be said: the oracle of random interleavings.</summary>
public sealed class CatalogModel
{
    sealed class Partition
    {
        public long Fence, Committed, Published;
        public (long Fence, string Attempt, long Heartbeat)? Lease;
    }

    readonly Dictionary<PartitionKey, Partition> partitions = [];
    readonly Dictionary<string, AttemptState> attempts = [];
    readonly List<string> outbox = [];

    public IReadOnlyDictionary<string, AttemptState> Attempts => attempts;
    public IReadOnlyList<string> Outbox => outbox;

    public long? TryLease(NewAttempt attempt, LeaseInfo? expired, long seenCommitted, IReadOnlyList<string> events)
    {
        var p = partitions.TryGetValue(attempt.Key, out var known) ? known : new Partition();
        (long, string, long)? seen = expired is null ? null : (expired.Fence, expired.AttemptId, expired.Heartbeat);
        if (p.Committed != seenCommitted || p.Lease != seen) return null;
        partitions[attempt.Key] = p;
        if (p.Lease is { } dead) attempts[dead.Attempt] = AttemptState.Aborted;
        p.Fence = Math.Max(p.Fence, attempt.AfterFence) + 1;
        p.Lease = (p.Fence, attempt.AttemptId, 0);
        attempts[attempt.AttemptId] = AttemptState.Leased;
        outbox.AddRange(events);
        return p.Fence;
    }

    public bool Heartbeat(IReadOnlyList<Lease> leases)
    {
        var all = true;
        foreach (var lease in leases)
        {
            if (Held(lease) is not { Lease: { } held } p) all = false;
            else p.Lease = held with { Heartbeat = held.Heartbeat + 1 };
        }
        return all;
    }

    public bool Stage(Lease lease)
    {
        if (Held(lease) is null || attempts[lease.AttemptId] != AttemptState.Leased) return false;
        attempts[lease.AttemptId] = AttemptState.Staged;
        return true;
    }

    public bool Commit(Lease lease, IReadOnlyList<string> events)
    {
        if (Held(lease) is not { } p || attempts[lease.AttemptId] != AttemptState.Staged) return false;
        (p.Lease, p.Committed) = (null, lease.Fence);
        attempts[lease.AttemptId] = AttemptState.Committed;
        outbox.AddRange(events);
        return true;
    }

    public void MarkPublished(Lease lease)
    {
        if (!partitions.TryGetValue(lease.Key, out var p) || p.Committed != lease.Fence) return;
        p.Published = lease.Fence;
        attempts[lease.AttemptId] = AttemptState.Published;
    }

    public bool Release(Lease lease, AttemptState state, IReadOnlyList<string> events)
    {
        if (Held(lease) is not { } p) return false;
        p.Lease = null;
        attempts[lease.AttemptId] = state;
        outbox.AddRange(events);
        return true;
    }

    /// <summary>The ledger in one line per partition.</summary>
    public IReadOnlyList<string> Ledger => [.. partitions.OrderBy(p => p.Key.Value, StringComparer.Ordinal)
        .Select(p => $"{p.Key} {p.Value.Fence} {p.Value.Lease?.Fence} {p.Value.Lease?.Attempt} {p.Value.Lease?.Heartbeat} {p.Value.Committed} {p.Value.Committed > 0 && p.Value.Committed == p.Value.Published}")];

    /// <summary>A catalog's ledger said in the same way.</summary>
    public static IReadOnlyList<string> Lines(IReadOnlyList<LedgerEntry> ledger) =>
        [.. ledger.Select(e => $"{e.Key} {e.Fence} {e.Lease?.Fence} {e.Lease?.AttemptId} {e.Lease?.Heartbeat} {e.Committed?.Staged.Fence ?? 0} {e.IsPublished}")];

    Partition? Held(Lease lease) => partitions.TryGetValue(lease.Key, out var p) && p.Lease is { } held && held.Fence == lease.Fence ? p : null;
}
