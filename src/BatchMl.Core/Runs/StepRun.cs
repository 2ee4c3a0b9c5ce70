using System.Collections.Concurrent;

namespace BatchMl.Runs;

/// <summary>One step of a run: plans a job, decides, and makes what is to be made, unit by unit, several at once.</summary>
sealed class StepRun(RunContext run, DatasetJob job, DeadLetterBudget deadLetters)
{
    readonly ConcurrentBag<PartitionResult> made = [];
    readonly ConcurrentQueue<Exception> errors = [];
    readonly UnitProgress progress = new();
    int skippedByOthers, failed;

    /// <summary>The first error that ends the run rather than a partition; null: none.</summary>
    public Exception? Fatal { get; private set; }

    /// <summary>Errors of partitions.</summary>
    public IReadOnlyCollection<Exception> Errors => errors;

    public async Task<StepSummary> RunAsync(RunRequest request, CancellationToken cancel)
    {
        var started = run.Environment.Clock.GetTimestamp();
        var plan = await job.PlanAsync(run.Environment, request, cancel);
        try
        {
            if (plan.Missing.Count > 0) throw new DefinitionException($"Job '{job.Name}' needs {string.Join(" and ", plan.Missing)}. Run that first, or the pipeline that has both.");
            var decisions = await Decisions.OfAsync(plan, request, run.Catalog, cancel);
            run.Tell(l => l.StepPlanned(plan, decisions));
            progress.AddTime("plan", run.Environment.Clock.GetElapsedTime(started));
            await new Recovery(run).CleanAsync(plan, cancel);
            var todo = decisions.Where(d => d.Kind is DecisionKind.New or DecisionKind.Redo).Select(d => d.Partition).ToArray();
            plan = await MakeAsync(plan, todo, request, cancel);
            IReadOnlyList<string> notes = Fatal is null && errors.IsEmpty ? await plan.FinishAsync(run.Environment, !made.IsEmpty, cancel) : [];
            var summary = new StepSummary(
                job.Name, made.Count, decisions.Count - todo.Length - decisions.Count(d => d.Kind == DecisionKind.Reported) + skippedByOthers, decisions.Count(d => d.Kind == DecisionKind.Reported), failed,
                made.Sum(m => m.Staged.Rows), made.Sum(m => m.Staged.DeadLetters), run.Environment.Clock.GetElapsedTime(started), progress.Times, notes);
            run.Tell(l => l.StepFinished(summary));
            return summary;
        }
        finally
        {
            plan.Dispose();
        }
    }

    async Task<JobPlan> MakeAsync(JobPlan plan, IReadOnlyList<PlannedPartition> todo, RunRequest request, CancellationToken cancel)
    {
        // Inputs that changed under the plan: plan again and do what is left, as often as a transient error is tried.
        for (var attempt = 1; ; attempt++)
        {
            var changed = await MakeUnitsAsync(plan, todo, request, cancel);
            if (changed.Count == 0 || Fatal is not null) return plan;
            if (run.Retries.After(attempt) is not { } wait)
            {
                foreach (var (partition, error) in changed) Fail(partition, error);
                return plan;
            }
            foreach (var (partition, error) in changed) run.Tell(l => l.PartitionFailed(partition, error, wait));
            await Task.Delay(wait, run.Environment.Clock, cancel);
            plan.Dispose();
            plan = await job.PlanAsync(run.Environment, request, cancel);
            var left = changed.Select(c => c.Partition.Key).ToHashSet();
            todo = [.. plan.Partitions.Where(p => left.Contains(p.Key))];
        }
    }

    async Task<IReadOnlyList<(PlannedPartition Partition, Exception Error)>> MakeUnitsAsync(JobPlan plan, IReadOnlyList<PlannedPartition> todo, RunRequest request, CancellationToken cancel)
    {
        var changed = new ConcurrentQueue<(PlannedPartition, Exception)>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var options = new ParallelOptions { MaxDegreeOfParallelism = request.MaxParallel > 0 ? request.MaxParallel : Environment.ProcessorCount, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForEachAsync(plan.Units(todo), options, async (unit, token) =>
            {
                foreach (var left in await MakeUnitAsync(plan, unit, token)) changed.Enqueue(left);
                await run.Outbox.DeliverAsync(CancellationToken.None);
                if (Fatal is not null) await stop.CancelAsync();
            });
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Stopped by a fatal error, which is kept.
        }
        return [.. changed];
    }

    /// <summary>Makes a unit, trying transient errors again; returns partitions whose inputs changed.</summary>
    async Task<IReadOnlyList<(PlannedPartition, Exception)>> MakeUnitAsync(JobPlan plan, IReadOnlyList<PlannedPartition> unit, CancellationToken cancel)
    {
        var left = unit;
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await new UnitRun(run, plan, deadLetters, progress).RunAsync(left, cancel);
            foreach (var result in outcome.Made) made.Add(result);
            Interlocked.Add(ref skippedByOthers, outcome.Skipped);
            if (outcome.Error is not { } error) return [];
            left = [.. left.Where(p => outcome.Made.All(m => m.Staged.Key != p.Key))];
            if (error is OperationCanceledException && cancel.IsCancellationRequested) throw error;
            if (error is InputChangedException) return [.. left.Select(p => (p, error))];
            switch (error is DeadLetterLimitException ? FailureKind.Bug : RetryPolicy.KindOf(error))
            {
                case FailureKind.Transient when run.Retries.After(attempt) is { } wait:
                    foreach (var partition in left) run.Tell(l => l.PartitionFailed(partition, error, wait));
                    await Task.Delay(wait, run.Environment.Clock, cancel);
                    break;
                case FailureKind.Bug:
                    Fatal ??= error;
                    foreach (var partition in left) Fail(partition, error);
                    return [];
                default:
                    return await MakeSinglyAsync(plan, left, error, cancel);
            }
        }
    }

    // One bad partition must not take its neighbours with it: they are tried each by itself.
    async Task<IReadOnlyList<(PlannedPartition, Exception)>> MakeSinglyAsync(JobPlan plan, IReadOnlyList<PlannedPartition> left, Exception error, CancellationToken cancel)
    {
        if (left.Count == 1)
        {
            Fail(left[0], error);
            return [];
        }
        var changed = new List<(PlannedPartition, Exception)>();
        foreach (var partition in left)
        {
            changed.AddRange(await MakeUnitAsync(plan, [partition], cancel));
            if (Fatal is not null) break;
        }
        return changed;
    }

    void Fail(PlannedPartition partition, Exception error)
    {
        Interlocked.Increment(ref failed);
        errors.Enqueue(error);
        run.Tell(l => l.PartitionFailed(partition, error, null));
    }
}
