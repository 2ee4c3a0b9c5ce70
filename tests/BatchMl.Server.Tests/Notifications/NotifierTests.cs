using BatchMl.Operations;

namespace BatchMl.Server.Tests.Notifications;

/// <summary>Who is told of what.</summary>
public sealed class NotifierTests
{
    static (string, string)[] Slack(string channel, params (string Key, string Value)[] more) =>
        [($"Notifications:{channel}:Kind", "slack"), ($"Notifications:{channel}:Url", "https://hooks.example/x"), .. more.Select(m => ($"Notifications:{channel}:{m.Key}", m.Value))];

    static async Task<QueuedRun> EndedAsync(NotificationHarness h, QueuedRun run)
    {
        await h.Operations.EnqueueAsync(run with { State = QueuedRunState.Queued }, OverlapPolicy.Queue, default);
        await h.Operations.ClaimAsync(run.Id, "h", run.StartedAt!.Value, default);
        await h.Operations.FinishQueuedAsync(run.Id, "h", run.State, run.RunId, run.Reason, run.FinishedAt!.Value, default);
        return run;
    }

    [Fact]
    public async Task Each_channel_is_told_what_it_wants_once()
    {
        await using var h = new NotificationHarness([.. Slack("usual"), .. Slack("all", ("On", "failed, late, recovered, finished, skipped")), .. Slack("late", ("On:0", "late"))]);
        for (var i = 0; i < 2; i++)
        {
            await h.Notifier.OverAsync(h.Run(), null, null, default);
            await h.Notifier.LateAsync(h.Run(state: QueuedRunState.Running), h.Clock.GetUtcNow(), null, default);
            await h.Notifier.OverAsync(h.Run("q2", QueuedRunState.Skipped), null, null, default);
            await h.Notifier.OverAsync(h.Run("q3", QueuedRunState.Succeeded), null, null, default);
            await h.Notifier.OverAsync(h.Run("q4", QueuedRunState.Cancelled), null, null, default);
        }
        Assert.Equal("all:failed usual:failed all:late late:late usual:late all:skipped all:finished", await h.ToldAsync());
    }

    [Fact]
    public async Task Channels_are_for_jobs_and_schedules_and_a_schedule_may_name_its_own()
    {
        await using var h = new NotificationHarness(
            [.. Slack("jobs", ("Jobs", "flight-delays/*")), .. Slack("other", ("Jobs", "flight-delays/train")), .. Slack("schedules", ("Schedules:0", "weekly"), ("Schedules:1", "daily-score"))]);
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        await h.Notifier.OverAsync(h.Run("q2", schedule: null), null, null, default);
        await h.Notifier.OverAsync(h.Run("q3"), null, ["Schedules", "nowhere"], default);
        Assert.Equal("jobs:failed schedules:failed jobs:failed schedules:failed", await h.ToldAsync());
    }

    [Fact]
    public async Task A_success_after_a_failure_of_the_same_schedule_or_after_its_time_is_a_recovery()
    {
        await using var h = new NotificationHarness(Slack("ops", ("On", "recovered")));
        async Task SucceedsAsync(string id, string? schedule, int day, DateTimeOffset? lateAt = null) => await h.Notifier.OverAsync(
            await EndedAsync(h, h.Run(id, QueuedRunState.Succeeded, schedule) with { Occurrence = schedule is null ? null : h.Clock.GetUtcNow().AddDays(day) }), lateAt, null, default);
        await EndedAsync(h, h.Run("d1") with { Occurrence = h.Clock.GetUtcNow() });
        await SucceedsAsync("w1", "weekly", 0);
        await SucceedsAsync("p1", null, 0);
        Assert.Equal("", await h.ToldAsync());
        await SucceedsAsync("d2", "daily-score", 1);
        Assert.Equal("recovered:d2", Assert.Single(await h.AllAsync()).DedupKey);
        await SucceedsAsync("d3", "daily-score", 2);
        Assert.Single(await h.AllAsync());
        await SucceedsAsync("d4", "daily-score", 3, h.Clock.GetUtcNow().AddDays(1));
        Assert.Single(await h.AllAsync());
        await SucceedsAsync("d5", "daily-score", 4, h.Clock.GetUtcNow());
        Assert.Equal("recovered:d5", (await h.AllAsync())[0].DedupKey);
    }

    [Fact]
    public async Task A_text_says_what_where_why_and_what_to_do()
    {
        await using var h = new NotificationHarness([.. Slack("ops"), ("Server:PublicUrl", "https://ml.example/batch")]);
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        var told = Assert.Single(await h.AllAsync());
        Assert.Equal("Failed: daily-score (flight-delays/score) of 2013-10-02 05:30Z", told.Subject);
        Assert.Equal(
            """
            The run of job flight-delays/score, schedule daily-score of 2013-10-02 05:30Z, failed after 3 tries.
            Reason: no column <dep_delay> & no "tail"
            What is made stays. When the cause is gone, retry the run on its page or with 'retry r-q1': it does only what failed.
            https://ml.example/batch/runs/r-q1
            """, told.Body);
        await h.Notifier.LateAsync(h.Run("q2", QueuedRunState.Waiting, null) with { Reason = "flights are not there" }, new DateTimeOffset(2013, 10, 2, 7, 0, 0, TimeSpan.Zero), null, default);
        Assert.StartsWith(
            "The run of job flight-delays/score, asked for by somebody, should have been over at 2013-10-02 07:00Z and is not begun.\nIt waits: flights are not there\n", (await h.AllAsync())[0].Body, StringComparison.Ordinal);
    }
}
