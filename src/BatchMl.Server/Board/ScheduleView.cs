using BatchMl.Operations;

namespace BatchMl.Server.Board;

/// <summary>A schedule, as pages and API show it.</summary>
/// <param name="Name">Its name: that of its file.</param>
/// <param name="Job">What it runs.</param>
/// <param name="When">Its cron expression with zone, or the schedule that it comes after.</param>
/// <param name="IsEnabled">Whether its file lets it run.</param>
/// <param name="PausedBy">Who paused it; null: nobody.</param>
/// <param name="PausedAt">When.</param>
/// <param name="Next">Its next occurrences, in its own time; empty: it has none of its own, or does not run.</param>
/// <param name="Latest">Its latest queued run; null: none yet.</param>
/// <param name="LagSeconds">How long its oldest occurrence that is not over has been due; 0: none is.</param>
/// <param name="Problems">What is wrong with its file; the last good version runs on.</param>
public sealed record ScheduleView(
    string Name, string Job, string When, bool IsEnabled, string? PausedBy, DateTimeOffset? PausedAt, IReadOnlyList<DateTimeOffset> Next, QueuedRun? Latest, double LagSeconds, IReadOnlyList<string> Problems);
