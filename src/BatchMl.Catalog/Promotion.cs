using System.Globalization;
using BatchMl.Operations;

namespace BatchMl.Catalog;

/// <summary>Which waiting runs may begin.</summary>
static class Promotion
{
    /// <summary>The waiting runs that are something else now, or wait for something else.</summary>
    /// <param name="open">All runs that are not over, in the order in which they were asked for.</param>
    /// <param name="awaited">The runs that waiting ones come after, by id; null: there is none of that id.</param>
    /// <param name="now">The time.</param>
    public static IReadOnlyList<QueuedRun> Of(IReadOnlyList<QueuedRun> open, IReadOnlyDictionary<string, QueuedRun?> awaited, DateTimeOffset now)
    {
        var changed = new List<QueuedRun>();
        var ofSchedule = new Dictionary<string, QueuedRun>();
        var taken = open.Where(r => r.Group is not null && r.State != QueuedRunState.Waiting).GroupBy(r => r.Group!).ToDictionary(g => g.Key, g => g.Count());
        foreach (var run in open)
        {
            var next = run.State == QueuedRunState.Waiting ? Next(run) : run;
            if (next.State == QueuedRunState.Queued && run.State == QueuedRunState.Waiting && run.Group is not null) taken[run.Group] = taken.GetValueOrDefault(run.Group) + 1;
            if (next != run) changed.Add(next);
            if (!next.IsOver && next.Schedule is not null) ofSchedule[next.Schedule] = next;
        }
        return changed;

        QueuedRun Next(QueuedRun run)
        {
            if (run.IsCancelRequested) return run with { State = QueuedRunState.Cancelled, FinishedAt = now };
            // Whoever set the time said why.
            if (run.NotBefore > now) return run with { Reason = run.Reason ?? $"Begins at {run.NotBefore.Value.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)}." };
            if (run.After is not null && awaited[run.After] is not { State: QueuedRunState.Succeeded })
            {
                return awaited[run.After] switch
                {
                    null => run with { State = QueuedRunState.Skipped, FinishedAt = now, Reason = $"Run {run.After}, which it comes after, is not known." },
                    { IsOver: true } before => run with { State = QueuedRunState.Skipped, FinishedAt = now, Reason = $"Run {before.Id} of {before.Job}, which it comes after, is {before.State}." },
                    { } before => run with { Reason = $"Comes after run {before.Id} of {before.Job}." },
                };
            }
            if (run.Schedule is not null && ofSchedule.TryGetValue(run.Schedule, out var earlier)) return run with { Reason = AwaitsEarlier(earlier) };
            if (run.Group is not null && taken.GetValueOrDefault(run.Group) >= run.GroupLimit)
            {
                return run with { Reason = string.Create(CultureInfo.InvariantCulture, $"The group {run.Group} has {run.GroupLimit} running or queued, as many as it may.") };
            }
            return run with { State = QueuedRunState.Queued, Reason = null };
        }
    }

    public static string AwaitsEarlier(QueuedRun earlier) => $"Run {earlier.Id} of the schedule is not over.";
}
