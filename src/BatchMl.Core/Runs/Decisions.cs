using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>What is done with each partition of a plan, and why.</summary>
static class Decisions
{
    public static async Task<IReadOnlyList<PartitionDecision>> OfAsync(JobPlan plan, RunRequest request, ICatalog catalog, CancellationToken cancel)
    {
        var known = plan.Partitions.Count == 0 ? []
            : (await catalog.LedgerAsync(plan.Sink.Name, plan.Partitions[0].Key.Dataset, cancel)).ToDictionary(e => e.Key);
        var decisions = new List<PartitionDecision>();
        foreach (var partition in plan.Partitions) decisions.Add(await DecideAsync(plan, partition, known.GetValueOrDefault(partition.Key), request.Force, cancel));
        return decisions;
    }

    public static async Task<PartitionDecision> DecideAsync(JobPlan plan, PlannedPartition partition, LedgerEntry? entry, bool force, CancellationToken cancel)
    {
        if (partition.Fingerprint is null) return new(partition, DecisionKind.Unknown, $"after {string.Join(" and ", plan.Missing)}");
        if (entry?.Committed is not { } committed) return new(partition, DecisionKind.New, "not made yet");
        if (force) return new(partition, DecisionKind.Redo, "forced");
        if (entry.IsPublished && await plan.Sink.ReadManifestAsync(partition.Key, cancel) is null) return new(partition, DecisionKind.Redo, "its files are gone");
        if (committed.Fingerprint == partition.Fingerprint) return new(partition, DecisionKind.UpToDate, "unchanged");
        var changes = partition.Fingerprint.ChangesSince(committed.Fingerprint);
        return plan.Job.Policy switch
        {
            ChangePolicy.Restate => new(partition, DecisionKind.Redo, changes),
            ChangePolicy.Freeze => new(partition, DecisionKind.Frozen, changes),
            _ => new(partition, DecisionKind.Reported, $"{changes}; policy report: kept as it is, --force makes it again"),
        };
    }
}
