using System.Data;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Partitions: who holds them and which version counts. Who does something to a leased partition must name its fence, and the statement itself compares it.</summary>
static class LedgerTable
{
    public const string ByKey = "sink = @Sink AND dataset = @Dataset AND partition_column = @Column AND partition_value = @Value";

    const string Select = """
        SELECT l.sink AS Sink, l.dataset AS Dataset, l.partition_column AS PartitionColumn, l.partition_value AS PartitionValue, l.fence AS Fence, l.lease_fence AS LeaseFence, l.heartbeat AS Heartbeat,
            l.committed_fence AS CommittedFence, l.committed AS Committed, l.committed_digest AS CommittedDigest, l.published_fence AS PublishedFence, a.run_id AS RunId, a.attempt_id AS AttemptId, a.holder AS Holder, a.lineage AS Lineage, a.ttl AS Ttl
        FROM ledger l LEFT JOIN attempt a
            ON a.sink = l.sink AND a.dataset = l.dataset AND a.partition_column = l.partition_column AND a.partition_value = l.partition_value AND a.fence = l.lease_fence
        """;

    public static IReadOnlyList<LedgerEntry> OfDataset(IDbTransaction t, string sink, string dataset) =>
        Query(t, "WHERE l.sink = @sink AND l.dataset = @dataset ORDER BY l.partition_column, l.partition_value", new { sink, dataset });

    public static LedgerEntry? Find(IDbTransaction t, PartitionKey key) =>
        Query(t, "WHERE l.sink = @Sink AND l.dataset = @Dataset AND l.partition_column = @Column AND l.partition_value = @Value", key).FirstOrDefault();

    public static IReadOnlyList<LedgerEntry> Unpublished(IDbTransaction t) =>
        Query(t, "WHERE l.published_fence < l.committed_fence ORDER BY l.sink, l.dataset, l.partition_column, l.partition_value", null);

    public static Lease? TryLease(IDbTransaction t, NewAttempt attempt, LeaseInfo? expired, long seenCommittedFence, DateTimeOffset at)
    {
        var key = attempt.Key;
        var entry = Find(t, key);
        if ((entry?.Committed?.Staged.Fence ?? 0) != seenCommittedFence || entry?.Lease != expired) return null;
        if (entry is null)
        {
            t.Connection!.Execute(
                "INSERT INTO ledger (sink, dataset, partition_column, partition_value, fence, heartbeat, committed_fence, published_fence) VALUES (@Sink, @Dataset, @Column, @Value, 0, 0, 0, 0)", key, t);
        }
        if (expired is not null) AttemptTable.End(t, key, expired.Fence, AttemptState.Aborted, "Its process ended, or stopped for longer than its lease.", at);
        var fence = Math.Max(entry?.Fence ?? 0, attempt.AfterFence) + 1;
        t.Connection!.Execute(
            $"UPDATE ledger SET fence = @fence, lease_fence = @fence, heartbeat = 0 WHERE {ByKey}", new { fence, key.Sink, key.Dataset, key.Column, key.Value }, t);
        AttemptTable.Add(t, attempt, fence, at);
        PartitionTable.Leased(t, attempt);
        return new Lease(key, fence, attempt.RunId, attempt.AttemptId);
    }

    public static bool Heartbeat(IDbTransaction t, Lease lease) => Change(t, lease, "heartbeat = heartbeat + 1");

    public static bool Stage(IDbTransaction t, Lease lease, StagedPartition staged) => AttemptTable.Stage(t, lease, staged);

    public static bool Commit(IDbTransaction t, Lease lease, CommittedVersion version)
    {
        if (!AttemptTable.Commit(t, lease, version.CommittedAt)) return false;
        Agree(Change(t, lease, "lease_fence = NULL, committed_fence = @Fence, committed = @committed, committed_digest = @digest", Values.OfObject(version)), lease);
        PartitionTable.Committed(t, version);
        return true;
    }

    public static bool Release(IDbTransaction t, Lease lease, AttemptState state, string? error, DateTimeOffset at)
    {
        if (!AttemptTable.End(t, lease.Key, lease.Fence, state, error, at)) return false;
        Agree(Change(t, lease, "lease_fence = NULL"), lease);
        PartitionTable.Failed(t, lease.Key, error);
        return true;
    }

    // An attempt is leased or staged exactly while its partition's lease is its own: both change in the same transactions.
    static void Agree(bool changed, Lease lease)
    {
        if (!changed) throw new DataException($"The catalog contradicts itself: attempt {lease.AttemptId} of {lease.Key} is open, but the partition's lease is not its own. Restore the catalog from a backup.");
    }

    public static bool Publish(IDbTransaction t, PartitionKey key, long fence, DateTimeOffset at)
    {
        var changed = t.Connection!.Execute(
            $"UPDATE ledger SET published_fence = @fence WHERE {ByKey} AND committed_fence = @fence AND published_fence < @fence", new { fence, key.Sink, key.Dataset, key.Column, key.Value }, t) == 1;
        if (!changed) return false;
        PartitionTable.Published(t, key);
        return AttemptTable.Publish(t, key, fence, at);
    }

    static bool Change(IDbTransaction t, Lease lease, string set, string? committed = null) => t.Connection!.Execute(
        $"UPDATE ledger SET {set} WHERE {ByKey} AND lease_fence = @Fence",
        new { lease.Key.Sink, lease.Key.Dataset, lease.Key.Column, lease.Key.Value, lease.Fence, committed, digest = committed is null ? null : DigestOf(lease.Key, committed) }, t) == 1;

    static string DigestOf(PartitionKey key, string committed) => Values.DigestOf(key.Sink, key.Dataset, key.Column, key.Value, committed);

    static List<LedgerEntry> Query(IDbTransaction t, string where, object? parameters) => Rows.Read<Row, LedgerEntry>(t, $"{Select} {where}", parameters, r => r.Entry());

    sealed class Row
    {
        public string Sink { get; init; } = "";
        public string Dataset { get; init; } = "";
        public string PartitionColumn { get; init; } = "";
        public string PartitionValue { get; init; } = "";
        public long Fence { get; init; }
        public long? LeaseFence { get; init; }
        public long Heartbeat { get; init; }
        public long CommittedFence { get; init; }
        public string? Committed { get; init; }
        public string? CommittedDigest { get; init; }
        public long PublishedFence { get; init; }
        public string? RunId { get; init; }
        public string? AttemptId { get; init; }
        public string? Holder { get; init; }
        public string? Lineage { get; init; }
        public double? Ttl { get; init; }

        public LedgerEntry Entry()
        {
            var key = new PartitionKey(Sink, Dataset, PartitionColumn, PartitionValue);
            var isDamaged = Committed is null ? CommittedFence != 0 : CommittedDigest is not null && CommittedDigest != DigestOf(key, Committed);
            var version = Committed is null || isDamaged ? null : Values.Version(Committed);
            if (isDamaged || version is not null && version.Staged.Fence != CommittedFence || LeaseFence is not null && (RunId is null || AttemptId is null || Holder is null || Lineage is null || Ttl is null))
                throw new DataException($"The catalog is corrupt: its entry of {key} is not what was written, or its attempt is gone. Restore the catalog from a backup.");
            return new(
                key, Fence, LeaseFence is { } fence ? new LeaseInfo(fence, RunId!, AttemptId!, Holder!, Values.Lineage(Lineage!), Heartbeat, Ttl!.Value) : null,
                version, CommittedFence > 0 && PublishedFence == CommittedFence);
        }
    }
}
