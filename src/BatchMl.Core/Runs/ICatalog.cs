using BatchMl.Data;
using BatchMl.Lineage;

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

/// <summary>One attempt.</summary>
/// <param name="Key">The partition.</param>
/// <param name="Fence">The token it was given.</param>
/// <param name="RunId">Its run.</param>
/// <param name="AttemptId">UUID; the lineage run id.</param>
/// <param name="Holder">The process that made it, see <see cref="LeaseInfo"/>.</param>
/// <param name="Lineage">Whose event its START was, so that whoever finds it dead can tell its end.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Rows">Rows staged.</param>
/// <param name="DeadLetters">Dead letters staged.</param>
/// <param name="StartedAt">When it got the lease.</param>
/// <param name="FinishedAt">When it was committed, published, failed or aborted; null while open.</param>
/// <param name="Error">Why it ended without a commit.</param>
public sealed record AttemptRecord(
    PartitionKey Key, long Fence, string RunId, string AttemptId, string Holder, LineageRun Lineage, AttemptState State, long Rows, long DeadLetters, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt,
    string? Error);

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
/// <param name="Lineage">Whose event its START was.</param>
/// <param name="Heartbeat">A counter. A lease has expired when it has not changed for the ttl on the observer's own monotonic clock.</param>
/// <param name="TtlSeconds">The ttl.</param>
public sealed record LeaseInfo(long Fence, string RunId, string AttemptId, string Holder, LineageRun Lineage, long Heartbeat, double TtlSeconds);

/// <summary>An attempt that wants the lease of a partition.</summary>
/// <param name="Key">The partition.</param>
/// <param name="RunId">The run.</param>
/// <param name="AttemptId">UUID of the attempt.</param>
/// <param name="Holder">This process, as <see cref="LeaseInfo.Holder"/>.</param>
/// <param name="Lineage">The attempt's identity in lineage.</param>
/// <param name="TtlSeconds">After how many seconds without a heartbeat the lease expires.</param>
/// <param name="AfterFence">Its fence shall be greater than this one too, which is visible in the sink although this catalog may not know of it; 0: nothing is.</param>
public sealed record NewAttempt(PartitionKey Key, string RunId, string AttemptId, string Holder, LineageRun Lineage, double TtlSeconds, long AfterFence);

/// <summary>A lease that was got.</summary>
public sealed record Lease(PartitionKey Key, long Fence, string RunId, string AttemptId);

/// <summary>A lineage event that waits to be delivered.</summary>
/// <param name="Id">Order of delivery; greater than that of every event put in before.</param>
/// <param name="At">When it was put in; decides the file it goes to, however late that is.</param>
/// <param name="Json">The event, one line.</param>
public sealed record OutboxEvent(long Id, DateTimeOffset At, string Json);

/// <summary>
/// Runs, ledger, leases and outbox: one store, every method one transaction. States move forward only. Safe for use by several processes and threads.
/// Methods throw <see cref="BatchMlException"/> of kind Transient when the store is busy for longer than its time-out, and <see cref="DataException"/> when it is corrupt or of a newer version.
/// </summary>
public interface ICatalog : IAsyncDisposable
{
    /// <summary>Records the start of a run, with its events.</summary>
    Task StartRunAsync(RunRecord run, IReadOnlyList<string> events, CancellationToken cancel);
    /// <summary>Ends a run, with its events. False: it had ended before and nothing changed.</summary>
    Task<bool> FinishRunAsync(string runId, RunState state, string? error, string? summaryJson, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel);
    /// <summary>A run by id or unique prefix; null id: the latest.</summary>
    /// <exception cref="DefinitionException">Several runs begin so.</exception>
    Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel);
    /// <summary>The latest runs, newest first.</summary>
    Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel);
    /// <summary>Runs that have not ended; their process may be gone.</summary>
    Task<IReadOnlyList<RunRecord>> UnfinishedRunsAsync(CancellationToken cancel);
    /// <summary>A run's attempts, in order.</summary>
    Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel);
    /// <summary>Attempts of all runs that hold a lease; their process may be gone.</summary>
    Task<IReadOnlyList<AttemptRecord>> OpenAttemptsAsync(CancellationToken cancel);

    /// <summary>All partitions of a dataset that were ever leased, in order of value.</summary>
    Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel);
    /// <summary>One partition; null if it was never leased.</summary>
    Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel);
    /// <summary>Committed partitions that may not be visible yet, of all datasets.</summary>
    Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel);

    /// <summary>
    /// Takes the lease of a partition that nobody holds, or takes it over from <paramref name="expired"/> if that is still exactly what is held, heartbeat included. Gives the next fence token, marks the
    /// attempt before as aborted, and puts events into the outbox in the same transaction.
    /// </summary>
    /// <returns>The lease; null: somebody else holds it, or the partition's committed version is no longer that of fence <paramref name="seenCommittedFence"/> (0: none). Then nothing changed.</returns>
    Task<Lease?> TryLeaseAsync(NewAttempt attempt, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Counts the heartbeats up; false: at least one of the leases is lost.</summary>
    Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel);
    /// <summary>Marks the attempt staged; false: the lease is lost and nothing changed.</summary>
    Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel);
    /// <summary>
    /// Compare-and-set on the fence token: makes the staged version the committed one, ends the lease and puts the events into the outbox, in one transaction. False: the lease is lost, or the attempt
    /// was not marked staged, and nothing changed.
    /// </summary>
    Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel);
    /// <summary>Notes that the committed version of this fence is visible. Changes nothing if another version is committed by now.</summary>
    Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel);
    /// <summary>Ends a lease without a commit, as failed or aborted, with the events. False: the lease had ended before and nothing changed.</summary>
    Task<bool> ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel);

    /// <summary>The next events that are in no file yet, in order.</summary>
    Task<IReadOnlyList<OutboxEvent>> PendingAsync(int count, CancellationToken cancel);
    /// <summary>The length that a file had after the last delivery to it; 0 without one.</summary>
    Task<long> DeliveredLengthAsync(string file, CancellationToken cancel);
    /// <summary>Notes that all events up to an id are delivered, the latest of them to this file, and its new length.</summary>
    Task MarkDeliveredAsync(string file, long lastId, long length, CancellationToken cancel);
}
