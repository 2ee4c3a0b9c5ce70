using System.Collections.Concurrent;

namespace BatchMl.Runs;

/// <summary>Makes units of a plan: tries transient errors again, and takes a unit apart so that only the partition that is bad fails.</summary>
/// <param name="run">The run.</param>
/// <param name="step">The step's plan.</param>
/// <param name="tally">Where it is counted.</param>
/// <param name="budget">Dead letters of the step.</param>
/// <param name="changed">Receives partitions whose inputs changed under the plan.</param>
/// <param name="held">Receives partitions that other processes hold.</param>
sealed class UnitRetries(
    RunContext run, StepPlan step, StepTally tally, DeadLetterBudget budget, ConcurrentQueue<(PartitionDecision, Exception)> changed, ConcurrentQueue<(PartitionDecision, LeaseInfo?)> held)
{
    public Task MakeAsync(IReadOnlyList<PartitionDecision> unit, CancellationToken cancel) => MakeAsync(unit, 1, cancel);

    async Task MakeAsync(IReadOnlyList<PartitionDecision> unit, int tries, CancellationToken cancel)
    {
        for (; ; tries++)
        {
            var outcome = await new UnitRun(run, step, budget).RunAsync(unit, cancel);
            tally.Add(outcome);
            foreach (var other in outcome.Held) held.Enqueue(other);
            if (outcome.Error is not { } error) return;
            unit = outcome.Open;
            if (error is OperationCanceledException && cancel.IsCancellationRequested) throw error;
            if (error is InputChangedException)
            {
                foreach (var partition in unit) changed.Enqueue((partition, error));
                return;
            }
            if (RetryPolicy.KindOf(error) != FailureKind.Transient || run.Retries.After(tries) is not { } wait)
            {
                if (RetryPolicy.StopsRun(error))
                {
                    tally.Stop(error);
                    foreach (var partition in unit) tally.Fail(partition.Partition, error);
                }
                else await TakeApartAsync(unit, error, tries, cancel);
                return;
            }
            foreach (var partition in unit) run.Tell(l => l.PartitionFailed(partition.Partition, error, wait));
            await Task.Delay(wait, run.Clock, cancel);
        }
    }

    // Each alone, with the tries that are left: one at least.
    async Task TakeApartAsync(IReadOnlyList<PartitionDecision> unit, Exception error, int tries, CancellationToken cancel)
    {
        if (unit.Count == 1)
        {
            tally.Fail(unit[0].Partition, error);
            return;
        }
        foreach (var partition in unit)
        {
            if (tally.Fatal is not null) return;
            await MakeAsync([partition], tries, cancel);
        }
    }
}
