namespace BatchMl.Operations;

/// <summary>Where a queued run stands.</summary>
public enum QueuedRunState
{
    /// <summary>May not begin yet: for <see cref="QueuedRun.NotBefore"/>, another run of its schedule, the run that it comes after, or room in its group.</summary>
    Waiting,
    /// <summary>A worker may take it.</summary>
    Queued,
    /// <summary>A worker has it.</summary>
    Running,
    /// <summary>Done.</summary>
    Succeeded,
    /// <summary>Failed for good; see the reason.</summary>
    Failed,
    /// <summary>Stopped by somebody, or by the run that came after it.</summary>
    Cancelled,
    /// <summary>Never begun: its schedule's policy left it out; see the reason.</summary>
    Skipped,
}

/// <summary>What happens when a run of a schedule is asked for while another one of it is not over.</summary>
public enum OverlapPolicy
{
    /// <summary>The new one is left out.</summary>
    Skip,
    /// <summary>It waits for its turn. The default.</summary>
    Queue,
    /// <summary>The one before is cancelled, then the new one begins.</summary>
    CancelPrevious,
}

/// <summary>A run that was asked for, by a schedule or a person, and what became of it.</summary>
public sealed record QueuedRun
{
    /// <summary>UUID version 7, made by who asks: asking twice with one id is asking once.</summary>
    public required string Id { get; init; }
    /// <summary>The job's name.</summary>
    public required string Job { get; init; }
    /// <summary><c>run</c>, <c>backfill</c>, <c>retry</c> or <c>replay</c>.</summary>
    public required string Verb { get; init; }
    /// <summary>A <see cref="Runs.RunRequest"/> as JSON; ignored for <c>retry</c> and <c>replay</c>.</summary>
    public required string RequestJson { get; init; }
    /// <summary>The run that <c>retry</c> and <c>replay</c> take up.</summary>
    public string? TargetRunId { get; init; }
    /// <summary>Which workers take it: <c>train</c>, <c>score</c> or <c>monitor</c>.</summary>
    public required string Queue { get; init; }
    /// <summary>Runs of one group do not all go at once; null: no such limit.</summary>
    public string? Group { get; init; }
    /// <summary>How many of its group may run at once.</summary>
    public int GroupLimit { get; init; } = 1;
    /// <summary>The schedule that asked; null: a person did.</summary>
    public string? Schedule { get; init; }
    /// <summary>The instant for which the schedule asked. A schedule asks once for each.</summary>
    public DateTimeOffset? Occurrence { get; init; }
    /// <summary>The queued run that must have succeeded first; null: none.</summary>
    public string? After { get; init; }
    /// <summary>Earliest begin.</summary>
    public DateTimeOffset? NotBefore { get; init; }
    /// <summary>How often it is tried again after a failure; default 0.</summary>
    public int Retries { get; init; }
    /// <summary>Longest time of one try; null: none.</summary>
    public TimeSpan? TimeLimit { get; init; }
    /// <summary>Who asked.</summary>
    public required string RequestedBy { get; init; }
    /// <summary>When.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>Where it stands.</summary>
    public QueuedRunState State { get; init; }
    /// <summary>Why it waits, failed, was cancelled or left out.</summary>
    public string? Reason { get; init; }
    /// <summary>Tries begun.</summary>
    public int Tries { get; init; }
    /// <summary>The run of its latest try, once that has one.</summary>
    public string? RunId { get; init; }
    /// <summary>The process that has it, as <see cref="Runs.LeaseInfo.Holder"/>; null: none.</summary>
    public string? Holder { get; init; }
    /// <summary>A counter. Its holder is lost when this has not changed for a while on the observer's own clock.</summary>
    public long Heartbeat { get; init; }
    /// <summary>Somebody wants it to stop.</summary>
    public bool IsCancelRequested { get; init; }
    /// <summary>Begin of the latest try.</summary>
    public DateTimeOffset? StartedAt { get; init; }
    /// <summary>When it was over.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Whether nothing more will become of it.</summary>
    public bool IsOver => State is QueuedRunState.Succeeded or QueuedRunState.Failed or QueuedRunState.Cancelled or QueuedRunState.Skipped;
}

/// <summary>Which queued runs.</summary>
/// <param name="States">In one of these states; empty: any.</param>
/// <param name="Schedule">Of this schedule; null: any.</param>
/// <param name="Job">Of this job; null: any.</param>
/// <param name="Limit">At most so many, the latest asked for.</param>
public sealed record QueueFilter(IReadOnlyList<QueuedRunState> States, string? Schedule = null, string? Job = null, int Limit = 1_000);

/// <summary>What came of taking a queued run.</summary>
public enum ClaimResult
{
    /// <summary>It is the caller's now.</summary>
    Claimed,
    /// <summary>Its group has as many running as it may; it stays queued.</summary>
    GroupIsFull,
    /// <summary>It does not wait for a worker: somebody has it, or it is over.</summary>
    NotQueued,
}

/// <summary>What a worker is told at a heartbeat.</summary>
/// <param name="IsHeld">Whether the run is still the caller's; if not, it must stop and change nothing.</param>
/// <param name="IsCancelRequested">Whether somebody wants it to stop.</param>
public sealed record QueueHeartbeat(bool IsHeld, bool IsCancelRequested);

/// <summary>What is kept of a schedule beside its file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LastOccurrence">The latest instant that was dealt with; null: none yet.</param>
/// <param name="PausedBy">Who paused it; null: it is not paused.</param>
/// <param name="PausedAt">When.</param>
public sealed record ScheduleState(string Name, DateTimeOffset? LastOccurrence, string? PausedBy, DateTimeOffset? PausedAt);
