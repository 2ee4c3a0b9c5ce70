using BatchMl.Operations;

namespace BatchMl.Server.Notifications;

/// <summary>A way to tell somebody, and what it is used for.</summary>
/// <param name="name">Its name in the configuration.</param>
/// <param name="on">The kinds of notification that go through it.</param>
/// <param name="jobs">Only runs of these jobs; <c>*</c> at the end stands for anything; empty: all.</param>
/// <param name="schedules">Only runs of these schedules, so none that a person asked for; empty: all.</param>
/// <param name="secrets">Texts that must be in no message.</param>
abstract class NotificationChannel(string name, IReadOnlyList<string> on, IReadOnlyList<string> jobs, IReadOnlyList<string> schedules, IReadOnlyList<string> secrets)
{
    public string Name { get; } = name;

    public bool Wants(string kind, QueuedRun run) => on.Contains(kind) && (jobs.Count == 0 || jobs.Any(j => Matches(j, run.Job))) && (schedules.Count == 0 || run.Schedule is not null && schedules.Any(s => Matches(s, run.Schedule)));

    /// <summary>Tells once. Returns when the receiver has it.</summary>
    /// <exception cref="NotificationException">It has not; says whether another try could help.</exception>
    public abstract Task SendAsync(Notification notification, CancellationToken cancel);

    /// <summary>A message without the secrets of this channel.</summary>
    public string Clean(string message) => secrets.Where(s => s.Length > 0).Aggregate(message, (m, secret) => m.Replace(secret, "…", StringComparison.Ordinal));

    static bool Matches(string pattern, string text) => pattern.EndsWith('*') ? text.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == text;
}

/// <summary>A notification was not taken.</summary>
/// <param name="message">Why.</param>
/// <param name="isFinal">No other try would fare better.</param>
/// <param name="inner">What was thrown.</param>
sealed class NotificationException(string message, bool isFinal = false, Exception? inner = null) : Exception(message, inner)
{
    public bool IsFinal { get; } = isFinal;
}
