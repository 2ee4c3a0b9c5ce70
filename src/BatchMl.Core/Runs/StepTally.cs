using System.Collections.Concurrent;
using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>Counts how a step goes. Thread-safe.</summary>
sealed class StepTally(RunContext run)
{
    readonly ConcurrentQueue<(PlannedPartition Partition, Exception Error)> failed = [];
    Exception? fatal;
    long rows, deadLetters;
    int made, settled;

    public Exception? Fatal => fatal;

    public IReadOnlyCollection<(PlannedPartition Partition, Exception Error)> Failed => failed;

    public int Made => made;

    /// <summary>Whether an attempt ended without a commit: it may have left something staged.</summary>
    public bool HasBrokenAttempts { get; private set; }

    /// <summary>Counts what an attempt at a unit settled for good.</summary>
    public void Add(UnitOutcome outcome)
    {
        Interlocked.Add(ref made, outcome.Made.Count);
        Interlocked.Add(ref settled, outcome.Settled.Count);
        Interlocked.Add(ref rows, outcome.Made.Sum(m => m.Staged.Rows));
        Interlocked.Add(ref deadLetters, outcome.Made.Sum(m => m.Staged.DeadLetters));
        if (outcome.Error is not null) HasBrokenAttempts = true;
        foreach (var (partition, error) in outcome.Unpublished) Fail(partition, error);
    }

    /// <summary>A partition failed for good.</summary>
    public void Fail(PlannedPartition partition, Exception error)
    {
        failed.Enqueue((partition, error));
        Instruments.Failed(partition.Key.Dataset);
        run.Tell(l => l.PartitionFailed(partition, error, null));
    }

    /// <summary>The run must stop; of several reasons the first counts.</summary>
    public void Stop(Exception error) => Interlocked.CompareExchange(ref fatal, error, null);

    public StepSummary Summary(DatasetJob job, IReadOnlyList<PartitionDecision> decisions, TimeSpan elapsed, UnitProgress progress, IReadOnlyList<string> notes) => new(
        job.Name, made, settled + decisions.Count(d => d.Kind is DecisionKind.UpToDate or DecisionKind.Frozen), decisions.Count(d => d.Kind == DecisionKind.Reported), failed.Count, rows, deadLetters,
        elapsed, progress.Times, Stages.BottleneckOf(progress.Times), notes)
    {
        NotDue = decisions.Count(d => d.Kind == DecisionKind.NotDue),
    };
}
