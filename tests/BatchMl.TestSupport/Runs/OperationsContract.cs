using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Operations;
using BatchMl.Runs;
using Xunit;

namespace BatchMl.TestSupport.Runs;

/// <summary>What every <see cref="IOperations"/> promises.</summary>
public abstract class OperationsContract : IAsyncLifetime
{
    protected static readonly DateTimeOffset At = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);
    readonly List<IAsyncDisposable> opened = [];

    /// <summary>Another connection to the one store of this test.</summary>
    protected abstract IOperations Connect();

    /// <summary>A connection to the catalog in the same store.</summary>
    protected abstract ICatalog ConnectCatalog();

    /// <summary>Does something to the store behind the back of everybody.</summary>
    protected abstract Task ExecuteAsync(string sql);

    protected IOperations Open() => Kept(Connect());

    protected ICatalog OpenCatalog() => Kept(ConnectCatalog());

    T Kept<T>(T connection) where T : IAsyncDisposable
    {
        opened.Add(connection);
        return connection;
    }

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var connection in opened) await connection.DisposeAsync();
    }

    static QueuedRun Run(string id, string? schedule = null, int occurrence = 0) => new()
    {
        Id = id, Job = "flights/score", Verb = "run", RequestJson = "{}", Queue = "score", Schedule = schedule, Occurrence = schedule is null ? null : At.AddDays(occurrence), RequestedBy = "somebody", RequestedAt = At,
        State = QueuedRunState.Waiting,
    };

    static async Task<string> StateAsync(IOperations operations, string id) => (await operations.FindQueuedAsync(id, default))!.State.ToString();

    static async Task<string> PromotedAsync(IOperations operations, int seconds = 0) => string.Join(" ", (await operations.PromoteAsync(At.AddSeconds(seconds), default)).Select(r => r.Id));

    static async Task RunningAsync(IOperations operations, QueuedRun run, string holder = "h1")
    {
        Assert.NotNull(await operations.EnqueueAsync(run with { State = QueuedRunState.Queued }, OverlapPolicy.Queue, default));
        Assert.Equal(ClaimResult.Claimed, await operations.ClaimAsync(run.Id, holder, At, default));
    }

    [Fact]
    public async Task What_was_asked_for_comes_back_the_same_through_another_connection()
    {
        var run = Run("q1", "daily") with
        {
            Verb = "retry", TargetRunId = "r0", RequestJson = "{\"a\":\"\\u0000ä\"}", Group = "gpu0", GroupLimit = 2, After = "q0", NotBefore = At.AddTicks(7), Retries = 3, TimeLimit = TimeSpan.FromMinutes(90.5), Reason = "why",
        };
        Assert.Equivalent(run, await Open().EnqueueAsync(run, OverlapPolicy.Skip, default), strict: true);
        Assert.Equivalent(run, await Open().FindQueuedAsync("q1", default), strict: true);
        Assert.Null(await Open().FindQueuedAsync("q2", default));
    }

    [Fact]
    public async Task Asking_twice_with_one_id_or_for_one_occurrence_is_asking_once()
    {
        var operations = Open();
        Assert.NotNull(await operations.EnqueueAsync(Run("q1", "daily"), OverlapPolicy.Queue, default));
        Assert.Null(await operations.EnqueueAsync(Run("q1"), OverlapPolicy.Queue, default));
        Assert.Null(await operations.EnqueueAsync(Run("q2", "daily"), OverlapPolicy.CancelPrevious, default));
        Assert.Equal("Waiting", await StateAsync(operations, "q1"));
        Assert.NotNull(await operations.EnqueueAsync(Run("q3", "weekly"), OverlapPolicy.Queue, default));
        // People ask as often as they like.
        foreach (var id in new[] { "q4", "q5" }) Assert.NotNull(await operations.EnqueueAsync(Run(id), OverlapPolicy.Queue, default));
    }

    [Fact]
    public async Task Overlap_skips_waits_or_cancels_those_before()
    {
        var operations = Open();
        await RunningAsync(operations, Run("q0", "daily"));
        var skipped = (await operations.EnqueueAsync(Run("q1", "daily", 1), OverlapPolicy.Skip, default))!;
        Assert.Equal((QueuedRunState.Skipped, At), (skipped.State, skipped.FinishedAt));
        Assert.Contains("q0", skipped.Reason, StringComparison.Ordinal);
        var waiting = (await operations.EnqueueAsync(Run("q2", "daily", 2) with { State = QueuedRunState.Queued }, OverlapPolicy.Queue, default))!;
        Assert.Equal(QueuedRunState.Waiting, waiting.State);
        Assert.Equal("", await PromotedAsync(operations));
        var last = (await operations.EnqueueAsync(Run("q3", "daily", 3), OverlapPolicy.CancelPrevious, default))!;
        Assert.Equal(QueuedRunState.Waiting, last.State);
        Assert.Equal(("Cancelled", true), (await StateAsync(operations, "q2"), (await operations.FindQueuedAsync("q0", default))!.IsCancelRequested));
        Assert.Equal(new QueueHeartbeat(true, true), await operations.HeartbeatAsync("q0", "h1", null, default));
        Assert.Equal("", await PromotedAsync(operations));
        Assert.True(await operations.FinishQueuedAsync("q0", "h1", QueuedRunState.Cancelled, null, "asked to", At, default));
        Assert.Equal("q3", await PromotedAsync(operations));
    }

    [Fact]
    public async Task Runs_wait_for_their_time_for_the_run_before_and_for_earlier_runs_of_their_schedule_and_say_so()
    {
        var operations = Open();
        await operations.EnqueueAsync(Run("time") with { NotBefore = At.AddSeconds(10) }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("d1", "daily", 1) with { NotBefore = At.AddSeconds(5), Reason = "flights are not there" }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("d2", "daily", 2), OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("after") with { After = "d1" }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("orphan") with { After = "nobody" }, OverlapPolicy.Queue, default);
        Assert.Equal("", await PromotedAsync(operations));
        async Task<string> ReasonAsync(string id) => (await operations.FindQueuedAsync(id, default))!.Reason!;
        Assert.Contains("03:04:15", await ReasonAsync("time"), StringComparison.Ordinal);
        Assert.Equal("flights are not there", await ReasonAsync("d1"));
        Assert.Contains("d1", await ReasonAsync("d2"), StringComparison.Ordinal);
        Assert.Contains("d1 of flights/score", await ReasonAsync("after"), StringComparison.Ordinal);
        Assert.Equal("Skipped", await StateAsync(operations, "orphan"));
        Assert.Equal("d1", await PromotedAsync(operations, 5));
        Assert.Equal("", await PromotedAsync(operations, 9));
        Assert.Equal("time", await PromotedAsync(operations, 10));
        await operations.ClaimAsync("d1", "h1", At, default);
        await operations.FinishQueuedAsync("d1", "h1", QueuedRunState.Succeeded, "r1", null, At, default);
        Assert.Equal("d2 after", await PromotedAsync(operations, 10));
        Assert.Null((await operations.FindQueuedAsync("after", default))!.Reason);
    }

    [Fact]
    public async Task What_comes_after_a_run_that_did_not_succeed_is_skipped_and_so_is_what_comes_after_that()
    {
        var operations = Open();
        await RunningAsync(operations, Run("train"));
        await operations.EnqueueAsync(Run("score") with { After = "train" }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("monitor") with { After = "score" }, OverlapPolicy.Queue, default);
        await operations.FinishQueuedAsync("train", "h1", QueuedRunState.Failed, "r1", "boom", At, default);
        for (var i = 0; i < 2; i++) Assert.Equal("", await PromotedAsync(operations));
        Assert.Equal(("Skipped", "Skipped"), (await StateAsync(operations, "score"), await StateAsync(operations, "monitor")));
        Assert.Contains("train of flights/score, which it comes after, is Failed", (await operations.FindQueuedAsync("score", default))!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_its_holder_beats_ends_or_gives_back_a_run()
    {
        var operations = Open();
        await RunningAsync(operations, Run("q1") with { Retries = 1 });
        Assert.Equal(ClaimResult.NotQueued, await operations.ClaimAsync("q1", "h2", At, default));
        Assert.Equal(new QueueHeartbeat(false, false), await operations.HeartbeatAsync("q1", "h2", "r9", default));
        Assert.False(await operations.FinishQueuedAsync("q1", "h2", QueuedRunState.Failed, "r9", "x", At, default));
        Assert.False(await operations.GiveBackAsync("q1", "h2", null, null, "x", default));
        Assert.Equal(new QueueHeartbeat(true, false), await operations.HeartbeatAsync("q1", "h1", "r1", default));
        var running = (await operations.FindQueuedAsync("q1", default))!;
        Assert.Equal(("h1", "r1", 1, At), (running.Holder, running.RunId, running.Tries, running.StartedAt));
        await operations.HeartbeatAsync("q1", "h1", null, default);
        // Whoever saw an earlier heartbeat did not see that its holder is lost.
        Assert.False(await operations.GiveBackAsync("q1", "h1", running.Heartbeat, null, "lost", default));
        var seen = (await operations.FindQueuedAsync("q1", default))!.Heartbeat;
        Assert.True(await operations.GiveBackAsync("q1", "h1", seen, At.AddSeconds(5), "lost", default));
        Assert.Equal(new QueueHeartbeat(false, false), await operations.HeartbeatAsync("q1", "h1", null, default));
        Assert.False(await operations.FinishQueuedAsync("q1", "h1", QueuedRunState.Succeeded, "r1", null, At, default));
        Assert.Equal("q1", await PromotedAsync(operations, 5));
        Assert.Equal(ClaimResult.Claimed, await operations.ClaimAsync("q1", "h2", At.AddSeconds(6), default));
        var again = (await operations.FindQueuedAsync("q1", default))!;
        Assert.Equal((2, null, "h2"), (again.Tries, again.RunId, again.Holder));
        Assert.True(again.Heartbeat > seen);
        Assert.True(await operations.FinishQueuedAsync("q1", "h2", QueuedRunState.Failed, "r2", "half a pair \ud800 and \0", At.AddSeconds(7), default));
        var over = (await operations.FindQueuedAsync("q1", default))!;
        Assert.Equal((QueuedRunState.Failed, null, "r2", "half a pair \ufffd and \ufffd", At.AddSeconds(7)), (over.State, over.Holder, over.RunId, over.Reason, over.FinishedAt));
    }

    [Fact]
    public async Task Cancelling_ends_what_has_not_begun_and_asks_what_runs()
    {
        var operations = Open();
        await operations.EnqueueAsync(Run("waiting"), OverlapPolicy.Queue, default);
        await RunningAsync(operations, Run("running"));
        Assert.True(await operations.CancelQueuedAsync("waiting", "no need", At, default));
        Assert.False(await operations.CancelQueuedAsync("waiting", "again", At, default));
        Assert.Equal(("Cancelled", "no need"), (await StateAsync(operations, "waiting"), (await operations.FindQueuedAsync("waiting", default))!.Reason));
        Assert.True(await operations.CancelQueuedAsync("running", "no need", At, default));
        Assert.Equal(("Running", null), (await StateAsync(operations, "running"), (await operations.FindQueuedAsync("running", default))!.FinishedAt));
        // Its holder is lost before it could stop: it does not begin again.
        Assert.True(await operations.GiveBackAsync("running", "h1", null, null, "lost", default));
        Assert.Equal("", await PromotedAsync(operations));
        Assert.Equal("Cancelled", await StateAsync(operations, "running"));
    }

    [Fact]
    public async Task The_queue_is_listed_by_state_schedule_and_job_latest_first()
    {
        var operations = Open();
        for (var i = 0; i < 4; i++) await operations.EnqueueAsync(Run($"q{i}", i % 2 == 0 ? "daily" : null, i) with { Job = i < 2 ? "a" : "b" }, OverlapPolicy.Queue, default);
        await operations.CancelQueuedAsync("q3", "x", At, default);
        async Task<string> ListAsync(QueueFilter filter) => string.Join(" ", (await operations.QueueAsync(filter, default)).Select(r => r.Id));
        Assert.Equal("q3 q2 q1 q0", await ListAsync(new QueueFilter([])));
        Assert.Equal("q3 q2", await ListAsync(new QueueFilter([], Limit: 2)));
        Assert.Equal("q2 q1 q0", await ListAsync(new QueueFilter([QueuedRunState.Waiting, QueuedRunState.Running])));
        Assert.Equal("q2 q0", await ListAsync(new QueueFilter([], "daily")));
        Assert.Equal("q0", await ListAsync(new QueueFilter([QueuedRunState.Waiting], "daily", "a")));
    }

    [Fact]
    public async Task Of_many_that_ask_promote_and_claim_at_once_each_run_is_had_once_and_groups_keep_their_limits()
    {
        const int Runs = 40, Limit = 2;
        var workers = Enumerable.Range(0, 6).Select(i => (Name: $"h{i}", Operations: Open())).ToArray();
        var (running, most, tries) = (0, 0, 0);
        var had = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Task.WhenAll(workers.Select(w => Task.Run(async () =>
        {
            // Each asks for all, so each occurrence is asked for six times.
            for (var i = 0; i < Runs; i++) await w.Operations.EnqueueAsync(Run($"{w.Name}-{i}", $"s{i}") with { Group = "gpu", GroupLimit = Limit }, OverlapPolicy.Queue, default);
            while (await w.Operations.QueueAsync(new QueueFilter([QueuedRunState.Waiting, QueuedRunState.Queued, QueuedRunState.Running]), default) is { Count: > 0 } open)
            {
                foreach (var promoted in await w.Operations.PromoteAsync(At, default)) Interlocked.Increment(ref tries);
                foreach (var run in open.Where(r => r.State == QueuedRunState.Queued))
                {
                    if (await w.Operations.ClaimAsync(run.Id, w.Name, At, default) != ClaimResult.Claimed) continue;
                    var now = Interlocked.Increment(ref running);
                    lock (had) most = Math.Max(most, now);
                    had.Add(run.Id);
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    Assert.True(await w.Operations.FinishQueuedAsync(run.Id, w.Name, QueuedRunState.Succeeded, null, null, At, default));
                }
            }
        })));
        Assert.Equal((Runs, Runs, Runs), (had.Count, had.Distinct().Count(), tries));
        Assert.InRange(most, 1, Limit);
        var all = await workers[0].Operations.QueueAsync(new QueueFilter([]), default);
        Assert.Equal((Runs, Runs), (all.Count, all.Count(r => r is { State: QueuedRunState.Succeeded, Tries: 1 })));
        Assert.Equal(Runs, all.Select(r => r.Schedule).Distinct().Count());
    }

    [Fact]
    public async Task A_full_group_lets_nobody_in_even_if_more_were_queued()
    {
        var operations = Open();
        foreach (var id in new[] { "q1", "q2" }) await operations.EnqueueAsync(Run(id) with { Group = "gpu", State = QueuedRunState.Queued }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("q3") with { Group = "gpu" }, OverlapPolicy.Queue, default);
        await operations.EnqueueAsync(Run("q4") with { Group = "other" }, OverlapPolicy.Queue, default);
        Assert.Equal("q4", await PromotedAsync(operations));
        Assert.Contains("gpu", (await operations.FindQueuedAsync("q3", default))!.Reason, StringComparison.Ordinal);
        Assert.Equal(ClaimResult.Claimed, await operations.ClaimAsync("q1", "h1", At, default));
        Assert.Equal(ClaimResult.GroupIsFull, await operations.ClaimAsync("q2", "h2", At, default));
        Assert.Equal("Queued", await StateAsync(operations, "q2"));
    }

    [Fact]
    public async Task Schedules_go_forward_only_and_are_paused_by_somebody()
    {
        var operations = Open();
        Assert.Empty(await operations.SchedulesAsync(default));
        await operations.AdvanceScheduleAsync("daily", At, default);
        await operations.AdvanceScheduleAsync("daily", At.AddDays(-1), default);
        await operations.PauseScheduleAsync("daily", "somebody", At.AddHours(1), default);
        await operations.PauseScheduleAsync("weekly", "somebody", At, default);
        await operations.AdvanceScheduleAsync("weekly", At.AddDays(7), default);
        await operations.PauseScheduleAsync("weekly", null, At.AddHours(2), default);
        var schedules = await Open().SchedulesAsync(default);
        Assert.Equal(new ScheduleState("daily", At, "somebody", At.AddHours(1)), schedules["daily"]);
        Assert.Equal(new ScheduleState("weekly", At.AddDays(7), null, null), schedules["weekly"]);
    }

    static RunRecord Record(string id) => new(id, "flights", "run", "{}", RunState.Running, At, null, null, null, "here", null);

    [Fact]
    public async Task Progress_is_there_while_a_run_runs()
    {
        var (operations, catalog) = (Open(), OpenCatalog());
        await catalog.StartRunAsync(Record("r1"), [], default);
        var first = new RunProgress("r1", "flights", null, 0, 0, 0, 0, 0, null, At);
        var second = new RunProgress("r1", "flights", "score", 3, 10, 1L << 40, 1234.5, 6, TimeSpan.FromSeconds(7.25), At.AddSeconds(1));
        await operations.ReportAsync(first, default);
        Assert.Equal(first, Assert.Single(await operations.ProgressAsync(default)).Value);
        await operations.ReportAsync(second, default);
        Assert.Equal(second, (await Open().ProgressAsync(default))["r1"]);
        await catalog.FinishRunAsync("r1", RunState.Completed, null, null, [], At, default);
        Assert.Empty(await operations.ProgressAsync(default));
        // What is told late, or of no run, is not kept for ever.
        await operations.ReportAsync(second, default);
        await operations.ReportAsync(second with { RunId = "r2" }, default);
        Assert.Empty(await operations.ProgressAsync(default));
    }

    static PartitionKey Key(string value, string dataset = "scores") => new("folder", dataset, "day", value);

    static async Task<Lease> LeaseAsync(ICatalog catalog, string id, PartitionKey key, string run = "r1") => (await catalog.TryLeaseAsync(
        new NewAttempt(key, run, id, "here", new LineageRun(id, "flights/score", run, "flights", run, "flights", At, At.AddDays(1), "day"), 15, 0), null,
        (await catalog.EntryAsync(key, default))?.Committed?.Staged.Fence ?? 0, [], At, default))!;

    static async Task<Lease> CommitAsync(ICatalog catalog, string id, PartitionKey key, long rows)
    {
        var lease = await LeaseAsync(catalog, id, key);
        var staged = new StagedPartition(key, lease.Fence, "_staging", [], rows, rows / 10, "digest", "[]");
        await catalog.StageAsync(lease, staged, default);
        Assert.True(await catalog.CommitAsync(lease, new CommittedVersion(staged, new Fingerprint("d", "m", "i", "1.1"), lease.RunId, At.AddMinutes(1)), [], default));
        return lease;
    }

    [Fact]
    public async Task Partitions_say_in_a_line_how_they_stand_and_every_change_shows_in_the_version()
    {
        var (operations, catalog) = (Open(), OpenCatalog());
        var versions = new List<long> { await operations.PartitionsVersionAsync(default) };
        async Task ChangedAsync() => versions.Add(await operations.PartitionsVersionAsync(default));
        await catalog.StartRunAsync(Record("r1"), [], default);
        await catalog.StartRunAsync(Record("r2"), [], default);
        var published = await CommitAsync(catalog, "a1", Key("1"), 100);
        await ChangedAsync();
        await catalog.MarkPublishedAsync(Key("1"), published.Fence, At.AddMinutes(9), default);
        await ChangedAsync();
        await CommitAsync(catalog, "a2", Key("2"), 200);
        var failed = await LeaseAsync(catalog, "a3", Key("3"));
        await ChangedAsync();
        await catalog.ReleaseAsync(failed, AttemptState.Failed, "no such column", [], At, default);
        await ChangedAsync();
        await CommitAsync(catalog, "a4", Key("4"), 300);
        await LeaseAsync(catalog, "a5", Key("4"), "r2");
        await LeaseAsync(catalog, "a6", Key("1", "other"));
        await ChangedAsync();
        Assert.Equal(versions.Count, versions.Distinct().Count());
        PartitionStatus[] scores =
        [
            new(Key("1"), PartitionState.Published, 100, 10, At.AddMinutes(1), "r1", null),
            new(Key("2"), PartitionState.Committed, 200, 20, At.AddMinutes(1), "r1", null),
            new(Key("3"), PartitionState.Failed, 0, 0, null, "r1", "no such column"),
            new(Key("4"), PartitionState.Running, 300, 30, At.AddMinutes(1), "r2", null),
        ];
        Assert.Equal(scores, await operations.PartitionsAsync("scores", default));
        Assert.Equal([new(Key("1", "other"), PartitionState.Running, 0, 0, null, "r1", null), .. scores], await operations.PartitionsAsync(null, default));
        Assert.Equal(versions[^1], await Open().PartitionsVersionAsync(default));
    }

    static Notification Message(string id, string key, string channel = "ops") => new(id, key, channel, "failed", "Subject", "Body", "{}", At);

    [Fact]
    public async Task A_notification_goes_once_to_each_channel_and_is_tried_until_it_is_sent_or_given_up()
    {
        var operations = Open();
        Assert.True(await operations.NotifyAsync(Message("n1", "k"), default));
        Assert.False(await operations.NotifyAsync(Message("n2", "k"), default));
        Assert.True(await operations.NotifyAsync(Message("n3", "k", "mail") with { NextTryAt = At.AddSeconds(5) }, default));
        var taken = Assert.Single(await operations.TakeNotificationsAsync(At, At.AddSeconds(60), 10, default));
        Assert.Equal(Message("n1", "k") with { Tries = 1, NextTryAt = At.AddSeconds(60) }, taken);
        Assert.Equal(["n3"], (await operations.TakeNotificationsAsync(At.AddSeconds(5), At.AddSeconds(65), 10, default)).Select(n => n.Id));
        await operations.NotifiedAsync("n1", null, "refused", At.AddSeconds(10), default);
        await operations.NotifiedAsync("n3", At.AddSeconds(6), null, null, default);
        Assert.Empty(await operations.TakeNotificationsAsync(At.AddSeconds(9), At.AddSeconds(99), 10, default));
        Assert.Equal((2, "refused"), (await operations.TakeNotificationsAsync(At.AddSeconds(10), At.AddSeconds(99), 10, default)).Select(n => (n.Tries, n.Error)).Single());
        // A slower try that failed does not undo that another one was taken.
        await operations.NotifiedAsync("n3", null, "time-out", At.AddSeconds(11), default);
        await operations.NotifiedAsync("n1", null, "refused", null, default);
        Assert.Empty(await operations.TakeNotificationsAsync(At.AddDays(1), At.AddDays(2), 10, default));
        Assert.Equal(
            [Message("n3", "k", "mail") with { Tries = 1, SentAt = At.AddSeconds(6) }, Message("n1", "k") with { Tries = 2, Error = "refused" }], await operations.NotificationsAsync(10, default));
        Assert.Equal(["n3"], (await operations.NotificationsAsync(1, default)).Select(n => n.Id));
    }

    [Fact]
    public async Task Of_many_that_take_notifications_at_once_each_gets_others()
    {
        var operations = Open();
        for (var i = 0; i < 20; i++) await operations.NotifyAsync(Message($"n{i}", $"k{i}"), default);
        var taken = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Open()).Select(o => Task.Run(() => o.TakeNotificationsAsync(At, At.AddSeconds(60), 5, default))));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"n{i}").Order(), taken.SelectMany(t => t).Select(n => n.Id).Order());
    }

    [Fact]
    public async Task Keys_are_found_by_hash_until_they_are_revoked()
    {
        var operations = Open();
        var key = new ApiKey("ci", "ab12", AccessRole.Operator, At, null);
        Assert.True(await operations.AddKeyAsync(key, default));
        Assert.False(await operations.AddKeyAsync(key with { Hash = "cd34" }, default));
        Assert.False(await operations.AddKeyAsync(key with { Name = "other" }, default));
        Assert.Equal(key, await operations.FindKeyAsync("ab12", default));
        Assert.Null(await operations.FindKeyAsync("cd34", default));
        Assert.True(await operations.RevokeKeyAsync("ci", At.AddDays(1), default));
        Assert.False(await operations.RevokeKeyAsync("ci", At.AddDays(2), default));
        Assert.Null(await operations.FindKeyAsync("ab12", default));
        var next = new ApiKey("ci", "cd34", AccessRole.Viewer, At.AddDays(3), null);
        Assert.True(await operations.AddKeyAsync(next, default));
        Assert.Equal([key with { RevokedAt = At.AddDays(1) }, next], await operations.KeysAsync(default));
    }

    [Fact]
    public async Task What_many_record_at_once_is_one_chain()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => (i, Operations: Open())).Select(w => Task.Run(async () =>
        {
            for (var n = 0; n < 5; n++) await w.Operations.RecordAsync($"somebody{w.i}", "schedule.pause", $"s{n}", "{}", At, default);
        })));
        var operations = Open();
        Assert.Null(await operations.VerifyAuditAsync(default));
        Assert.Equal(Enumerable.Range(1, 20).Reverse(), (await operations.AuditAsync(100, null, default)).Select(e => (int)e.Id));
        Assert.Equal([4L, 3L], (await operations.AuditAsync(2, 5, default)).Select(e => e.Id));
        Assert.Equal(20, (await operations.AuditAsync(100, null, default)).Select(e => e.Digest).Distinct().Count());
    }

    [Theory]
    [InlineData("UPDATE audit SET actor = 'nobody' WHERE id = 3", 3)]
    [InlineData("UPDATE audit SET details = '{ }' WHERE id = 5", 5)]
    [InlineData("DELETE FROM audit WHERE id = 2", 2)]
    [InlineData("DELETE FROM audit WHERE id = 1", 1)]
    [InlineData("DELETE FROM audit WHERE id >= 4", 4)]
    [InlineData("DELETE FROM audit", 1)]
    [InlineData("UPDATE audit SET id = -1 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = -1", 2)]
    [InlineData("INSERT INTO audit (id, at, actor, action, target, details, digest) VALUES (6, '2024-01-02T03:04:05.0000000Z', 'a', 'b', 'c', '{}', 'd')", 6)]
    public async Task A_changed_removed_moved_or_forged_entry_shows(string tampering, long first)
    {
        var operations = Open();
        Assert.Null(await operations.VerifyAuditAsync(default));
        for (var n = 0; n < 5; n++) await operations.RecordAsync("somebody", "run.cancel", $"r{n}", "{}", At, default);
        Assert.Null(await operations.VerifyAuditAsync(default));
        await ExecuteAsync(tampering);
        Assert.Equal(first, await operations.VerifyAuditAsync(default));
    }
}
