using System.Data;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Catalog;

/// <summary>
/// The catalog in a SQL database. What is committed, delivered or ended must survive a power cut. A lease, its heartbeat, that something is staged or was published need not, where a power cut ends every process
/// that knows of it: afterwards the partition is as it was before the lease, or is published once more, which changes nothing.
/// </summary>
public abstract class SqlCatalog : ICatalog
{
    readonly IDatabase database;

    private protected SqlCatalog(IDatabase database) => this.database = database;

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
    public Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel) => database.ReadAsync(t => RunTable.Find(t, runId), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel) => database.ReadAsync(t => RunTable.Recent(t, count), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> UnfinishedRunsAsync(CancellationToken cancel) => database.ReadAsync(RunTable.Unfinished, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel) => database.ReadAsync(t => AttemptTable.OfRun(t, runId), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttemptRecord>> OpenAttemptsAsync(CancellationToken cancel) => database.ReadAsync(AttemptTable.Open, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel) => database.ReadAsync(t => LedgerTable.OfDataset(t, sink, dataset), cancel);

    /// <inheritdoc/>
    public Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel) => database.ReadAsync(t => LedgerTable.Find(t, key), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel) => database.ReadAsync(LedgerTable.Unpublished, cancel);

    /// <inheritdoc/>
    public Task<Lease?> TryLeaseAsync(NewAttempt attempt, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        database.WriteUnsyncedAsync(t =>
        {
            var lease = LedgerTable.TryLease(t, attempt, expired, seenCommittedFence, at);
            if (lease is not null) OutboxTable.Add(t, events, at);
            return lease;
        }, cancel);

    /// <inheritdoc/>
    public Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel) =>
        database.WriteUnsyncedAsync(t => leases.Count(l => LedgerTable.Heartbeat(t, l)) == leases.Count, cancel);

    /// <inheritdoc/>
    public Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel) => database.WriteUnsyncedAsync(t => LedgerTable.Stage(t, lease, staged), cancel);

    /// <inheritdoc/>
    public Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel) =>
        WriteAsync(t => LedgerTable.Commit(t, lease, version), events, version.CommittedAt, cancel);

    /// <inheritdoc/>
    public Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel) => database.WriteUnsyncedAsync(t => LedgerTable.Publish(t, key, fence, at), cancel);

    /// <inheritdoc/>
    public Task<bool> ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        WriteAsync(t => LedgerTable.Release(t, lease, state, error, at), events, at, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<OutboxEvent>> PendingAsync(int count, CancellationToken cancel) => database.ReadAsync(t => OutboxTable.Pending(t, count), cancel);

    /// <inheritdoc/>
    public Task<long> DeliveredLengthAsync(string file, CancellationToken cancel) => database.ReadAsync(t => OutboxTable.Length(t, file), cancel);

    /// <inheritdoc/>
    public Task MarkDeliveredAsync(string file, long lastId, long length, CancellationToken cancel) => database.WriteAsync(t =>
    {
        OutboxTable.Deliver(t, file, lastId, length);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return database.DisposeAsync();
    }

    // What changed nothing tells nothing.
    Task<bool> WriteAsync(Func<IDbTransaction, bool> change, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t =>
    {
        var changed = change(t);
        if (changed) OutboxTable.Add(t, events, at);
        return changed;
    }, cancel);
}
