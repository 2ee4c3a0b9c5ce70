using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>What is done with each partition of a plan, and why.</summary>
static class Decisions
{
    /// <summary>Decides about all partitions of a plan that the request asks for; <paramref name="lost"/>: committed, but recovery could not publish them.</summary>
    public static async Task<IReadOnlyList<PartitionDecision>> OfAsync(JobPlan plan, RunRequest request, ICatalog catalog, IReadOnlySet<PartitionKey> lost, CancellationToken cancel)
    {
        var only = request.Only.Count == 0 ? null : request.Only.ToHashSet();
        var asked = plan.Partitions.Where(p => only is null || only.Contains(p.Key)).ToArray();
        var known = new Dictionary<PartitionKey, LedgerEntry>();
        foreach (var dataset in asked.Select(p => p.Key.Dataset).Distinct())
        {
            foreach (var entry in await catalog.LedgerAsync(plan.Sink.Name, dataset, cancel)) known[entry.Key] = entry;
        }
        var decisions = new List<PartitionDecision>(asked.Length);
        foreach (var partition in asked) decisions.Add(await OfAsync(plan, partition, known.GetValueOrDefault(partition.Key), request.Force, lost, cancel));
        return decisions;
    }

    /// <summary>Decides about one partition from what the ledger has of it.</summary>
    public static async Task<PartitionDecision> OfAsync(JobPlan plan, PlannedPartition partition, LedgerEntry? entry, bool force, IReadOnlySet<PartitionKey> lost, CancellationToken cancel)
    {
        var seen = entry?.Committed?.Staged.Fence ?? 0;
        if (partition.Fingerprint is null) return new(partition, DecisionKind.Unknown, $"needs {string.Join(" and ", plan.Missing)}", seen);
        if (entry?.Committed is not { } committed) return new(partition, DecisionKind.New, "not made yet", seen);
        if (force) return new(partition, DecisionKind.Redo, "forced", seen);
        // Committed and not yet published is not gone: whoever runs next publishes it.
        if (lost.Contains(partition.Key) || entry.IsPublished && !await plan.Sink.IsVisibleAsync(partition.Key, cancel)) return new(partition, DecisionKind.Redo, "its files are gone", seen);
        var changes = partition.Fingerprint.ChangesSince(committed.Fingerprint);
        if (changes.Length == 0) return new(partition, DecisionKind.UpToDate, "unchanged", seen);
        return plan.Job.Policy switch
        {
            ChangePolicy.Restate => new(partition, DecisionKind.Redo, changes, seen),
            ChangePolicy.Freeze => new(partition, DecisionKind.Frozen, $"{changes}; frozen", seen),
            _ => new(partition, DecisionKind.Reported, $"{changes}; kept as it is", seen),
        };
    }
}
