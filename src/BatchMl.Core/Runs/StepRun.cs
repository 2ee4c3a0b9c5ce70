using System.Collections.Concurrent;
using BatchMl.Data;
using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>One step of a run: plans a job, decides, and makes what is to be made in rounds; what others hold and what changed under the plan comes in a later round.</summary>
sealed class StepRun(RunContext run, DatasetJob job, RunRequest request, Recovery recovery)
{
    readonly UnitProgress progress = new(job.Name);
    readonly StepTally tally = new(run);
    readonly HashSet<string> waitedFor = [];
    JobPlan? plan;

    /// <summary>What ends the run rather than a partition; null: nothing.</summary>
    public Exception? Fatal => tally.Fatal;

    /// <summary>Partitions that failed, with their errors.</summary>
    public IReadOnlyCollection<(PlannedPartition Partition, Exception Error)> Failed => tally.Failed;

    public async Task<StepSummary> RunAsync(CancellationToken cancel)
    {
        var started = run.Clock.GetTimestamp();
        using var span = Instruments.Span("batchml.step", job.Name);
        try
        {
            var decisions = await PlanAsync(request, cancel);
            run.Tell(l => l.StepPlanned(plan!, decisions));
            await recovery.CleanAsync(plan!, cancel);
            await MakeAsync([.. decisions.Where(IsToDo)], cancel);
            if (tally.HasBrokenAttempts) await recovery.CleanAsync(plan!, cancel);
            var made = run.Clock.GetTimestamp();
            IReadOnlyList<string> notes = Fatal is null && Failed.Count == 0 ? await plan!.FinishAsync(run.Environment, cancel) : [];
            progress.AddTime("report", run.Clock.GetElapsedTime(made));
            if ((Fatal ?? Failed.FirstOrDefault().Error) is { } error) span.Fail(error);
            var summary = tally.Summary(job, decisions, run.Clock.GetElapsedTime(started), progress, notes);
            run.Tell(l => l.StepFinished(summary));
            return summary;
        }
        catch (Exception) when (plan is not null && tally.HasBrokenAttempts)
        {
            // Inputs that changed may leave nothing to plan with; what was staged from them goes all the same.
            await recovery.CleanAsync(plan, CancellationToken.None);
            throw;
        }
        finally
        {
            plan?.Dispose();
        }
    }

    static bool IsToDo(PartitionDecision decision) => decision.Kind is DecisionKind.New or DecisionKind.Redo;

    async Task<IReadOnlyList<PartitionDecision>> PlanAsync(RunRequest asked, CancellationToken cancel)
    {
        var started = run.Clock.GetTimestamp();
        var before = plan;
        plan = await job.PlanAsync(run.Environment, asked, cancel);
        before?.Dispose();
        var decisions = await Decisions.OfAsync(plan, asked, run.Catalog, recovery.Lost, cancel);
        if (plan.Missing.Count > 0 && decisions.Count > 0)
        {
            throw new DefinitionException($"Job '{job.Name}' needs {string.Join(" and ", plan.Missing)}. Run that first, or the pipeline that has both.");
        }
        progress.AddTime("plan", run.Clock.GetElapsedTime(started));
        return decisions;
    }

    async Task MakeAsync(IReadOnlyList<PartitionDecision> work, CancellationToken cancel)
    {
        var held = new List<PartitionDecision>();
        for (var replans = 1; work.Count > 0;)
        {
            var changed = new ConcurrentQueue<(PartitionDecision Decision, Exception Error)>();
            var others = new ConcurrentQueue<(PartitionDecision Decision, LeaseInfo? Lease)>();
            await MakeUnitsAsync(new UnitRetries(run, new StepPlan(plan!, plan!.Lineage, progress, recovery.Lost), tally, Budget, changed, others), work, cancel);
            if (Fatal is not null) return;
            held.AddRange(others.Select(o => o.Decision));
            foreach (var (decision, lease) in others) TellWaiting(decision, lease);
            if (changed.IsEmpty) work = await ReadyAsync(held, cancel);
            else if (run.Retries.After(replans++) is { } wait)
            {
                foreach (var (decision, error) in changed) run.Tell(l => l.PartitionFailed(decision.Partition, error, wait));
                await Task.Delay(wait, run.Clock, cancel);
                work = await ReplanAsync([.. changed.Select(c => c.Decision), .. held], cancel);
                held.Clear();
            }
            else
            {
                foreach (var (decision, error) in changed) tally.Fail(decision.Partition, error);
                work = await ReadyAsync(held, cancel);
            }
        }
    }

    DeadLetterBudget Budget => field ??= new DeadLetterBudget(request.DeadLetterLimit ?? job.DeadLetterLimit);

    async Task MakeUnitsAsync(UnitRetries units, IReadOnlyList<PartitionDecision> work, CancellationToken cancel)
    {
        var decisions = work.ToDictionary(d => d.Partition.Key);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var options = new ParallelOptions { MaxDegreeOfParallelism = request.MaxParallel > 0 ? request.MaxParallel : Environment.ProcessorCount, CancellationToken = stop.Token };
        try
        {
            // In the plan's order: what others gave back comes in any.
            var inOrder = plan!.Partitions.Where(p => decisions.ContainsKey(p.Key));
            await Parallel.ForEachAsync(plan.Units([.. inOrder]), options, async (unit, token) =>
            {
                await units.MakeAsync([.. unit.Select(p => decisions[p.Key])], token);
                if (Fatal is not null) await stop.CancelAsync();
                else await run.DeliverAsync(o => o.DeliverIfDueAsync(token));
            });
        }
        catch (OperationCanceledException) when (Fatal is not null)
        {
            // Stopped by the error that is kept.
        }
    }

    /// <summary>Waits until a partition that another process held can be looked at again, and takes those that can out of <paramref name="held"/>.</summary>
    async Task<IReadOnlyList<PartitionDecision>> ReadyAsync(List<PartitionDecision> held, CancellationToken cancel)
    {
        while (held.Count > 0)
        {
            var known = new Dictionary<PartitionKey, LedgerEntry>();
            foreach (var dataset in held.Select(h => h.Partition.Key.Dataset).Distinct())
            {
                foreach (var entry in await run.Catalog.LedgerAsync(plan!.Sink.Name, dataset, cancel)) known[entry.Key] = entry;
            }
            var ready = held.Where(h => known.GetValueOrDefault(h.Partition.Key)?.Lease is not { } lease || run.Watch.IsExpired(h.Partition.Key, lease)).ToArray();
            held.RemoveAll(ready.Contains);
            if (ready.Length > 0) return ready;
            foreach (var h in held) TellWaiting(h, known[h.Partition.Key].Lease);
            await Task.Delay(run.Settings.Look, run.Clock, cancel);
        }
        return [];
    }

    void TellWaiting(PartitionDecision decision, LeaseInfo? lease)
    {
        if (lease is not null && waitedFor.Add(lease.RunId)) run.Tell(l => l.WaitingFor(decision.Partition, lease));
    }

    // The new plan may see other inputs, and other partitions too; only what was left is done.
    async Task<IReadOnlyList<PartitionDecision>> ReplanAsync(IReadOnlyList<PartitionDecision> left, CancellationToken cancel)
    {
        var decisions = await PlanAsync(request with { Only = [.. left.Select(l => l.Partition.Key)] }, cancel);
        foreach (var gone in left.Where(l => decisions.All(d => d.Partition.Key != l.Partition.Key)))
        {
            run.Tell(l => l.Note($"{gone.Partition.Key} is no longer in the inputs, which changed while they were read; it was not made."));
        }
        return [.. decisions.Where(IsToDo)];
    }
}
