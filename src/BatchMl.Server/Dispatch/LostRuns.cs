using System.Globalization;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Server.Dispatch;

/// <summary>Gives back runs whose process is gone: known at once on the same machine, otherwise when the heartbeat has stood still for its time on this process's own clock.</summary>
sealed class LostRuns(IOperations operations, TimeProvider clock, DispatchSettings settings)
{
    // A run that takes its server down with it would do so for ever.
    const int MostTries = 5;

    readonly Dictionary<string, (string? Holder, long Heartbeat, long Since)> seen = [];

    /// <summary>Looks at all that runs. Returns those that it ended.</summary>
    public async Task<IReadOnlyList<QueuedRun>> ReturnAsync(IReadOnlyList<QueuedRun> running, DateTimeOffset now, CancellationToken cancel)
    {
        foreach (var gone in seen.Keys.Except(running.Select(r => r.Id)).ToArray()) seen.Remove(gone);
        var ended = new List<QueuedRun>();
        foreach (var run in running)
        {
            if (!IsLost(run)) continue;
            if (run.Tries < Math.Max(MostTries, run.Retries + 1)) await operations.GiveBackAsync(run.Id, run.Holder!, run.Heartbeat, null, "The process that had it is gone.", cancel);
            else if (await operations.FinishQueuedAsync(run.Id, run.Holder!, QueuedRunState.Failed, run.RunId, Lost(run), now, cancel)) ended.Add(run with { State = QueuedRunState.Failed, Reason = Lost(run) });
        }
        return ended;
    }

    /// <summary>The store was away: nobody could tell that they were there.</summary>
    public void StartAnew() => seen.Clear();

    static string Lost(QueuedRun run) => $"The process that had it was gone {run.Tries.ToString(CultureInfo.InvariantCulture)} times; it may take too much memory. See the log of run {run.RunId ?? "(none began)"}.";

    bool IsLost(QueuedRun run)
    {
        if (run.Holder is not { } holder) return false;
        if (Holder.IsGone(holder)) return true;
        var now = clock.GetTimestamp();
        if (!seen.TryGetValue(run.Id, out var before) || before.Holder != holder || before.Heartbeat != run.Heartbeat) seen[run.Id] = before = (holder, run.Heartbeat, now);
        return clock.GetElapsedTime(before.Since, now) >= settings.Ttl;
    }
}
