using BatchMl.Lineage;
using BatchMl.Telemetry;
using Microsoft.Extensions.Logging;

namespace BatchMl.Runs;

/// <summary>How one attempt at a unit went.</summary>
sealed class UnitOutcome
{
    /// <summary>Committed and published.</summary>
    public List<PartitionResult> Made { get; } = [];
    /// <summary>Need not be made any more: another process did.</summary>
    public List<PlannedPartition> Settled { get; } = [];
    /// <summary>Held by another process, by whom as far as known.</summary>
    public List<(PartitionDecision Decision, LeaseInfo? Lease)> Held { get; } = [];
    /// <summary>Committed, but could not be made visible.</summary>
    public List<(PlannedPartition Partition, Exception Error)> Unpublished { get; } = [];
    /// <summary>Were not made, because of <see cref="Error"/>.</summary>
    public List<PartitionDecision> Open { get; } = [];
    /// <summary>Why; null: nothing is open.</summary>
    public Exception? Error { get; set; }
}

/// <summary>One attempt at one unit: lease, execute, verify, stage, commit, publish. Leases are ended whatever happens.</summary>
sealed class UnitRun(RunContext run, StepPlan step, DeadLetterBudget budget)
{
    readonly List<(PartitionDecision Decision, Lease Lease)> leased = [];
    readonly Queue<PartitionDecision> settled = new();
    readonly DeadLetterBudget letters = budget.Share();
    readonly UnitOutcome outcome = new();

    public async Task<UnitOutcome> RunAsync(IReadOnlyList<PartitionDecision> partitions, CancellationToken cancel)
    {
        var untouched = new Queue<PartitionDecision>(partitions);
        using var span = Instruments.Span("batchml.unit", step.Plan.Job.Name)?.SetTag("batchml.run_id", run.RunId).SetTag("batchml.partitions", partitions.Count);
        span?.SetTag("batchml.first_partition", partitions[0].Partition.Key.Value);
        var started = run.Clock.GetTimestamp();
        try
        {
            for (; untouched.TryPeek(out var partition); untouched.Dequeue())
            {
                cancel.ThrowIfCancellationRequested();
                await LeaseAsync(partition, cancel);
            }
            step.Progress.AddTime("lease", run.Clock.GetElapsedTime(started));
            if (leased.Count > 0) await MakeAsync(cancel);
            // Last: it may take a while, and nobody keeps leases until there is something to make under them.
            for (; settled.TryPeek(out var partition); settled.Dequeue())
            {
                await run.Publication.PublishAsync(partition.Partition.Key, step.Plan.Sink, cancel);
                outcome.Settled.Add(partition.Partition);
            }
        }
        catch (Exception e)
        {
            outcome.Error = RetryPolicy.Unwrap(e);
            span.Fail(outcome.Error);
            letters.TakeBack(outcome.Made.Sum(m => m.Staged.DeadLetters));
            outcome.Open.AddRange([.. leased.Select(l => l.Decision), .. settled, .. untouched]);
            foreach (var (decision, lease) in leased) await ReleaseAsync(decision.Partition, lease, outcome.Error);
        }
        return outcome;
    }

    async Task LeaseAsync(PartitionDecision decision, CancellationToken cancel)
    {
        var key = decision.Partition.Key;
        var entry = await run.Catalog.EntryAsync(key, cancel);
        if ((entry?.Committed?.Staged.Fence ?? 0) != decision.SeenFence)
        {
            // Another process committed a version since the decision. If that is what we would make, it is done, forced or not.
            decision = await Decisions.OfAsync(step.Plan, decision.Partition, entry, step.Request with { Force = false }, step.Lost, cancel);
            if (decision.Kind is not (DecisionKind.New or DecisionKind.Redo))
            {
                settled.Enqueue(decision);
                return;
            }
        }
        if (entry?.Lease is { } held && !run.Watch.IsExpired(key, held))
        {
            outcome.Held.Add((decision, held));
            return;
        }
        // A catalog that was begun anew goes on behind the fences of the old one.
        var visible = entry is null ? (await step.Plan.Sink.ReadManifestAsync(key, cancel))?.Partition.Fence ?? 0 : 0;
        var at = run.Now;
        var attempt = Guid.CreateVersion7(at).ToString();
        var identity = run.LineageOf(attempt, step.Plan.Job, decision.Partition);
        List<string> events = [OpenLineageEvents.Start(identity, step.Lineage, at)];
        if (entry?.Lease is { } dead) events.Insert(0, OpenLineageEvents.Abort(dead.Lineage, null, "Its process ended, or stopped for longer than its lease.", at));
        var lease = await run.Catalog.TryLeaseAsync(
            new NewAttempt(key, run.RunId, attempt, run.Settings.Holder, identity, run.Settings.Ttl.TotalSeconds, visible), entry?.Lease, decision.SeenFence, events, at, cancel);
        if (lease is null) outcome.Held.Add((decision, null));
        else leased.Add((decision, lease));
    }

    async Task MakeAsync(CancellationToken cancel)
    {
        await using var keeper = new LeaseKeeper(run.Catalog, [.. leased.Select(l => l.Lease)], run.Settings.Ttl, run.Clock, cancel);
        var unit = new UnitOfWork(run.RunId, [.. leased.Select(l => new PartitionAttempt(l.Decision.Partition, l.Lease.Fence))], letters, step.Progress, run.Now);
        run.Tell(l => l.UnitStarted(unit));
        IReadOnlyList<PartitionResult> results;
        try
        {
            results = await step.Plan.ExecuteAsync(unit, keeper.Token);
        }
        catch (Exception e) when (keeper.IsLost)
        {
            throw new LeaseLostException($"Another process took over {leased[0].Decision.Partition.Key} or a partition made with it; nothing of this attempt counts ({e.Message}).");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // An input that was written over while it was read fails in any way, also as corrupt: what it is now decides.
            step.Plan.VerifyInputs();
            throw;
        }
        var made = leased.Select(l => (l.Decision, l.Lease, Result: Result(results, l.Lease))).ToArray();
        var started = run.Clock.GetTimestamp();
        step.Plan.VerifyInputs();
        step.Progress.AddTime("verify", run.Clock.GetElapsedTime(started));
        using var slots = new SemaphoreSlim(step.Plan.Sink.Pace.AtOnce);
        var publications = new List<Task>();
        try
        {
            foreach (var (decision, lease, result) in made)
            {
                await slots.WaitAsync(CancellationToken.None);
                // Of a run that stops no more is committed, be it asked to or by an error.
                cancel.ThrowIfCancellationRequested();
                if (budget.IsExceeded) throw new DeadLetterLimitException("The run has more dead letters than allowed; this partition was open when that was found, and does not commit.");
                if (publications.Find(p => p.IsFaulted) is { } failed) await failed;
                if (await CommitAsync(decision, lease, result, keeper)) publications.Add(PublishAsync(decision.Partition, result, slots));
                else slots.Release();
            }
        }
        finally
        {
            await Task.WhenAll(publications);
        }
    }

    PartitionResult Result(IReadOnlyList<PartitionResult> results, Lease lease) =>
        results.FirstOrDefault(r => r.Staged.Key == lease.Key && r.Staged.Fence == lease.Fence) ?? throw new BatchMlException(
            $"Job '{step.Plan.Job.Name}' was to make {lease.Key} under fence {lease.Fence}, but gave {string.Join(", ", results.Select(r => $"{r.Staged.Key} under fence {r.Staged.Fence}"))}. Its plan's ExecuteAsync is wrong.",
            FailureKind.Bug);

    // The order of design section 7: staged, then committed with its event in one transaction, then published. Once begun it is not cancelled. False: another process committed.
    async Task<bool> CommitAsync(PartitionDecision decision, Lease lease, PartitionResult result, LeaseKeeper keeper)
    {
        var (partition, at, started) = (decision.Partition, run.Now, run.Clock.GetTimestamp());
        var complete = OpenLineageEvents.Complete(run.LineageOf(lease.AttemptId, step.Plan.Job, partition), step.Lineage, result, replaces: decision.SeenFence > 0, at);
        var committed = await run.Catalog.StageAsync(lease, result.Staged, CancellationToken.None)
            && await run.Catalog.CommitAsync(lease, new CommittedVersion(result.Staged, partition.Fingerprint!, run.RunId, at), [complete], CancellationToken.None);
        step.Progress.AddTime("commit", run.Clock.GetElapsedTime(started));
        leased.Remove((decision, lease));
        keeper.Drop(lease);
        if (!committed)
        {
            outcome.Held.Add((decision, null));
            return false;
        }
        outcome.Made.Add(result);
        Instruments.Committed(step.Plan.Job.Name, result.Staged.Rows, result.Staged.DeadLetters);
        return true;
    }

    // Beside others, where the sink likes that; an error that does not stop the run is kept.
    async Task PublishAsync(PlannedPartition partition, PartitionResult result, SemaphoreSlim slots)
    {
        var started = run.Clock.GetTimestamp();
        try
        {
            await PublishAsync(partition);
            run.Tell(l => l.PartitionCommitted(partition, result));
        }
        catch (Exception e) when (!RetryPolicy.StopsRun(e))
        {
            lock (outcome.Unpublished) outcome.Unpublished.Add((partition, new BatchMlException($"{partition.Key} is committed but could not be made visible: {e.Message} The next run tries it again.", FailureKind.Permanent, e)));
        }
        finally
        {
            step.Progress.AddTime("publish", run.Clock.GetElapsedTime(started));
            slots.Release();
        }
    }

    async Task PublishAsync(PlannedPartition partition)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await run.Publication.PublishAsync(partition.Key, step.Plan.Sink, CancellationToken.None);
                return;
            }
            catch (Exception e) when (RetryPolicy.KindOf(e) == FailureKind.Transient && run.Retries.After(tries) is { } wait)
            {
                run.Tell(l => l.PartitionFailed(partition, e, wait));
                await Task.Delay(wait, run.Clock, CancellationToken.None);
            }
        }
    }

    async Task ReleaseAsync(PlannedPartition partition, Lease lease, Exception error)
    {
        var (identity, at) = (run.LineageOf(lease.AttemptId, step.Plan.Job, partition), run.Now);
        var reason = error is OperationCanceledException ? "The run stopped before this was done." : error.Message;
        var aborted = error is OperationCanceledException or LeaseLostException;
        var ended = aborted ? OpenLineageEvents.Abort(identity, step.Lineage, reason, at) : OpenLineageEvents.Fail(identity, step.Lineage, reason, error.StackTrace, at);
        try
        {
            await run.Catalog.ReleaseAsync(lease, aborted ? AttemptState.Aborted : AttemptState.Failed, reason, [ended], at, CancellationToken.None);
        }
        catch (BatchMlException e)
        {
            // The lease expires, and the next run's recovery tells its end.
            run.Logger.LogWarning(e, "The lease of {Partition} could not be given back", partition.Key);
        }
    }
}
