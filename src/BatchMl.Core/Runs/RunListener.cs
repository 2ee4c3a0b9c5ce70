using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>Told of everything in a run; may stop nothing (what it throws is logged and dropped). Called from several threads.</summary>
public abstract class RunListener
{
    /// <summary>A run begins.</summary>
    public virtual void RunStarted(string runId, string job) { }
    /// <summary>A step of it (a dataset job) is planned; <paramref name="decisions"/> has every partition of the plan.</summary>
    public virtual void StepPlanned(JobPlan plan, IReadOnlyList<PartitionDecision> decisions) { }
    /// <summary>A unit begins.</summary>
    public virtual void UnitStarted(UnitOfWork unit) { }
    /// <summary>A partition was committed and published.</summary>
    public virtual void PartitionCommitted(PlannedPartition partition, PartitionResult result) { }
    /// <summary>A partition failed for good, or will be tried again in <paramref name="retryIn"/>.</summary>
    public virtual void PartitionFailed(PlannedPartition partition, Exception error, TimeSpan? retryIn) { }
    /// <summary>A partition is held by another run and is waited for; told once per such run.</summary>
    public virtual void WaitingFor(PlannedPartition partition, LeaseInfo lease) { }
    /// <summary>Partitions wait for inputs that are not ready, and the run waits with them for <paramref name="left"/> at most; told again only when other ones do.</summary>
    public virtual void WaitingForInputs(IReadOnlyList<PartitionDecision> waiting, TimeSpan left) { }
    /// <summary>A line for the person watching (training rounds, recovery).</summary>
    public virtual void Note(string line) { }
    /// <summary>A step is over.</summary>
    public virtual void StepFinished(StepSummary summary) { }
    /// <summary>The run is over.</summary>
    public virtual void RunFinished(RunSummary summary) { }
}

/// <summary>What is done with a partition, and why.</summary>
public enum DecisionKind
{
    /// <summary>Not there yet.</summary>
    New,
    /// <summary>There, but made again: its fingerprint changed and the policy is restate, or it was forced.</summary>
    Redo,
    /// <summary>Fingerprint unchanged.</summary>
    UpToDate,
    /// <summary>Changed, but the policy is to report only.</summary>
    Reported,
    /// <summary>Changed, but frozen.</summary>
    Frozen,
    /// <summary>Can not be decided before an earlier step has run.</summary>
    Unknown,
    /// <summary>To be made, but an input of it is not ready.</summary>
    Waiting,
    /// <summary>Its time has not come.</summary>
    NotDue,
}

/// <summary>A partition with what is done about it.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Reason">Why.</param>
/// <param name="SeenFence">Fence of the committed version that the decision is about; 0: there is none.</param>
public sealed record PartitionDecision(PlannedPartition Partition, DecisionKind Kind, string Reason, long SeenFence)
{
    /// <summary>Whether it was made and its inputs changed since; a changed model or definition alone does not count.</summary>
    public bool IsAffected { get; init; }
}

/// <summary>How a step went.</summary>
/// <param name="Job">Its name.</param>
/// <param name="Done">Partitions made.</param>
/// <param name="Skipped">Partitions that are up to date or frozen.</param>
/// <param name="Reported">Partitions that changed and were kept.</param>
/// <param name="Failed">Partitions that failed.</param>
/// <param name="Rows">Rows of the partitions made, dead letters left out.</param>
/// <param name="DeadLetters">Their dead letters.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="StageTimes">Where the time went, in the order in which data flows.</param>
/// <param name="BoundBy">The stage that the step would be faster without; null: nothing took any time.</param>
/// <param name="Notes">Lines for a person.</param>
public sealed record StepSummary(
    string Job, int Done, int Skipped, int Reported, int Failed, long Rows, long DeadLetters, TimeSpan Elapsed, IReadOnlyList<StageTime> StageTimes, Bottleneck? BoundBy, IReadOnlyList<string> Notes)
{
    /// <summary>Partitions that were not made because an input was not ready.</summary>
    public IReadOnlyList<WaitingPartition> Waiting { get; init; } = [];

    /// <summary>Partitions whose time had not come.</summary>
    public int NotDue { get; init; }
}

/// <summary>A partition that waits.</summary>
/// <param name="Partition">E.g. <c>flight_date=2013-10-01</c>.</param>
/// <param name="Reason">For what.</param>
public sealed record WaitingPartition(string Partition, string Reason);

/// <summary>How a run went.</summary>
public sealed record RunSummary(string RunId, string Job, RunState State, string? Error, TimeSpan Elapsed, IReadOnlyList<StepSummary> Steps, int ExitCode)
{
    /// <summary>Whether all that it failed of is that inputs of some partitions were not ready: the same run again, later, makes them.</summary>
    public bool IsWaiting { get; init; }

    /// <summary>The same when the catalog could not be told: what was committed counts, but the run did not end well.</summary>
    internal RunSummary NotRecorded(BatchMlException why)
    {
        var told = $"The end of the run could not be recorded: {why.Message} The next run takes it for one that stopped; what was committed stays.";
        return this with { State = RunState.Failed, Error = Error is null ? told : $"{Error}{Environment.NewLine}{told}", ExitCode = Math.Max(ExitCode, 1) };
    }
}
