using BatchMl.Data;

namespace BatchMl.Operations;

/// <summary>How far a run is, as it told last.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Job">Its job.</param>
/// <param name="Step">The step it is at; null before the first.</param>
/// <param name="PartitionsDone">Partitions of the step that are made.</param>
/// <param name="Partitions">Partitions of the step that are to be made.</param>
/// <param name="Rows">Rows of the step so far.</param>
/// <param name="RowsPerSecond">Over the last while.</param>
/// <param name="DeadLetters">Dead letters of the step so far.</param>
/// <param name="Remaining">How long the step goes on for, as far as can be told.</param>
/// <param name="At">When this was so.</param>
public sealed record RunProgress(
    string RunId, string Job, string? Step, int PartitionsDone, int Partitions, long Rows, double RowsPerSecond, long DeadLetters, TimeSpan? Remaining, DateTimeOffset At);

/// <summary>How the latest attempt at a partition ended, or that it goes on.</summary>
public enum PartitionState
{
    /// <summary>Being made; see <see cref="PartitionStatus.CommittedAt"/> for whether there is a version already.</summary>
    Running,
    /// <summary>Made and visible.</summary>
    Published,
    /// <summary>Made, not visible yet.</summary>
    Committed,
    /// <summary>The latest attempt failed or was aborted; an earlier version may be there.</summary>
    Failed,
}

/// <summary>A partition in one line: what calendars and lists show of it.</summary>
/// <param name="Key">Which one.</param>
/// <param name="State">Its state.</param>
/// <param name="Rows">Rows of the committed version; 0 without one.</param>
/// <param name="DeadLetters">Its dead letters.</param>
/// <param name="CommittedAt">When that was committed; null: there is none.</param>
/// <param name="RunId">The run of the latest attempt.</param>
/// <param name="Error">Why that failed.</param>
public sealed record PartitionStatus(PartitionKey Key, PartitionState State, long Rows, long DeadLetters, DateTimeOffset? CommittedAt, string RunId, string? Error);

/// <summary>A message to somebody, on its way.</summary>
/// <param name="Id">UUID.</param>
/// <param name="DedupKey">What it is about; of two with one key only the first is sent through a channel.</param>
/// <param name="Channel">Name of the channel in the configuration.</param>
/// <param name="Kind"><c>failed</c>, <c>late</c>, <c>recovered</c>, <c>finished</c> or <c>skipped</c>.</param>
/// <param name="Subject">One line.</param>
/// <param name="Body">Text.</param>
/// <param name="DetailsJson">The same for machines.</param>
/// <param name="CreatedAt">When it came up.</param>
public sealed record Notification(string Id, string DedupKey, string Channel, string Kind, string Subject, string Body, string DetailsJson, DateTimeOffset CreatedAt)
{
    /// <summary>Tries so far.</summary>
    public int Tries { get; init; }
    /// <summary>When it is tried next; null: not any more.</summary>
    public DateTimeOffset? NextTryAt { get; init; }
    /// <summary>When it was taken by its receiver; null: not yet.</summary>
    public DateTimeOffset? SentAt { get; init; }
    /// <summary>Why the latest try failed.</summary>
    public string? Error { get; init; }
}

/// <summary>What somebody may do.</summary>
public enum AccessRole
{
    /// <summary>Look.</summary>
    Viewer,
    /// <summary>Look, and start, stop and pause things.</summary>
    Operator,
}

/// <summary>A key to the API. The key itself is known only to its owner.</summary>
/// <param name="Name">Whose.</param>
/// <param name="Hash">Hex SHA-256 of the key: keys are random and long, so a slow hash would add nothing.</param>
/// <param name="Role">What it allows.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">Since when it is void; null: it is not.</param>
public sealed record ApiKey(string Name, string Hash, AccessRole Role, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt);

/// <summary>Something that somebody did. Entries form a chain: each has the digest of the one before, so that a changed or missing entry shows.</summary>
/// <param name="Id">1, 2, 3, …</param>
/// <param name="At">When.</param>
/// <param name="Actor">Who.</param>
/// <param name="Action">What, e.g. <c>schedule.pause</c>.</param>
/// <param name="Target">To what, e.g. a schedule's name.</param>
/// <param name="DetailsJson">With what.</param>
/// <param name="Digest">Hex SHA-256 over this entry and the digest of the one before.</param>
public sealed record AuditEntry(long Id, DateTimeOffset At, string Actor, string Action, string Target, string DetailsJson, string Digest);
