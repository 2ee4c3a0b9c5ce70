using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>Finishes what runs left that ended without a word: publishes what was committed, closes their runs and attempts, removes their staging.</summary>
sealed class Recovery(RunContext run)
{
    public async Task RunAsync(IReadOnlyList<DatasetJob> steps, CancellationToken cancel)
    {
        foreach (var entry in await run.Catalog.UnpublishedAsync(cancel))
        {
            if (run.Publication.SinkOf(entry.Key.Sink) is not { } sink) continue;
            // Its own process may be about to publish it; the lock and the ledger make that harmless.
            await run.Publication.PublishAsync(entry.Key, sink, cancel);
            run.Tell(l => l.Note($"finished what a stopped run left: published {entry.Key}"));
        }
        await CloseRunsAsync(cancel);
    }

    async Task CloseRunsAsync(CancellationToken cancel)
    {
        foreach (var gone in (await run.Catalog.RecentRunsAsync(1_000, cancel)).Where(r => r.State == RunState.Running && r.RunId != run.RunId && Holder.IsGone(r.Holder)))
        {
            var identity = new LineageRun(gone.RunId, gone.Job, null, null, null, null, null, null, null);
            const string reason = "its process ended before the run did";
            foreach (var attempt in (await run.Catalog.AttemptsAsync(gone.RunId, cancel)).Where(a => a.State is AttemptState.Planned or AttemptState.Leased or AttemptState.Staged))
            {
                var lease = new Lease(attempt.Key, attempt.Fence, attempt.RunId, attempt.AttemptId);
                var aborted = AbortOf(new LeaseInfo(attempt.Fence, attempt.RunId, attempt.AttemptId, gone.Holder, 0, 0), attempt.Key, attempt.Key.Dataset, run.Now);
                await run.Catalog.ReleaseAsync(lease, AttemptState.Aborted, reason, [aborted], run.Now, cancel);
            }
            await run.Catalog.FinishRunAsync(gone.RunId, RunState.Aborted, reason, null, run.Now, cancel);
            await run.Catalog.EnqueueAsync([OpenLineageEvents.Abort(identity, null, reason, run.Now)], cancel);
        }
    }

    /// <summary>Removes staging folders of a dataset whose attempts no longer exist.</summary>
    public async Task CleanAsync(JobPlan plan, CancellationToken cancel)
    {
        if (plan.Partitions.Count == 0) return;
        var dataset = plan.Partitions[0].Key.Dataset;
        var live = (await run.Catalog.LedgerAsync(plan.Sink.Name, dataset, cancel))
            .SelectMany(e => new[] { (e.Key, Fence: e.Lease?.Fence ?? 0), (e.Key, Fence: e.IsPublished ? 0 : e.Committed?.Staged.Fence ?? 0) }).ToHashSet();
        await plan.Sink.CleanAsync(dataset, (key, fence) => live.Contains((key, fence)), cancel);
    }

    /// <summary>The ABORT of an attempt whose holder is gone or stopped.</summary>
    public static string AbortOf(LeaseInfo lease, PartitionKey key, string job, DateTimeOffset at) => OpenLineageEvents.Abort(
        new LineageRun(lease.AttemptId, job, lease.RunId, job, null, null, null, null, $"{key.Column}={key.Value}"), null, "its process ended, or stopped for longer than its lease", at);
}
