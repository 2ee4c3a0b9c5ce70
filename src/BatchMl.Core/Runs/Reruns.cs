using System.Text.Json;
using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>What <c>retry</c> and <c>replay</c> ask for, from what the catalog has of a run.</summary>
sealed class Reruns(ICatalog catalog)
{
    public async Task<(RunRecord Run, RunRequest Request)> RetryOfAsync(string run, CancellationToken cancel)
    {
        var (record, attempts) = await FindAsync(run, cancel);
        // Of the tries at a partition the last one counts.
        var failed = attempts.GroupBy(a => a.Key).Select(g => g.MaxBy(a => a.Fence)!).Where(a => a.State is AttemptState.Failed or AttemptState.Aborted).ToArray();
        // No partition did: the plan itself failed, or the run was stopped between partitions, and so all of it is to be done.
        if (failed.Length == 0 && record.State is RunState.Failed or RunState.Aborted or RunState.Cancelled) return (record, RequestOf(record));
        var left = await NotSinceAsync(failed, (committed, attempt) => committed > attempt, cancel);
        return left.Count > 0 ? (record, RequestOf(record) with { Only = left })
            : throw new DefinitionException(failed.Length == 0
                ? $"Run {record.RunId} is {record.State.ToString().ToLowerInvariant()} and no partition of it failed; there is nothing to retry."
                : $"All partitions that failed in run {record.RunId} were made since; there is nothing to retry.");
    }

    public async Task<(RunRecord Run, RunRequest Request)> ReplayOfAsync(string run, CancellationToken cancel)
    {
        var (record, attempts) = await FindAsync(run, cancel);
        var lettered = attempts.Where(a => a.DeadLetters > 0 && a.State is AttemptState.Committed or AttemptState.Published).ToArray();
        var left = await NotSinceAsync(lettered, (committed, attempt) => committed != attempt, cancel);
        return left.Count > 0 ? (record, RequestOf(record) with { Only = left, Force = true, Scope = RunScope.All })
            : throw new DefinitionException(lettered.Length == 0
                ? $"Run {record.RunId} has no dead letters; there is nothing to replay."
                : $"All partitions of run {record.RunId} that have dead letters were made again since; replay the run that did it, if that has some too.");
    }

    async Task<(RunRecord Run, IReadOnlyList<AttemptRecord> Attempts)> FindAsync(string run, CancellationToken cancel)
    {
        var record = await catalog.FindRunAsync(run, cancel) ?? throw new DefinitionException($"There is no run '{run}'. 'status' lists the latest.");
        return (record, await catalog.AttemptsAsync(record.RunId, cancel));
    }

    /// <summary>The partitions of attempts that no later commit made superfluous.</summary>
    async Task<IReadOnlyList<PartitionKey>> NotSinceAsync(IReadOnlyList<AttemptRecord> attempts, Func<long, long, bool> isSince, CancellationToken cancel)
    {
        var left = new List<PartitionKey>();
        foreach (var attempt in attempts)
        {
            var committed = (await catalog.EntryAsync(attempt.Key, cancel))?.Committed?.Staged.Fence ?? 0;
            if (!isSince(committed, attempt.Fence)) left.Add(attempt.Key);
        }
        return left;
    }

    static RunRequest RequestOf(RunRecord record) => JsonSerializer.Deserialize(record.ArgumentsJson, RunJson.Default.RunRequest)!;
}
