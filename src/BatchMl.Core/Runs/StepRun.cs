using System.Collections.Concurrent;
using BatchMl.Contracts;
using BatchMl.Data;
using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>One step of a run: plans a job, decides, and makes what is to be made in rounds; what others hold and what changed under the plan comes in a later round.</summary>
/// <param name="run">The run.</param>
/// <param name="job">The step.</param>
/// <param name="request">What was asked for.</param>
/// <param name="recovery">What was found of runs before.</param>
/// <param name="before">Waiting or NotDue: a step before this one made less than it might, so that what this one needs may not be there yet.</param>
sealed class StepRun(RunContext run, DatasetJob job, RunRequest request, Recovery recovery, DecisionKind? before)
{
    readonly UnitProgress progress = new(job.Name);
    readonly StepTally tally = new(run);
    readonly HashSet<string> waitedFor = [];
    readonly Dictionary<PartitionKey, PartitionDecision> waiting = [];
    JobPlan? plan;

    /// <summary>What ends the run rather than a partition; null: nothing.</summary>
    public Exception? Fatal => tally.Fatal;

    /// <summary>Partitions that failed, with their errors.</summary>
    public IReadOnlyCollection<(PlannedPartition Partition, Exception Error)> Failed => tally.Failed;

    /// <summary>Partitions whose inputs were not ready to the end.</summary>
    public IReadOnlyCollection<PartitionDecision> Waiting => waiting.Values;

    public async Task<StepSummary> RunAsync(CancellationToken cancel)
    {
        var started = run.Clock.GetTimestamp();
        using var span = Instruments.Span("batchml.step", job.Name);
        try
        {
            var decisions = await PlanAsync(request, cancel);
            run.Tell(l => l.StepPlanned(plan!, decisions));
            await recovery.CleanAsync(plan!, cancel);
            await MakeAsync(ToDo(decisions), cancel);
            await AwaitInputsAsync(cancel);
            if (tally.HasBrokenAttempts) await recovery.CleanAsync(plan!, cancel);
            var made = run.Clock.GetTimestamp();
            IReadOnlyList<string> notes = Fatal is null && Failed.Count == 0 && plan!.Missing.Count == 0 ? await plan.FinishAsync(run.Environment, cancel) : [];
            progress.AddTime("report", run.Clock.GetElapsedTime(made));
            if ((Fatal ?? Failed.FirstOrDefault().Error) is { } error) span.Fail(error);
            var summary = tally.Summary(job, decisions, run.Clock.GetElapsedTime(started), progress, notes) with
            {
                Waiting = [.. Waiting.Select(w => new WaitingPartition($"{w.Partition.Key.Column}={w.Partition.Key.Value}", w.Reason))],
            };
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

    /// <summary>What is to be made of what was decided; what waits is kept for later.</summary>
    IReadOnlyList<PartitionDecision> ToDo(IReadOnlyList<PartitionDecision> decisions)
    {
        foreach (var decision in decisions)
        {
            if (decision.Kind == DecisionKind.Waiting) waiting[decision.Partition.Key] = decision;
        }
        return [.. decisions.Where(d => d.Kind is DecisionKind.New or DecisionKind.Redo)];
    }

    /// <summary>While the request's time to wait is not over, plans anew what waits, and makes what is ready by then.</summary>
    async Task AwaitInputsAsync(CancellationToken cancel)
    {
        var told = new HashSet<(PartitionKey, string)>();
        while (Waiting.Any(w => w.Partition.Awaits.Count > 0) && Fatal is null && run.LeftOf(request.Wait) is { Ticks: > 0 } left)
        {
            if (!told.SetEquals(Waiting.Select(w => (w.Partition.Key, w.Reason))))
            {
                told = [.. Waiting.Select(w => (w.Partition.Key, w.Reason))];
                run.Tell(l => l.WaitingForInputs([.. Waiting], left));
            }
            // Often enough for the wait, but planning has its price.
            var look = TimeSpan.FromTicks(Math.Clamp(request.Wait.Ticks / 20, TimeSpan.TicksPerSecond, 30 * TimeSpan.TicksPerSecond));
            await Task.Delay(look < left ? look : left, run.Clock, cancel);
            IReadOnlyList<PartitionDecision> decisions;
            try
            {
                decisions = await PlanAsync(request with { Only = [.. waiting.Keys] }, cancel);
            }
            catch (Exception e) when (e is DataException or InputChangedException or IOException && run.LeftOf(request.Wait) > TimeSpan.Zero)
            {
                // A file that is still being written looks like a corrupt one.
                run.Tell(l => l.Note($"{job.Name} can not be planned now: {e.Message}"));
                continue;
            }
            waiting.Clear();
            await MakeAsync(ToDo(decisions), cancel);
        }
    }

    async Task<IReadOnlyList<PartitionDecision>> PlanAsync(RunRequest asked, CancellationToken cancel)
    {
        var started = run.Clock.GetTimestamp();
        var last = plan;
        plan = await job.PlanAsync(run.Environment, asked, cancel);
        await OutputContract.CheckAsync(job, run.Environment, asked, cancel);
        last?.Dispose();
        var decisions = await Decisions.OfAsync(plan, asked, run.Catalog, recovery.Lost, cancel);
        if (decisions.Any(d => d.Kind == DecisionKind.Unknown))
        {
            if (before is { } kind) return [.. decisions.Select(d => d.Kind == DecisionKind.Unknown ? d with { Kind = kind } : d)];
            throw new DefinitionException($"Job '{job.Name}' needs {string.Join(" and ", plan.Missing)}. Run that first, or the pipeline that has both.");
        }
        var work = decisions.Where(d => d.Kind is DecisionKind.New or DecisionKind.Redo).Select(d => d.Partition).ToArray();
        if (work.Length > 0) await plan.CheckOutputAsync(work, cancel);
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
            await MakeUnitsAsync(new UnitRetries(run, new StepPlan(plan!, request, plan!.Lineage, progress, recovery.Lost), tally, Budget, changed, others), work, cancel);
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

    async Task MakeUnitsAsync(UnitRetries retries, IReadOnlyList<PartitionDecision> work, CancellationToken cancel)
    {
        var decisions = work.ToDictionary(d => d.Partition.Key);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var options = new ParallelOptions { MaxDegreeOfParallelism = request.MaxParallel > 0 ? request.MaxParallel : Environment.ProcessorCount, CancellationToken = stop.Token };
        try
        {
            // In the plan's order: what others gave back comes in any.
            var units = plan!.Units([.. plan.Partitions.Where(p => decisions.ContainsKey(p.Key))]);
            await Parallel.ForEachAsync(request.Order == PartitionOrder.Newest ? units.Reverse() : units, options, async (unit, token) =>
            {
                await retries.MakeAsync([.. unit.Select(p => decisions[p.Key])], token);
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
        return ToDo(decisions);
    }
}
