using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>How a run stands.</summary>
public enum RunState
{
    /// <summary>Begun; its process may be gone.</summary>
    Running,
    /// <summary>All was done, or nothing was to do.</summary>
    Completed,
    /// <summary>Something failed; see the error.</summary>
    Failed,
    /// <summary>Stopped by the user.</summary>
    Cancelled,
    /// <summary>Its process died; a later run found it.</summary>
    Aborted,
}

/// <summary>A run as the catalog keeps it. Once finished it is immutable.</summary>
public sealed record RunRecord(
    string RunId, string Job, string Verb, string ArgumentsJson, RunState State, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, string? Error, string? SummaryJson,
    string Holder, string? ParentRunId);

/// <summary>Where an attempt at a partition stands; only ever forward.</summary>
public enum AttemptState
{
    /// <summary>In the plan of a run.</summary>
    Planned,
    /// <summary>Being made.</summary>
    Leased,
    /// <summary>Files are durable.</summary>
    Staged,
    /// <summary>Decided: this version counts.</summary>
    Committed,
    /// <summary>Visible to readers.</summary>
    Published,
    /// <summary>Ended with an error.</summary>
    Failed,
    /// <summary>Its run died or lost the lease.</summary>
    Aborted,
}

/// <summary>One attempt, for <c>status</c>.</summary>
public sealed record AttemptRecord(
    PartitionKey Key, long Fence, string RunId, string AttemptId, AttemptState State, long Rows, long DeadLetters, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, string? Error);

/// <summary>What the ledger holds of a partition.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Fence">The greatest fence token given out.</param>
/// <param name="Lease">Who holds it; null: nobody.</param>
/// <param name="Committed">The version that counts; null: none yet.</param>
/// <param name="IsPublished">Whether the committed version is known to be visible; false after a crash between commit and publication.</param>
public sealed record LedgerEntry(PartitionKey Key, long Fence, LeaseInfo? Lease, CommittedVersion? Committed, bool IsPublished);

/// <summary>A committed version.</summary>
public sealed record CommittedVersion(StagedPartition Staged, Fingerprint Fingerprint, string RunId, DateTimeOffset CommittedAt);

/// <summary>Who holds a lease, as others see it.</summary>
/// <param name="Fence">Its token.</param>
/// <param name="RunId">Its run.</param>
/// <param name="AttemptId">Its attempt (UUID, the lineage run id).</param>
/// <param name="Holder">Machine, boot, pid and start time of the process; lets an observer on the same machine see that it is gone.</param>
/// <param name="Heartbeat">A counter. A lease has expired when it has not changed for the ttl on the observer's own monotonic clock.</param>
/// <param name="TtlSeconds">The ttl.</param>
public sealed record LeaseInfo(long Fence, string RunId, string AttemptId, string Holder, long Heartbeat, double TtlSeconds);

/// <summary>A lease that was got.</summary>
public sealed record Lease(PartitionKey Key, long Fence, string RunId, string AttemptId);

/// <summary>A lineage event that waits to be delivered.</summary>
/// <param name="Id">Order of delivery.</param>
/// <param name="Json">The event, one line.</param>
public sealed record OutboxEvent(long Id, string Json);

/// <summary>
/// Runs, ledger, leases and outbox: one store, every method one transaction. States move forward only. Safe for use by several processes and threads.
/// Methods throw <see cref="BatchMlException"/> of kind Transient when the store is busy for longer than its time-out.
/// </summary>
public interface ICatalog : IAsyncDisposable
{
    /// <summary>Records the start of a run.</summary>
    Task StartRunAsync(RunRecord run, CancellationToken cancel);
    /// <summary>Ends a run. Ending a finished run changes nothing.</summary>
    Task FinishRunAsync(string runId, RunState state, string? error, string? summaryJson, DateTimeOffset at, CancellationToken cancel);
    /// <summary>A run by id or unique prefix; null id: the latest.</summary>
    Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel);
    /// <summary>The latest runs, newest first.</summary>
    Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel);
    /// <summary>A run's attempts, in order.</summary>
    Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel);

    /// <summary>All partitions of a dataset.</summary>
    Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel);
    /// <summary>One partition; null if it was never leased.</summary>
    Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel);
    /// <summary>Committed partitions that may not be visible yet, of all datasets.</summary>
    Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel);

    /// <summary>
    /// Takes the lease of a partition that nobody holds, or takes it over from <paramref name="expired"/> if that is still exactly what is held. Gives the next fence token, marks the
    /// attempt before as aborted, and puts events into the outbox in the same transaction.
    /// </summary>
    /// <returns>The lease; null: somebody else holds it, or the partition's committed version changed since <paramref name="seenCommittedFence"/> (0: none).</returns>
    Task<Lease?> TryLeaseAsync(
        PartitionKey key, string runId, string attemptId, string holder, double ttlSeconds, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Counts the heartbeat up; false: the lease is lost.</summary>
    Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel);
    /// <summary>Marks the attempt staged; false: the lease is lost.</summary>
    Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel);
    /// <summary>
    /// Compare-and-set on the fence token: makes the staged version the committed one, ends the lease and puts the events into the outbox, in one transaction. False: the lease is lost and nothing changed.
    /// </summary>
    Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel);
    /// <summary>Notes that a committed version is visible.</summary>
    Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Ends a lease without a commit, with the events.</summary>
    Task ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel);

    /// <summary>Puts events into the outbox.</summary>
    Task EnqueueAsync(IReadOnlyList<string> events, CancellationToken cancel);
    /// <summary>Events not delivered to the file of this name yet, in order, and the length that the file had after the last delivery.</summary>
    Task<(IReadOnlyList<OutboxEvent> Events, long Offset)> PendingAsync(string file, CancellationToken cancel);
    /// <summary>Notes what was delivered and the file's new length, in one transaction.</summary>
    Task MarkDeliveredAsync(string file, long lastId, long offset, CancellationToken cancel);
}
