using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>Finishes what runs left that ended without a word: publishes what they committed, ends their attempts and themselves, removes what they staged.</summary>
sealed class Recovery(RunContext run)
{
    const string Gone = "Its process ended before the run did.";

    readonly HashSet<PartitionKey> lost = [];
    readonly Lock gate = new();

    /// <summary>Committed partitions that can not be published any more: they have to be made again.</summary>
    public IReadOnlySet<PartitionKey> Lost => lost;

    public async Task RunAsync(CancellationToken cancel)
    {
        foreach (var group in (await run.Catalog.UnpublishedAsync(cancel)).GroupBy(e => e.Key.Sink))
        {
            // A sink that this program does not have: its own program publishes.
            if (run.Environment.Sinks.FirstOrDefault(s => s.Name == group.Key) is not { } sink) continue;
            await Parallel.ForEachAsync(group, new ParallelOptions { MaxDegreeOfParallelism = sink.Pace.AtOnce, CancellationToken = cancel }, async (entry, token) => await PublishAsync(entry.Key, sink, token));
        }
        // Attempts first: one whose run ended between the two reads was released before that.
        var attempts = await run.Catalog.OpenAttemptsAsync(cancel);
        var runs = await run.Catalog.UnfinishedRunsAsync(cancel);
        var alive = runs.Where(r => !run.Settings.IsGone(r.Holder)).Select(r => r.RunId).ToHashSet();
        foreach (var attempt in attempts.Where(a => !alive.Contains(a.RunId))) await EndAsync(attempt, cancel);
        foreach (var dead in runs.Where(r => !alive.Contains(r.RunId))) await EndAsync(dead, cancel);
    }

    async Task PublishAsync(PartitionKey key, ISink sink, CancellationToken cancel)
    {
        try
        {
            // Whoever is about it is alive, and a run need not wait for others to be done.
            await run.Publication.PublishAsync(key, sink, PublicationPace.Local.Patience, cancel);
            run.Tell(l => l.Note($"{key} was committed by a run that stopped; it is published now."));
        }
        catch (DataException e)
        {
            lock (gate) lost.Add(key);
            run.Tell(l => l.Note($"{key} was committed but can not be published, and is made again if this run is about it: {e.Message}"));
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            run.Tell(l => l.Note($"{key} is committed but not published yet: {e.Message}"));
        }
    }

    async Task EndAsync(AttemptRecord attempt, CancellationToken cancel)
    {
        var lease = new Lease(attempt.Key, attempt.Fence, attempt.RunId, attempt.AttemptId);
        await run.Catalog.ReleaseAsync(lease, AttemptState.Aborted, Gone, [OpenLineageEvents.Abort(attempt.Lineage, null, Gone, run.Now)], run.Now, cancel);
    }

    async Task EndAsync(RunRecord dead, CancellationToken cancel)
    {
        var aborted = OpenLineageEvents.Abort(RunContext.LineageOf(dead.RunId, dead.Job), null, Gone, run.Now);
        if (await run.Catalog.FinishRunAsync(dead.RunId, RunState.Aborted, Gone, null, [aborted], run.Now, cancel))
        {
            run.Tell(l => l.Note($"Run {dead.RunId} of {dead.Job} had stopped without a word; what it committed stays."));
        }
    }

    /// <summary>Removes what dead attempts staged of a plan's dataset, of any version of it. What can not be removed is left to the next run.</summary>
    public async Task CleanAsync(JobPlan plan, CancellationToken cancel)
    {
        // A version that is not scored with any more would keep what a process left that was killed at it.
        foreach (var dataset in plan.Partitions.Select(p => p.Key.Dataset).Distinct().SelectMany(d => CurrentPartitions.DatasetsOf(plan.Sink, d)).Distinct())
        {
            try
            {
                await plan.Sink.CleanAsync(dataset, (key, fence) => IsLiveAsync(key, fence, cancel), cancel);
            }
            catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
            {
                run.Tell(l => l.Note($"What attempts that failed staged of {dataset} can not be removed now: {e.Message}"));
            }
        }
    }

    // The ledger is read after the folder was seen. What is committed is taken away by its publication, which may be doing so now; a fence that the ledger does not know is not ours to judge.
    async Task<bool> IsLiveAsync(PartitionKey key, long fence, CancellationToken cancel) =>
        await run.Catalog.EntryAsync(key, cancel) is not { } entry || fence > entry.Fence || fence == entry.Lease?.Fence || fence == entry.Committed?.Staged.Fence;
}
