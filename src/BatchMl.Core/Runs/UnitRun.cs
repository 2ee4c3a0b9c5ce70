using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>How a unit ended.</summary>
/// <param name="Made">Committed and published.</param>
/// <param name="Skipped">Another process made them meanwhile.</param>
/// <param name="Error">Why the rest was not made; null: all was.</param>
sealed record UnitOutcome(IReadOnlyList<PartitionResult> Made, int Skipped, Exception? Error);

/// <summary>One attempt at one unit: lease, execute, verify, stage, commit, publish.</summary>
sealed class UnitRun(RunContext run, JobPlan plan, DeadLetterBudget deadLetters, UnitProgress progress)
{
    readonly List<(PlannedPartition Partition, Lease Lease, bool Replaces)> held = [];

    public async Task<UnitOutcome> RunAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel)
    {
        var made = new List<PartitionResult>();
        var skipped = 0;
        try
        {
            foreach (var partition in partitions)
            {
                if (await LeaseAsync(partition, cancel) is { } got) held.Add(got);
                else skipped++;
            }
            if (held.Count > 0) await MakeAsync(made, cancel);
            return new UnitOutcome(made, skipped, null);
        }
        catch (Exception e)
        {
            await ReleaseAsync(e);
            return new UnitOutcome(made, skipped, e);
        }
    }

    async Task MakeAsync(List<PartitionResult> made, CancellationToken cancel)
    {
        await using var keeper = new LeaseKeeper(run.Catalog, [.. held.Select(h => h.Lease)], run.Environment.Clock, cancel);
        var unit = new UnitOfWork(run.RunId, [.. held.Select(h => new PartitionAttempt(h.Partition, h.Lease.Fence))], deadLetters, progress, run.Now);
        run.Tell(l => l.UnitStarted(unit));
        IReadOnlyList<PartitionResult> results;
        try
        {
            results = await plan.ExecuteAsync(unit, keeper.Token);
        }
        catch (OperationCanceledException) when (keeper.IsLost)
        {
            throw new LeaseLostException($"Another process took over {held[0].Partition.Key}; nothing of this attempt counts.");
        }
        plan.VerifyInputs();
        var started = run.Environment.Clock.GetTimestamp();
        foreach (var result in results)
        {
            var (partition, lease, replaces) = held.First(h => h.Partition.Key == result.Staged.Key);
            await CommitAsync(partition, lease, replaces, result, cancel);
            held.RemoveAll(h => h.Lease == lease);
            made.Add(result);
        }
        progress.AddTime("commit", run.Environment.Clock.GetElapsedTime(started));
    }

    // From here on the order of design section 7: staged, committed with the event in one transaction, then published.
    async Task CommitAsync(PlannedPartition partition, Lease lease, bool replaces, PartitionResult result, CancellationToken cancel)
    {
        var at = run.Now;
        var complete = OpenLineageEvents.Complete(run.LineageOf(lease.AttemptId, plan.Job, partition), plan.Lineage, result, replaces, at);
        if (!await run.Catalog.StageAsync(lease, result.Staged, cancel)
            || !await run.Catalog.CommitAsync(lease, new CommittedVersion(result.Staged, partition.Fingerprint!, run.RunId, at), [complete], cancel))
        {
            throw new LeaseLostException($"Another process took over {partition.Key} before it was committed; nothing of this attempt counts.");
        }
        // Decided: what follows is finished even when the run is being cancelled, or else by recovery.
        await run.Publication.PublishAsync(partition.Key, plan.Sink, CancellationToken.None);
        run.Tell(l => l.PartitionCommitted(partition, result));
    }

    async Task ReleaseAsync(Exception error)
    {
        foreach (var (partition, lease, _) in held)
        {
            var identity = run.LineageOf(lease.AttemptId, plan.Job, partition);
            var (state, ended) = error is OperationCanceledException or LeaseLostException
                ? (AttemptState.Aborted, OpenLineageEvents.Abort(identity, plan.Lineage, error is LeaseLostException ? error.Message : "the run was cancelled", run.Now))
                : (AttemptState.Failed, OpenLineageEvents.Fail(identity, plan.Lineage, error.Message, error.StackTrace, run.Now));
            await run.Catalog.ReleaseAsync(lease, state, error.Message, [ended], run.Now, CancellationToken.None);
        }
        held.Clear();
    }

    /// <summary>Takes a lease, waiting for whoever holds it; null: the partition needs not be made any more.</summary>
    async Task<(PlannedPartition, Lease, bool)?> LeaseAsync(PlannedPartition partition, CancellationToken cancel)
    {
        var watch = new LeaseWatch(run.Environment.Clock);
        var seen = await run.Catalog.EntryAsync(partition.Key, cancel);
        var committedAtPlan = seen?.Committed?.Staged.Fence ?? 0;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var committed = seen?.Committed?.Staged.Fence ?? 0;
            // Somebody else committed it while we waited: if it is what we would make, it is done.
            if (committed != committedAtPlan && seen!.Committed!.Fingerprint == partition.Fingerprint) return null;
            if (seen?.Lease is null || watch.IsExpired(seen.Lease))
            {
                var attemptId = Guid.CreateVersion7(run.Now).ToString();
                var identity = run.LineageOf(attemptId, plan.Job, partition);
                var events = new List<string>();
                if (seen?.Lease is { } dead) events.Add(Recovery.AbortOf(dead, partition.Key, plan.Job.Name, run.Now));
                events.Add(OpenLineageEvents.Start(identity, plan.Lineage, run.Now));
                var lease = await run.Catalog.TryLeaseAsync(
                    partition.Key, run.RunId, attemptId, Holder.Self, LeaseKeeper.Ttl.TotalSeconds, seen?.Lease, committed, events, run.Now, cancel);
                if (lease is not null) return (partition, lease, committed > 0);
            }
            else if (watch.IsNew(seen.Lease)) run.Tell(l => l.WaitingFor(partition, seen.Lease));
            await Task.Delay(TimeSpan.FromMilliseconds(100), run.Environment.Clock, cancel);
            seen = await run.Catalog.EntryAsync(partition.Key, cancel);
        }
    }
}

/// <summary>Judges on this process's own monotonic clock whether somebody else's lease has expired.</summary>
sealed class LeaseWatch(TimeProvider clock)
{
    LeaseInfo? last;
    long since;

    /// <summary>True the first time that this lease is looked at.</summary>
    public bool IsNew(LeaseInfo lease) => told.Add(lease.AttemptId);

    readonly HashSet<string> told = [];

    public bool IsExpired(LeaseInfo lease)
    {
        if (Holder.IsGone(lease.Holder)) return true;
        if (lease != last) (last, since) = (lease, clock.GetTimestamp());
        return clock.GetElapsedTime(since).TotalSeconds >= lease.TtlSeconds;
    }
}
