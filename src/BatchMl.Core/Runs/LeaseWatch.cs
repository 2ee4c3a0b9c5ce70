using System.Collections.Concurrent;
using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>Judges other processes' leases: one has expired when its process is known to be gone, or when its heartbeat has not changed for its ttl on this process's own monotonic clock.</summary>
sealed class LeaseWatch(TimeProvider clock, Func<string, bool> isGone)
{
    readonly ConcurrentDictionary<PartitionKey, (LeaseInfo Lease, long Since)> seen = new();

    /// <summary>Looks at a lease. Only one that was looked at before, and did not change, can have expired by time.</summary>
    public bool IsExpired(PartitionKey key, LeaseInfo lease)
    {
        if (isGone(lease.Holder)) return true;
        var now = clock.GetTimestamp();
        var (_, since) = seen.AddOrUpdate(key, _ => (lease, now), (_, before) => before.Lease == lease ? before : (lease, now));
        return clock.GetElapsedTime(since, now).TotalSeconds >= lease.TtlSeconds;
    }
}
