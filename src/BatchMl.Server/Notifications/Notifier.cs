using System.Globalization;
using System.Text;
using System.Text.Json;
using BatchMl.Operations;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Notifications;

/// <summary>
/// Decides who is told of what becomes of queued runs, and puts it on its way: to each channel that wants it, once for each run and kind. Nothing that goes wrong here stops a run.
/// </summary>
sealed class Notifier(NotificationSettings settings, IOperations operations, TimeProvider clock, NotificationBell bell, ILoggerFactory logging)
{
    readonly ILogger logger = logging.CreateLogger("BatchMl.Notifications");

    /// <summary>A run is over. Failed and Skipped are told as what they are, Succeeded as finished, and as recovered where the run before it failed or this one was late; that somebody stopped it is told nobody.</summary>
    /// <param name="run">The run.</param>
    /// <param name="lateAt">When it counted as late, in the time of its <see cref="QueuedRun.FinishedAt"/>; null: never.</param>
    /// <param name="only">Names of the channels that may be told; null: all.</param>
    /// <param name="cancel">Stops.</param>
    public Task OverAsync(QueuedRun run, DateTimeOffset? lateAt, IReadOnlyList<string>? only, CancellationToken cancel) => SafelyAsync(async () =>
    {
        switch (run.State)
        {
            case QueuedRunState.Failed:
                await TellAsync(run, "failed", Text.Failed(run), only, cancel);
                break;
            case QueuedRunState.Skipped:
                await TellAsync(run, "skipped", Text.Skipped(run), only, cancel);
                break;
            case QueuedRunState.Succeeded:
                await TellAsync(run, "finished", Text.Finished(run), only, cancel);
                if (run.FinishedAt >= lateAt || await FailedBeforeAsync(run, cancel)) await TellAsync(run, "recovered", Text.Recovered(run), only, cancel);
                break;
        }
    });

    /// <summary>A run is not over although it should be.</summary>
    /// <param name="run">The run.</param>
    /// <param name="lateAt">Since when it is late.</param>
    /// <param name="only">Names of the channels that may be told; null: all.</param>
    /// <param name="cancel">Stops.</param>
    public Task LateAsync(QueuedRun run, DateTimeOffset lateAt, IReadOnlyList<string>? only, CancellationToken cancel) => SafelyAsync(() => TellAsync(run, "late", Text.Late(run, lateAt), only, cancel));

    // Of the same schedule; of those that people asked for, of the same job.
    async Task<bool> FailedBeforeAsync(QueuedRun run, CancellationToken cancel)
    {
        var ended = await operations.QueueAsync(new QueueFilter([QueuedRunState.Succeeded, QueuedRunState.Failed], run.Schedule, run.Job, 100), cancel);
        return ended.SkipWhile(r => r.Id != run.Id).Skip(1).FirstOrDefault(r => r.Schedule == run.Schedule) is { State: QueuedRunState.Failed };
    }

    async Task TellAsync(QueuedRun run, string kind, Text text, IReadOnlyList<string>? only, CancellationToken cancel)
    {
        foreach (var channel in settings.Channels.Values.Where(c => c.Wants(kind, run) && (only is null || only.Contains(c.Name, StringComparer.OrdinalIgnoreCase))))
        {
            var link = settings.PublicUrl is { } home ? run.RunId is { } id ? new Uri(home, $"runs/{id}") : home : null;
            var body = link is null ? text.Body : $"{text.Body}\n{link}";
            if (await operations.NotifyAsync(new Notification(Guid.CreateVersion7().ToString(), $"{kind}:{run.Id}", channel.Name, kind, text.Subject, body, Details(run, link), clock.GetUtcNow()), cancel)) bell.Ring();
        }
    }

    async Task SafelyAsync(Func<Task> tell)
    {
        try
        {
            await tell();
        }
        catch (BatchMlException e)
        {
            logger.LogError("A notification could not be put on its way: {Error}", e.Message);
        }
    }

    static string Details(QueuedRun run, Uri? link) => JsonSerializer.Serialize(
        new
        {
            queuedRun = run.Id, run = run.RunId, run.Job, run.Verb, run.Schedule, run.Occurrence, state = run.State.ToString(), run.Reason, run.Tries, run.StartedAt, run.FinishedAt, run.RequestedBy, url = link,
        }, JsonSerializerOptions.Web);

    /// <summary>What people read: what, where, and what to do.</summary>
    sealed record Text(string Subject, string Body)
    {
        public static Text Failed(QueuedRun run) => new(
            $"Failed: {Name(run)}",
            $"""
            {What(run)} failed{(run.Tries > 1 ? string.Create(CultureInfo.InvariantCulture, $" after {run.Tries} tries") : "")}.
            Reason: {run.Reason ?? "none was given."}
            What is made stays. When the cause is gone, retry the run on its page{(run.RunId is { } id ? $" or with 'retry {id}'" : "")}: it does only what failed.
            """);

        public static Text Skipped(QueuedRun run) => new($"Left out: {Name(run)}", $"{What(run)} was not begun.\nReason: {run.Reason}\nIf it is needed, run it now on the page of the schedule; a later run of the schedule makes what is missing, if it is asked to.");

        public static Text Finished(QueuedRun run) => new($"Finished: {Name(run)}", $"{What(run)} is done{Took(run)}.{(run.Reason is null ? "" : $"\n{run.Reason}")}");

        public static Text Recovered(QueuedRun run) => new($"Recovered: {Name(run)}", $"{What(run)} is done{Took(run)}, after it was late or the run before it failed.");

        public static Text Late(QueuedRun run, DateTimeOffset lateAt) => new(
            $"Late: {Name(run)}",
            $"""
            {What(run)} should have been over at {Time(lateAt)} and is {run.State switch { QueuedRunState.Running => "still running", QueuedRunState.Queued => "waiting for a worker", _ => "not begun" }}.
            {(run.Reason is null ? "" : $"It waits: {run.Reason}\n")}See on its page what holds it; a source that is not ready, a full group, or a run before it that hangs.
            """);

        // One line, whatever names have in them.
        static string Name(QueuedRun run) => $"{(run.Schedule is { } schedule ? $"{schedule} ({run.Job})" : run.Job)}{(run.Occurrence is { } at ? $" of {Time(at)}" : "")}".ReplaceLineEndings(" ");

        static string What(QueuedRun run)
        {
            var text = new StringBuilder($"The {run.Verb} of job {run.Job}");
            if (run.Schedule is not null) text.Append(CultureInfo.InvariantCulture, $", schedule {run.Schedule}{(run.Occurrence is { } at ? $" of {Time(at)}" : "")},");
            else text.Append(CultureInfo.InvariantCulture, $", asked for by {run.RequestedBy},");
            return text.ToString();
        }

        static string Took(QueuedRun run) => run is { StartedAt: { } from, FinishedAt: { } to } && to >= from ? $" after {(to - from).ToString(@"d\.hh\:mm\:ss", CultureInfo.InvariantCulture).TrimStart('0', '.')}" : "";

        static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
    }
}
