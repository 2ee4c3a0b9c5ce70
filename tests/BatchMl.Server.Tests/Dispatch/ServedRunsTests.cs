using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Board;
using BatchMl.Server.Dispatch;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Hangfire;
using Hangfire.States;

namespace BatchMl.Server.Tests.Dispatch;

/// <summary>Runs in a whole server: asked for, done, stopped, tried again.</summary>
public sealed class ServedRunsTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly TextJob job = new TextJob("sales").With("1", "2");

    public void Dispose() => folder.Dispose();

    void Schedule(string name, string text)
    {
        Directory.CreateDirectory(folder.At("schedules"));
        File.WriteAllText(folder.At("schedules", $"{name}.yaml"), text);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_that_somebody_asks_for_is_done_logged_and_recorded_with_who_asked()
    {
        await using var server = await TestServer.StartAsync(folder, [job]);
        var asked = await server.Desk.RunAsync("sales", new RunRequest(), "ann", Cancel);
        var run = await server.OverAsync(asked.Id);
        Assert.Equal((QueuedRunState.Succeeded, "score", "ann", 1), (run.State, run.Queue, run.RequestedBy, run.Tries));
        Assert.Equal(["in 1, made", "in 2, made"], (await server.Sink.TextsAsync("sales")).Values);
        Assert.Equal(RunState.Completed, (await server.Catalog.FindRunAsync(run.RunId, Cancel))!.State);
        var log = await File.ReadAllTextAsync(RunWatch.PathOf(server.Workspace, run.RunId!), Cancel);
        Assert.Contains("sales: 2 partitions to make", log, StringComparison.Ordinal);
        Assert.Contains("sales day=2: made", log, StringComparison.Ordinal);
        Assert.Contains("is completed after", log, StringComparison.Ordinal);
        var audit = Assert.Single(await server.Operations.AuditAsync(10, null, Cancel));
        Assert.Equal(("ann", "run.run", "sales"), (audit.Actor, audit.Action, audit.Target));
        Assert.Contains(run.Id, audit.DetailsJson, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_not_be_asked_for_is_said_and_nothing_is_queued()
    {
        await using var server = await TestServer.StartAsync(folder, [job]);
        async Task Refused(string expected, Func<Task> ask) => Assert.Contains(expected, (await Assert.ThrowsAsync<DefinitionException>(ask)).Message, StringComparison.Ordinal);
        await Refused("There is no job 'sale'. Did you mean 'sales'?", () => server.Desk.RunAsync("sale", new RunRequest(), "ann", Cancel));
        await Refused("There is no schedule 'daily'.", () => server.Desk.RunNowAsync("daily", "ann", Cancel));
        await Refused("There is no run '0123'.", () => server.Desk.RetryAsync("0123", "ann", Cancel));
        await Refused("needs a first date and an end", () => server.Desk.BackfillAsync("sales", new RunRequest { From = new DateOnly(2013, 10, 1) }, "ann", Cancel));
        await Refused("is not before the end", () => server.Desk.BackfillAsync("sales", new RunRequest { From = new DateOnly(2013, 10, 2), To = new DateOnly(2013, 10, 2) }, "ann", Cancel));
        Assert.False(await server.Desk.CancelAsync("nothing", "ann", Cancel));
        Assert.Empty(await server.QueueAsync());
    }

    [Fact]
    public async Task A_schedule_runs_at_its_occurrence_and_what_comes_after_it_follows_only_success()
    {
        Schedule("daily", "job: sales\ncron: 0 6 * * *\nretries: 1\n");
        Schedule("then", "job: more\nafter: daily\n");
        var more = new TextJob("more").With("x");
        var isBroken = false;
        job.Making = (_, _) => isBroken ? throw new DataException("broken") : Task.CompletedTask;
        await using (var server = await TestServer.StartAsync(folder, [job, more], new DateTimeOffset(2013, 10, 1, 5, 59, 59, 500, TimeSpan.Zero)))
        {
            var queue = await server.UntilAsync(q => q.Count == 2 && q.All(r => r.IsOver));
            Assert.Equal([("daily", QueuedRunState.Succeeded), ("then", QueuedRunState.Succeeded)], queue.Select(r => (r.Schedule!, r.State)));
            Assert.All(queue, r => Assert.Equal(new DateTimeOffset(2013, 10, 1, 6, 0, 0, TimeSpan.Zero), r.Occurrence));
            Assert.Single(more.Begun);
            isBroken = true;
            job.With("3");
            var now = await server.Desk.RunNowAsync("daily", "ann", Cancel);
            Assert.Equal((QueuedRunState.Failed, 2), ((await server.OverAsync(now.Id)).State, (await server.OverAsync(now.Id)).Tries));
            queue = await server.UntilAsync(q => q.Count == 4 && q.All(r => r.IsOver));
            Assert.Equal(QueuedRunState.Skipped, queue[3].State);
            Assert.Contains(now.Id, queue[3].Reason, StringComparison.Ordinal);
            Assert.Contains("Schedule daily", server.Error, StringComparison.Ordinal);
            isBroken = false;
            var again = await server.Desk.RetryAsync((await server.OverAsync(now.Id)).RunId!, "ann", Cancel);
            Assert.Equal(QueuedRunState.Succeeded, (await server.OverAsync(again.Id)).State);
        }
        // The same morning again, on a server that was away meanwhile and whose clock is behind: nothing is asked for twice.
        await using var next = await TestServer.StartAsync(folder, [job, more], new DateTimeOffset(2013, 10, 1, 5, 59, 59, 900, TimeSpan.Zero));
        var last = await next.Desk.RunAsync("more", new RunRequest(), "ann", Cancel);
        await next.OverAsync(last.Id);
        Assert.Equal(6, (await next.UntilAsync(_ => next.Get<ScheduleTime>().Now > new DateTimeOffset(2013, 10, 1, 6, 0, 0, 300, TimeSpan.Zero))).Count);
    }

    [Fact]
    public async Task A_failure_is_tried_again_as_often_as_the_schedule_says_and_a_wrong_request_is_not()
    {
        Schedule("daily", "job: sales\ncron: 0 6 1 1 *\nretries: 2\n");
        Schedule("wrong", "job: wrong\ncron: 0 6 1 1 *\nretries: 2\n");
        var tries = 0;
        job.Making = (_, _) => ++tries < 5 ? throw new DataException("not yet") : Task.CompletedTask;
        await using var server = await TestServer.StartAsync(folder, [job, new WaitingJob("wrong", () => throw new DefinitionException("never"))]);
        var run = await server.OverAsync((await server.Desk.RunNowAsync("daily", "ann", Cancel)).Id);
        Assert.Equal((QueuedRunState.Succeeded, 3), (run.State, run.Tries));
        var wrong = await server.OverAsync((await server.Desk.RunNowAsync("wrong", "ann", Cancel)).Id);
        Assert.Equal((QueuedRunState.Failed, 1, "never"), (wrong.State, wrong.Tries, wrong.Reason));
    }

    [Fact]
    public async Task A_run_whose_inputs_are_not_ready_waits_without_a_worker_and_without_using_up_its_tries()
    {
        Schedule("daily", "job: awaits\ncron: 0 6 1 1 *\n");
        Schedule("late", "job: awaits-ever\ncron: 0 6 1 1 *\nlate_after: 1s\n");
        var isReady = false;
        var awaits = new WaitingJob("awaits", () => isReady);
        await using var server = await TestServer.StartAsync(folder, [awaits, new WaitingJob("awaits-ever", () => false)]);
        var asked = await server.Desk.RunNowAsync("daily", "ann", Cancel);
        var waiting = (await server.UntilAsync(q => q[0].State == QueuedRunState.Waiting && q[0].RunId is not null))[0];
        Assert.Contains("flights has nothing, needed is more", waiting.Reason, StringComparison.Ordinal);
        Assert.Equal(0, waiting.Tries);
        isReady = true;
        var run = await server.OverAsync(asked.Id);
        Assert.Equal((QueuedRunState.Succeeded, 1), (run.State, run.Tries));
        var late = await server.OverAsync((await server.Desk.RunNowAsync("late", "ann", Cancel)).Id);
        Assert.Equal(QueuedRunState.Failed, late.State);
        Assert.Contains("flights has nothing", late.Reason, StringComparison.Ordinal);
        Assert.Contains("Schedule late", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_delivered_many_times_is_done_once()
    {
        var gate = new TaskCompletionSource();
        job.Making = (_, _) => gate.Task;
        await using var server = await TestServer.StartAsync(folder, [job]);
        var asked = await server.Desk.RunAsync("sales", new RunRequest { MaxParallel = 1 }, "ann", Cancel);
        await server.UntilAsync(q => q[0].State == QueuedRunState.Running);
        var again = Enumerable.Range(0, 10).Select(_ => server.Get<IBackgroundJobClient>().Create<QueuedRunJob>(j => j.ExecuteAsync(asked.Id, "again", CancellationToken.None), new EnqueuedState("score"))).ToArray();
        while (again.Any(id => server.Get<JobStorage>().GetConnection().GetStateData(id).Name != "Succeeded")) await Task.Delay(20, Cancel);
        gate.SetResult();
        await server.OverAsync(asked.Id);
        Assert.Equal(["1", "2"], job.Begun);
        Assert.Single(await server.Catalog.RecentRunsAsync(10, Cancel));
    }

    [Fact]
    public async Task A_run_that_is_cancelled_stops_and_one_that_waits_never_begins()
    {
        Schedule("daily", "job: sales\ncron: 0 6 1 1 *\ngroup: gpu0\n");
        job.Making = (_, cancel) => Task.Delay(Timeout.Infinite, cancel);
        await using var server = await TestServer.StartAsync(folder, [job]);
        var first = await server.Desk.RunNowAsync("daily", "ann", Cancel);
        await server.UntilAsync(q => q[0].RunId is not null);
        // A person's run of the schedule's job is of its group too.
        var second = await server.Desk.RunAsync("sales", new RunRequest(), "bob", Cancel);
        Assert.Contains("gpu0", (await server.UntilAsync(q => q[1].Reason is not null))[1].Reason, StringComparison.Ordinal);
        Assert.True(await server.Desk.CancelAsync(second.Id, "bob", Cancel));
        Assert.True(await server.Desk.CancelAsync(first.Id, "bob", Cancel));
        var run = await server.OverAsync(first.Id);
        Assert.Equal((QueuedRunState.Cancelled, "Cancelled by bob."), (run.State, run.Reason));
        Assert.Equal((QueuedRunState.Cancelled, 0), ((await server.OverAsync(second.Id)).State, (await server.OverAsync(second.Id)).Tries));
        Assert.Equal(RunState.Cancelled, (await server.Catalog.FindRunAsync(run.RunId, Cancel))!.State);
        Assert.False(await server.Desk.CancelAsync(first.Id, "bob", Cancel));
    }

    [Fact]
    public async Task A_run_that_takes_too_long_is_stopped_and_has_failed()
    {
        Schedule("daily", "job: sales\ncron: 0 6 1 1 *\ntime_limit: 1s\n");
        job.Making = (_, cancel) => Task.Delay(Timeout.Infinite, cancel);
        await using var server = await TestServer.StartAsync(folder, [job]);
        var run = await server.OverAsync((await server.Desk.RunNowAsync("daily", "ann", Cancel)).Id);
        Assert.Equal((QueuedRunState.Failed, "It took longer than its time limit of 00:00:01."), (run.State, run.Reason));
    }

    [Fact]
    public async Task A_job_that_ignores_cancellation_is_left_behind_and_others_go_on()
    {
        var gate = new TaskCompletionSource();
        var deaf = new TextJob("deaf") { Making = (_, _) => gate.Task }.With("x");
        var settings = TestServer.Quick with { StopWithin = TimeSpan.FromMilliseconds(200), Workers = new Dictionary<string, int> { [Queues.Score] = 1 } };
        await using var server = await TestServer.StartAsync(folder, [job, deaf], settings: settings);
        var first = await server.Desk.RunAsync("deaf", new RunRequest(), "ann", Cancel);
        await server.UntilAsync(_ => deaf.Begun.Count > 0);
        await server.Desk.CancelAsync(first.Id, "bob", Cancel);
        var run = await server.OverAsync(first.Id);
        Assert.Equal(QueuedRunState.Cancelled, run.State);
        Assert.StartsWith("Cancelled by bob. It did not stop within 0.2 s and was left behind", run.Reason, StringComparison.Ordinal);
        // The one worker is free again.
        Assert.Equal(QueuedRunState.Succeeded, (await server.OverAsync((await server.Desk.RunAsync("sales", new RunRequest(), "ann", Cancel)).Id)).State);
        gate.SetResult();
        // It still records its end; the folder must not go before.
        while (!(await server.Get<RunBoard>().LogAsync(run.RunId!, 10, Cancel) ?? []).Any(l => l.Contains("is cancelled after", StringComparison.Ordinal))) await Task.Delay(20, Cancel);
    }

    [Fact]
    public async Task A_server_that_stops_gives_its_run_back_and_the_next_one_goes_on_with_it()
    {
        var isHeld = true;
        job.Making = (unit, cancel) => isHeld && unit.Attempts[0].Partition.Key.Value == "2" ? Task.Delay(Timeout.Infinite, cancel) : Task.CompletedTask;
        QueuedRun asked;
        await using (var server = await TestServer.StartAsync(folder, [job]))
        {
            asked = await server.Desk.RunAsync("sales", new RunRequest { MaxParallel = 1 }, "ann", Cancel);
            await server.UntilAsync(q => q[0].RunId is not null && job.Begun.Contains("2"));
        }
        isHeld = false;
        await using var next = await TestServer.StartAsync(folder, [job]);
        var run = await next.OverAsync(asked.Id);
        Assert.Equal((QueuedRunState.Succeeded, 1), (run.State, run.Tries));
        Assert.Equal(["1", "2", "2"], job.Begun);
        Assert.Equal([RunState.Completed, RunState.Cancelled], (await next.Catalog.RecentRunsAsync(10, Cancel)).Select(r => r.State));
    }

    [Fact]
    public async Task A_run_whose_process_died_is_taken_up_by_another()
    {
        await using var server = await TestServer.StartAsync(folder, [job]);
        // Claimed by a process of another machine that tells nothing any more.
        var run = new QueuedRun { Id = "lost", Job = "sales", Verb = "run", RequestJson = JsonSerializer.Serialize(new RunRequest()), Queue = "none", RequestedBy = "ann", RequestedAt = TimeProvider.System.GetUtcNow(), State = QueuedRunState.Queued };
        await server.Operations.EnqueueAsync(run, OverlapPolicy.Queue, Cancel);
        Assert.Equal(ClaimResult.Claimed, await server.Operations.ClaimAsync("lost", "elsewhere", TimeProvider.System.GetUtcNow(), Cancel));
        var taken = (await server.UntilAsync(q => q[0].State != QueuedRunState.Running))[0];
        Assert.Equal((QueuedRunState.Waiting, 1), (taken.State == QueuedRunState.Queued ? QueuedRunState.Waiting : taken.State, taken.Tries));
        Assert.False(await server.Operations.FinishQueuedAsync("lost", "elsewhere", QueuedRunState.Succeeded, null, null, TimeProvider.System.GetUtcNow(), Cancel));
    }

    [Fact]
    public async Task A_paused_schedule_misses_its_occurrences_and_its_policy_says_what_becomes_of_them()
    {
        Schedule("often", "job: sales\ncron: '* * * * * *'\nmisfire: skip\n");
        await using var server = await TestServer.StartAsync(folder, [job]);
        await server.UntilAsync(q => q.Count > 0);
        await server.Desk.PauseAsync("often", "ann", Cancel);
        Assert.Equal("ann", (await server.Operations.SchedulesAsync(Cancel))["often"].PausedBy);
        await server.Desk.ResumeAsync("often", "ann", Cancel);
        var count = (await server.QueueAsync()).Count;
        await server.UntilAsync(q => q.Count > count);
        Assert.Equal(["schedule.resume", "schedule.pause"], (await server.Operations.AuditAsync(10, null, Cancel)).Select(a => a.Action));
        var occurrences = (await server.QueueAsync()).Select(r => r.Occurrence).ToArray();
        Assert.Equal(occurrences.Length, occurrences.Distinct().Count());
    }

    [Fact]
    public async Task A_run_a_retry_and_a_schedules_run_are_in_the_trace_of_who_asked_for_them()
    {
        Schedule("daily", "job: sales\ncron: 0 6 1 1 *\n");
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = s => s.Name == "BatchMl", Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = spans.Enqueue };
        ActivitySource.AddActivityListener(listener);
        var isBroken = true;
        job.Making = (_, _) => isBroken ? throw new DataException("broken") : Task.CompletedTask;
        await using var server = await TestServer.StartAsync(folder, [job]);
        var failed = await AskAsync(() => server.Desk.RunAsync("sales", new RunRequest(), "ann", Cancel));
        isBroken = false;
        await AskAsync(() => server.Desk.RetryAsync(failed.RunId!, "ann", Cancel));
        await AskAsync(() => server.Desk.RunNowAsync("daily", "ann", Cancel));

        async Task<QueuedRun> AskAsync(Func<Task<QueuedRun>> ask)
        {
            using var asking = new Activity("asking").Start();
            var run = await server.OverAsync((await ask()).Id);
            Assert.Equal(asking.SpanId, Assert.Single(spans, s => s.OperationName == "batchml.run" && run.RunId!.Equals(s.GetTagItem("batchml.run_id"))).ParentSpanId);
            return run;
        }
    }

    [Fact]
    public async Task A_thousand_schedules_that_fire_at_once_run_once_each()
    {
        const int many = 1_000;
        foreach (var i in Enumerable.Range(0, many)) Schedule($"s{i:d4}", $"job: sales\ncron: 0 6 * * *\n");
        await using var server = await TestServer.StartAsync(folder, [job], new DateTimeOffset(2013, 10, 1, 5, 59, 59, 500, TimeSpan.Zero));
        await server.UntilAsync(q => q.Count == many && q.All(r => r.IsOver));
        // What was looked at again meanwhile was not asked for again.
        var queue = await server.UntilAsync(_ => server.Get<ScheduleTime>().Now > new DateTimeOffset(2013, 10, 1, 6, 0, 1, TimeSpan.Zero));
        Assert.Equal(Enumerable.Range(0, many).Select(i => $"s{i:d4}"), queue.Select(r => r.Schedule).Order(StringComparer.Ordinal));
        Assert.All(queue, r => Assert.Equal((QueuedRunState.Succeeded, 1), (r.State, r.Tries)));
        // All of them are of one job: whoever came first made its partitions, and nobody made them again.
        Assert.Equal(["1", "2"], job.Begun.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Hangfires_dashboard_is_there()
    {
        await using var server = await TestServer.StartAsync(folder, [job]);
        using var client = new HttpClient();
        Assert.Contains("BatchMl", await client.GetStringAsync($"{server.Url}/hangfire", Cancel), StringComparison.Ordinal);
    }
}
