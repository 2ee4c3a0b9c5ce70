namespace BatchMl.Operations;

/// <summary>
/// What a server keeps beside runs and ledger: the queue of runs, schedules, progress, notifications, keys, and who did what. In the same store as the catalog; every method is one transaction. Safe for use by
/// several processes and threads. Errors are those of <see cref="Runs.ICatalog"/>.
/// </summary>
public interface IOperations : IAsyncDisposable
{
    /// <summary>
    /// Puts a run into the queue, as Waiting or Queued as given. While another run of its schedule is not over, <paramref name="overlap"/> decides: Skip records it as Skipped, Queue lets it wait, CancelPrevious asks all others to stop (those not
    /// begun are Cancelled at once) and lets it wait.
    /// </summary>
    /// <returns>The run as it was recorded; null: its id, or its schedule's occurrence, is there already and nothing changed.</returns>
    Task<QueuedRun?> EnqueueAsync(QueuedRun run, OverlapPolicy overlap, CancellationToken cancel);
    /// <summary>A queued run by its id.</summary>
    Task<QueuedRun?> FindQueuedAsync(string id, CancellationToken cancel);
    /// <summary>Queued runs, those asked for last first.</summary>
    Task<IReadOnlyList<QueuedRun>> QueueAsync(QueueFilter filter, CancellationToken cancel);
    /// <summary>
    /// Lets all Waiting runs whose time has come be Queued: <see cref="QueuedRun.NotBefore"/> is over, the run before has succeeded (it is Skipped if that ended otherwise), no earlier run of its schedule is open, its group has room (those
    /// Queued count too). One that somebody wants to stop is Cancelled. Records for the others why they wait; where it is for a time, the reason of whoever set that stays. Returns those that are Queued now and were not before.
    /// </summary>
    Task<IReadOnlyList<QueuedRun>> PromoteAsync(DateTimeOffset now, CancellationToken cancel);
    /// <summary>Takes a queued run for a worker: Running, one try more. At most one caller gets it. Its group's limit is held here, among those Running.</summary>
    Task<ClaimResult> ClaimAsync(string id, string holder, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Counts the heartbeat up and notes which run it is, if that is known by now.</summary>
    Task<QueueHeartbeat> HeartbeatAsync(string id, string holder, string? runId, CancellationToken cancel);
    /// <summary>Ends a running run. False: it is not the holder's any more and nothing changed.</summary>
    Task<bool> FinishQueuedAsync(string id, string holder, QueuedRunState state, string? runId, string? reason, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Gives a running run back, to wait until <paramref name="notBefore"/> (null: no longer than its turn). <paramref name="heartbeat"/>: only if it still stands so, as when its holder is lost; null: whatever it is. <paramref name="isTry"/> false: it could not try, as when an input was not ready, and that is not counted. One that somebody wants to stop is Cancelled at the next <see cref="PromoteAsync"/>. False: nothing changed.</summary>
    Task<bool> GiveBackAsync(string id, string holder, long? heartbeat, DateTimeOffset? notBefore, string reason, CancellationToken cancel, bool isTry = true);
    /// <summary>Wants a run to stop: one that has not begun is Cancelled at once. False: it is over already.</summary>
    Task<bool> CancelQueuedAsync(string id, string reason, DateTimeOffset at, CancellationToken cancel);

    /// <summary>What is known of schedules, by name; those that never ran and were never paused are absent.</summary>
    Task<IReadOnlyDictionary<string, ScheduleState>> SchedulesAsync(CancellationToken cancel);
    /// <summary>Notes that all occurrences up to an instant are dealt with. Never goes back.</summary>
    Task AdvanceScheduleAsync(string schedule, DateTimeOffset occurrence, CancellationToken cancel);
    /// <summary>Pauses a schedule, or lets it go on (<paramref name="by"/> null).</summary>
    Task PauseScheduleAsync(string schedule, string? by, DateTimeOffset at, CancellationToken cancel);

    /// <summary>Notes how far a run is; forgotten when the run ends. Of a run that the catalog does not know as running nothing is noted.</summary>
    Task ReportAsync(RunProgress progress, CancellationToken cancel);
    /// <summary>How far all runs are that have not ended, by run id.</summary>
    Task<IReadOnlyDictionary<string, RunProgress>> ProgressAsync(CancellationToken cancel);
    /// <summary>All partitions that were ever leased, of one dataset (null: of all), in order of sink, dataset and value. One light line each: there may be a hundred thousand.</summary>
    Task<IReadOnlyList<PartitionStatus>> PartitionsAsync(string? dataset, CancellationToken cancel);
    /// <summary>A number that changes whenever what <see cref="PartitionsAsync"/> says may have changed, so that it need not be asked again.</summary>
    Task<long> PartitionsVersionAsync(CancellationToken cancel);

    /// <summary>Puts a notification on its way. Its first try is at <see cref="Notification.NextTryAt"/>, or at once. False: one with its channel and key is there.</summary>
    Task<bool> NotifyAsync(Notification notification, CancellationToken cancel);
    /// <summary>Takes notifications whose time has come, for one try, which is counted: nobody else gets them before <paramref name="until"/>.</summary>
    Task<IReadOnlyList<Notification>> TakeNotificationsAsync(DateTimeOffset now, DateTimeOffset until, int count, CancellationToken cancel);
    /// <summary>Notes how a try went: sent, or failed and to be tried again, or (both null) given up. One that was sent stays so.</summary>
    Task NotifiedAsync(string id, DateTimeOffset? sentAt, string? error, DateTimeOffset? nextTryAt, CancellationToken cancel);
    /// <summary>The latest notifications, newest first.</summary>
    Task<IReadOnlyList<Notification>> NotificationsAsync(int count, CancellationToken cancel);

    /// <summary>Adds a key. False: its name is taken by one that is not revoked, or the key itself is there.</summary>
    Task<bool> AddKeyAsync(ApiKey key, CancellationToken cancel);
    /// <summary>The key with a hash, if it is not revoked.</summary>
    Task<ApiKey?> FindKeyAsync(string hash, CancellationToken cancel);
    /// <summary>All keys, revoked ones too.</summary>
    Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancel);
    /// <summary>Makes a key void. False: there is none of that name.</summary>
    Task<bool> RevokeKeyAsync(string name, DateTimeOffset at, CancellationToken cancel);

    /// <summary>Records what somebody did.</summary>
    Task RecordAsync(string actor, string action, string target, string detailsJson, DateTimeOffset at, CancellationToken cancel);
    /// <summary>The latest entries, newest first; <paramref name="before"/>: only older ones than this id.</summary>
    Task<IReadOnlyList<AuditEntry>> AuditAsync(int count, long? before, CancellationToken cancel);
    /// <summary>The id of the first entry that is not what was recorded, or follows a gap, or the id that should follow the last one; null: the chain is whole.</summary>
    Task<long?> VerifyAuditAsync(CancellationToken cancel);
}
