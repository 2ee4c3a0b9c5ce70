using System.Data;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Catalog;

/// <summary>
/// The catalog in one SQLite file (WAL), made when first used. Every method is one transaction; another process that writes is waited for. What is committed, delivered or ended is fsynced. A lease, its heartbeat,
/// that something is staged or was published need not be: a power cut ends every process, after which the partition is as it was before the lease, or is published once more, which changes nothing.
/// </summary>
/// <param name="path">The file; its folder is made.</param>
/// <param name="busy">How long another process is waited for; default 30 s.</param>
public sealed class SqliteCatalog(string path, TimeSpan? busy = null) : ICatalog
{
    readonly SqliteFile file = new(Path.GetFullPath(path), busy ?? TimeSpan.FromSeconds(30), Schema.Scripts);

    /// <inheritdoc/>
    public Task StartRunAsync(RunRecord run, IReadOnlyList<string> events, CancellationToken cancel) => WriteAsync(t =>
    {
        RunTable.Start(t, run);
        return true;
    }, events, run.StartedAt, cancel);

    /// <inheritdoc/>
    public Task<bool> FinishRunAsync(string runId, RunState state, string? error, string? summaryJson, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        WriteAsync(t => RunTable.Finish(t, runId, state, error, summaryJson, at), events, at, cancel);

    /// <inheritdoc/>
    public Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel) => file.ReadAsync(t => RunTable.Find(t, runId), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel) => file.ReadAsync(t => RunTable.Recent(t, count), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> UnfinishedRunsAsync(CancellationToken cancel) => file.ReadAsync(RunTable.Unfinished, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel) => file.ReadAsync(t => AttemptTable.OfRun(t, runId), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttemptRecord>> OpenAttemptsAsync(CancellationToken cancel) => file.ReadAsync(AttemptTable.Open, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel) => file.ReadAsync(t => LedgerTable.OfDataset(t, sink, dataset), cancel);

    /// <inheritdoc/>
    public Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel) => file.ReadAsync(t => LedgerTable.Find(t, key), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel) => file.ReadAsync(LedgerTable.Unpublished, cancel);

    /// <inheritdoc/>
    public Task<Lease?> TryLeaseAsync(NewAttempt attempt, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        file.WriteUnsyncedAsync(t =>
        {
            var lease = LedgerTable.TryLease(t, attempt, expired, seenCommittedFence, at);
            if (lease is not null) OutboxTable.Add(t, events, at);
            return lease;
        }, cancel);

    /// <inheritdoc/>
    public Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel) =>
        file.WriteUnsyncedAsync(t => leases.Count(l => LedgerTable.Heartbeat(t, l)) == leases.Count, cancel);

    /// <inheritdoc/>
    public Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel) => file.WriteUnsyncedAsync(t => LedgerTable.Stage(t, lease, staged), cancel);

    /// <inheritdoc/>
    public Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel) =>
        WriteAsync(t => LedgerTable.Commit(t, lease, version), events, version.CommittedAt, cancel);

    /// <inheritdoc/>
    public Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel) => file.WriteUnsyncedAsync(t => LedgerTable.Publish(t, key, fence, at), cancel);

    /// <inheritdoc/>
    public Task<bool> ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        WriteAsync(t => LedgerTable.Release(t, lease, state, error, at), events, at, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OutboxEvent>> PendingAsync(int count, CancellationToken cancel) => file.ReadAsync(t => OutboxTable.Pending(t, count), cancel);

    /// <inheritdoc/>
    public Task<long> DeliveredLengthAsync(string file, CancellationToken cancel) => this.file.ReadAsync(t => OutboxTable.Length(t, file), cancel);

    /// <inheritdoc/>
    public Task MarkDeliveredAsync(string file, long lastId, long length, CancellationToken cancel) => this.file.WriteAsync(t =>
    {
        OutboxTable.Deliver(t, file, lastId, length);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => file.DisposeAsync();

    // What changed nothing tells nothing.
    Task<bool> WriteAsync(Func<IDbTransaction, bool> change, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) => file.WriteAsync(t =>
    {
        var changed = change(t);
        if (changed) OutboxTable.Add(t, events, at);
        return changed;
    }, cancel);
}
