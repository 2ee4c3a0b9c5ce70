using BatchMl.Operations;

namespace BatchMl.Catalog;

/// <summary>What a server keeps, in the database of a <see cref="SqlCatalog"/>. Heartbeats and progress need not survive a power cut that ends every process.</summary>
public abstract class SqlOperations : IOperations
{
    readonly IDatabase database;

    private protected SqlOperations(IDatabase database) => this.database = database;

    /// <inheritdoc/>
    public Task<QueuedRun?> EnqueueAsync(QueuedRun run, OverlapPolicy overlap, CancellationToken cancel) => database.WriteAsync(t => QueueTable.Enqueue(t, run, overlap), cancel);

    /// <inheritdoc/>
    public Task<QueuedRun?> FindQueuedAsync(string id, CancellationToken cancel) => database.ReadAsync(t => QueueTable.Find(t, id), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<QueuedRun>> QueueAsync(QueueFilter filter, CancellationToken cancel) => database.ReadAsync(t => QueueTable.Latest(t, filter), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<QueuedRun>> PromoteAsync(DateTimeOffset now, CancellationToken cancel) => database.WriteAsync(t => QueueTable.Promote(t, now), cancel);

    /// <inheritdoc/>
    public Task<ClaimResult> ClaimAsync(string id, string holder, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t => QueueTable.Claim(t, id, holder, at), cancel);

    /// <inheritdoc/>
    public Task<QueueHeartbeat> HeartbeatAsync(string id, string holder, string? runId, CancellationToken cancel) => database.WriteUnsyncedAsync(t => QueueTable.Heartbeat(t, id, holder, runId), cancel);

    /// <inheritdoc/>
    public Task<bool> FinishQueuedAsync(string id, string holder, QueuedRunState state, string? runId, string? reason, DateTimeOffset at, CancellationToken cancel) =>
        database.WriteAsync(t => QueueTable.Finish(t, id, holder, state, runId, reason, at), cancel);

    /// <inheritdoc/>
    public Task<bool> GiveBackAsync(string id, string holder, long? heartbeat, DateTimeOffset? notBefore, string reason, CancellationToken cancel, bool isTry = true) =>
        database.WriteAsync(t => QueueTable.GiveBack(t, id, holder, heartbeat, notBefore, reason, isTry), cancel);

    /// <inheritdoc/>
    public Task<bool> CancelQueuedAsync(string id, string reason, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t => QueueTable.Cancel(t, id, reason, at), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, ScheduleState>> SchedulesAsync(CancellationToken cancel) => database.ReadAsync(ScheduleTable.All, cancel);

    /// <inheritdoc/>
    public Task AdvanceScheduleAsync(string schedule, DateTimeOffset occurrence, CancellationToken cancel) => database.WriteAsync(t =>
    {
        ScheduleTable.Advance(t, schedule, occurrence);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task PauseScheduleAsync(string schedule, string? by, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t =>
    {
        ScheduleTable.Pause(t, schedule, by, at);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task ReportAsync(RunProgress progress, CancellationToken cancel) => database.WriteUnsyncedAsync(t =>
    {
        ProgressTable.Report(t, progress);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, RunProgress>> ProgressAsync(CancellationToken cancel) => database.ReadAsync(ProgressTable.All, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<PartitionStatus>> PartitionsAsync(string? dataset, CancellationToken cancel) => database.ReadAsync(t => PartitionTable.All(t, dataset), cancel);

    /// <inheritdoc/>
    public Task<long> PartitionsVersionAsync(CancellationToken cancel) => database.ReadAsync(PartitionTable.Changes, cancel);

    /// <inheritdoc/>
    public Task<bool> NotifyAsync(Notification notification, CancellationToken cancel) => database.WriteAsync(t => NotificationTable.Add(t, notification), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Notification>> TakeNotificationsAsync(DateTimeOffset now, DateTimeOffset until, int count, CancellationToken cancel) =>
        database.WriteAsync(t => NotificationTable.Take(t, now, until, count), cancel);

    /// <inheritdoc/>
    public Task NotifiedAsync(string id, DateTimeOffset? sentAt, string? error, DateTimeOffset? nextTryAt, CancellationToken cancel) => database.WriteAsync(t =>
    {
        NotificationTable.Note(t, id, sentAt, error, nextTryAt);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Notification>> NotificationsAsync(int count, CancellationToken cancel) => database.ReadAsync(t => NotificationTable.Latest(t, count), cancel);

    /// <inheritdoc/>
    public Task<bool> AddKeyAsync(ApiKey key, CancellationToken cancel) => database.WriteAsync(t => KeyTable.Add(t, key), cancel);

    /// <inheritdoc/>
    public Task<ApiKey?> FindKeyAsync(string hash, CancellationToken cancel) => database.ReadAsync(t => KeyTable.Find(t, hash), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancel) => database.ReadAsync(KeyTable.All, cancel);

    /// <inheritdoc/>
    public Task<bool> RevokeKeyAsync(string name, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t => KeyTable.Revoke(t, name, at), cancel);

    /// <inheritdoc/>
    public Task RecordAsync(string actor, string action, string target, string detailsJson, DateTimeOffset at, CancellationToken cancel) => database.WriteAsync(t =>
    {
        AuditTable.Record(t, actor, action, target, detailsJson, at);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AuditEntry>> AuditAsync(int count, long? before, CancellationToken cancel) => database.ReadAsync(t => AuditTable.Latest(t, count, before), cancel);

    /// <inheritdoc/>
    public Task<long?> VerifyAuditAsync(CancellationToken cancel) => database.ReadAsync(AuditTable.FirstBroken, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return database.DisposeAsync();
    }
}
