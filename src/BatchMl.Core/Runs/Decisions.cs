using System.Globalization;
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
        var (known, current) = (new Dictionary<PartitionKey, LedgerEntry>(), new Dictionary<string, LedgerEntry>(StringComparer.Ordinal));
        foreach (var dataset in asked.Select(p => p.Key.Dataset).Distinct())
        {
            foreach (var entry in await catalog.LedgerAsync(plan.Sink.Name, dataset, cancel)) known[entry.Key] = entry;
            if (CurrentPartitions.DatasetsOf(plan.Sink, dataset).All(d => d == dataset)) continue;
            foreach (var entry in await CurrentPartitions.OfAsync(catalog, plan.Sink, dataset, cancel)) current[entry.Key.Value] = entry;
        }
        var decisions = new List<PartitionDecision>(asked.Length);
        foreach (var partition in asked)
        {
            var entry = known.GetValueOrDefault(partition.Key);
            var other = current.GetValueOrDefault(partition.Key.Value) is { } c && c.Key != partition.Key ? c : null;
            // What another version has is what readers see until this one is made.
            var seen = entry?.Committed is null ? other ?? entry : entry;
            if (!IsInScope(request.Scope, partition, entry, seen)) continue;
            var decision = await OfAsync(plan, partition, entry, request, lost, cancel);
            decisions.Add(other is null ? decision : decision with
            {
                Reason = $"{decision.Reason}; {other.Key.Dataset}{(seen == other ? " has it, and keeps it" : ", committed later, is current")}", IsAffected = IsAffected(partition, seen),
            });
        }
        return decisions;
    }

    static bool IsInScope(RunScope scope, PlannedPartition partition, LedgerEntry? entry, LedgerEntry? seen) => scope switch
    {
        // The latest fence was given to an attempt that is over and did not commit.
        RunScope.Failed => entry is { Lease: null } && entry.Fence > (entry.Committed?.Staged.Fence ?? 0),
        RunScope.Affected => IsAffected(partition, seen),
        _ => true,
    };

    /// <summary>Whether a partition was made and its inputs changed since.</summary>
    public static bool IsAffected(PlannedPartition partition, LedgerEntry? entry) =>
        entry?.Committed is { } made && partition.Fingerprint is { } now && now.Inputs != made.Fingerprint.Inputs;

    /// <summary>Decides about one partition from what the ledger has of it.</summary>
    public static async Task<PartitionDecision> OfAsync(JobPlan plan, PlannedPartition partition, LedgerEntry? entry, RunRequest request, IReadOnlySet<PartitionKey> lost, CancellationToken cancel)
    {
        var seen = entry?.Committed?.Staged.Fence ?? 0;
        if (request.Due is { } due && partition.NominalEnd + plan.Job.DueAfter is { } time && time > due) return new(partition, DecisionKind.NotDue, $"due at {Instant(time)}", seen);
        if (partition.Fingerprint is null && plan.Missing.Count > 0) return new(partition, DecisionKind.Unknown, $"needs {string.Join(" and ", plan.Missing)}", seen);
        if (partition.Fingerprint is null && entry?.Committed is not null) return new(partition, DecisionKind.Reported, "its rows are gone from the source; kept as it is", seen);
        var decision = (await WhenReadyAsync(plan, partition, entry, request, lost, cancel)) with { IsAffected = IsAffected(partition, entry) };
        return decision.Kind is DecisionKind.New or DecisionKind.Redo && partition.Awaits.Count > 0
            ? decision with { Kind = DecisionKind.Waiting, Reason = string.Join("; ", partition.Awaits) } : decision;
    }

    static async Task<PartitionDecision> WhenReadyAsync(JobPlan plan, PlannedPartition partition, LedgerEntry? entry, RunRequest request, IReadOnlySet<PartitionKey> lost, CancellationToken cancel)
    {
        if (entry?.Committed is not { } committed) return new(partition, DecisionKind.New, "not made yet", 0);
        var seen = committed.Staged.Fence;
        if (request.Force) return new(partition, DecisionKind.Redo, "forced", seen);
        // Committed and not yet published is not gone: whoever runs next publishes it.
        if (lost.Contains(partition.Key) || entry.IsPublished && !await plan.Sink.IsVisibleAsync(partition.Key, cancel)) return new(partition, DecisionKind.Redo, "its files are gone", seen);
        var changes = partition.Fingerprint!.ChangesSince(committed.Fingerprint);
        if (changes.Length == 0) return new(partition, DecisionKind.UpToDate, "unchanged", seen);
        return plan.Job.Policy switch
        {
            ChangePolicy.Freeze => new(partition, DecisionKind.Frozen, $"{changes}; frozen", seen),
            _ when plan.Job.Policy == ChangePolicy.Restate || request.Scope == RunScope.Affected => new(partition, DecisionKind.Redo, changes, seen),
            _ => new(partition, DecisionKind.Reported, $"{changes}; kept as it is", seen),
        };
    }

    static string Instant(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
