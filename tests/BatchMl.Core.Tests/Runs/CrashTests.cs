using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Runs;

/// <summary>Processes that die, stall, race, and clocks that jump.</summary>
public sealed class CrashTests
{
    const string Set = "flights/score";

    static readonly Dictionary<string, string> Old = new() { ["1"] = "in 1, made", ["2"] = "in 2, made", ["3"] = "in 3, made" };
    static readonly Dictionary<string, string> New = new() { ["1"] = "new 1, made", ["2"] = "new 2, made", ["3"] = "new 3, made" };

    static TextJob Job(bool restated = false)
    {
        var job = new TextJob(Set) { UnitSize = 2, Policy = ChangePolicy.Restate }.With("1", "2", "3");
        if (restated) foreach (var day in job.Inputs.Keys) job.Inputs[day] = $"new {day}";
        return job;
    }

    /// <summary>Dies at the n-th thing that it reaches; everything after that fails too.</summary>
    sealed class Death(int at)
    {
        int reached;
        public string? Where { get; private set; }

        public void Reached(string what)
        {
            if (reached++ < at) return;
            Where ??= what;
            throw new DeathException();
        }
    }

    [Fact]
    public async Task Whenever_a_process_dies_the_next_run_loses_nothing_and_does_nothing_twice()
    {
        var points = new List<string>();
        for (var n = 0; ; n++)
        {
            await using var w = new RunnerHarness();
            await w.RunAsync(Job());
            var death = new Death(n);
            var dying = w.Process("dying", death.Reached);
            var died = await Record.ExceptionAsync(() => dying.RunAsync(Job(restated: true), new RunRequest { MaxParallel = 1 }, "run", default));
            if (death.Where is null) break;
            points.Add(death.Where);
            Assert.IsType<DeathException>(died);
            // Each partition shows its old or its new version, whole.
            Assert.All(await w.Sink.TextsAsync(Set), t => Assert.Contains(t.Value, new[] { Old[t.Key], New[t.Key] }));
            Assert.Equal(3, (await w.Sink.TextsAsync(Set)).Count);
            Assert.Equal(RunState.Completed, (await w.RunAsync(Job(restated: true), name: "p2", gone: "dying")).State);
            await w.AssertWholeAsync(Set, New);
            var made = w.Events().Where(e => e is { Type: "COMPLETE", Parent: not null }).GroupBy(e => e.Partition).ToDictionary(g => g.Key!, g => g.Count());
            Assert.All(made, m => Assert.Equal(2, m.Value));
        }
        // That the walk went through what matters.
        foreach (var point in new[] { "after start run", "after lease", "staged", "after stage", "before commit", "after commit", "moved", "swapped", "after mark published", "after finish run", "before mark delivered" })
        {
            Assert.Contains(point, points);
        }
    }

    [Fact]
    public async Task A_process_that_dies_while_it_recovers_is_recovered_from()
    {
        for (var n = 0; ; n++)
        {
            await using var w = new RunnerHarness();
            var first = w.Process("first", new OnceAt("after commit").Reached);
            await Assert.ThrowsAsync<DeathException>(() => first.RunAsync(Job(), new RunRequest { MaxParallel = 1 }, "run", default));
            var death = new Death(n);
            await Record.ExceptionAsync(() => w.Process("second", death.Reached, gone: "first").RunAsync(Job(), new RunRequest { MaxParallel = 1 }, "run", default));
            await w.RunAsync(Job(), name: "third", gone: "first second");
            await w.AssertWholeAsync(Set, Old);
            if (death.Where is null) break;
        }
    }

    sealed class OnceAt(string point)
    {
        bool dead;

        public void Reached(string what)
        {
            if (!dead && what != point) return;
            dead = true;
            throw new DeathException();
        }
    }

    [Fact]
    public async Task Two_processes_share_the_work_and_each_partition_is_made_once()
    {
        await using var w = new RunnerHarness();
        string[] days = [.. Enumerable.Range(0, 24).Select(i => $"{i:D2}")];
        TextJob[] jobs = [new TextJob(Set) { UnitSize = 3 }.With(days), new TextJob(Set) { UnitSize = 3 }.With(days)];
        // Neither is done before both have begun something.
        using var both = new Barrier(2);
        foreach (var job in jobs)
        {
            var begun = 0;
            job.Making = async (_, _) =>
            {
                if (Interlocked.Increment(ref begun) == 1) await Task.Run(() => both.SignalAndWait(TimeSpan.FromSeconds(20)));
            };
        }
        var summaries = await Task.WhenAll(jobs.Select((job, i) => Task.Run(() => w.Process($"p{i}").RunAsync(job, new RunRequest { MaxParallel = 2 }, "run", default))));
        Assert.All(summaries, s => Assert.Equal((RunState.Completed, 24), (s.State, s.Steps[0].Done + s.Steps[0].Skipped)));
        Assert.Equal(24, summaries.Sum(s => s.Steps[0].Done));
        Assert.Equal(days, jobs.SelectMany(j => j.Begun).SelectMany(b => b.Split(' ')).Order());
        await w.AssertWholeAsync(Set, days.ToDictionary(d => d, d => $"in {d}, made"));
    }

    [Fact]
    public async Task What_a_live_process_holds_is_waited_for_and_not_made_again()
    {
        await using var w = new RunnerHarness();
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = Job();
        slow.Making = async (_, _) =>
        {
            begun.TrySetResult();
            await go.Task;
        };
        var first = w.Process("slow").RunAsync(slow, new RunRequest { MaxParallel = 1 }, "run", default);
        await begun.Task;
        var job = Job();
        var second = w.Process("p2").RunAsync(job, new RunRequest(), "run", default);
        while (!w.Listener.Lines.Contains("1 waits for slow")) await Task.Delay(5, TestContext.Current.CancellationToken);
        go.SetResult();
        Assert.Equal(3, (await first).Steps[0].Done + (await second).Steps[0].Done);
        Assert.Equal(["3"], job.Begun);
        await w.AssertWholeAsync(Set, Old);
    }

    [Fact]
    public async Task A_lease_whose_heartbeat_stopped_is_taken_over_after_its_ttl_and_not_before()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var w = new RunnerHarness(clock);
        // A holder of another machine, of whom nothing can be known but that its heart does not beat.
        await w.Catalog.StartRunAsync(new RunRecord("far-run", "flights", "run", "{}", RunState.Running, clock.GetUtcNow(), null, null, null, "far", null), [], default);
        var key = new PartitionKey("folder", Set, "day", "1");
        var identity = new Lineage.LineageRun(Guid.NewGuid().ToString(), Set, "far-run", "flights", "far-run", "flights", null, null, "day=1");
        await w.Catalog.TryLeaseAsync(new NewAttempt(key, "far-run", identity.RunId, "far", identity, 15, 0), null, 0, [Lineage.OpenLineageEvents.Start(identity, null, clock.GetUtcNow())], clock.GetUtcNow(), default);
        var started = clock.GetTimestamp();
        TimeSpan? took = null;
        var job = new TextJob(Set).With("1");
        job.Making = (_, _) =>
        {
            took = clock.GetElapsedTime(started);
            return Task.CompletedTask;
        };
        Assert.Equal(1, (await w.RunAsync(job)).Steps[0].Done);
        Assert.Contains("1 waits for far", w.Listener.Lines);
        Assert.InRange(took!.Value.TotalSeconds, 15, 30);
        Assert.Equal(["START", "ABORT"], w.Events().Where(e => e.RunId == identity.RunId).Select(e => e.Type));
    }

    [Fact]
    public async Task A_lease_whose_heart_beats_is_never_taken_over()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var w = new RunnerHarness(clock);
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = new TextJob(Set) { Mark = "slow" }.With("1");
        slow.Making = async (_, _) =>
        {
            begun.TrySetResult();
            await go.Task;
        };
        var first = w.Process("slow").RunAsync(slow, new RunRequest(), "run", default);
        await w.PumpAsync(begun.Task.ContinueWith(_ => true, TestContext.Current.CancellationToken));
        var second = w.Process("p2").RunAsync(new TextJob(Set).With("1"), new RunRequest(), "run", default);
        for (var i = 0; i < 120; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        Assert.False(second.IsCompleted);
        go.SetResult();
        Assert.Equal((1, 0), ((await w.PumpAsync(first)).Steps[0].Done, (await w.PumpAsync(second)).Steps[0].Done));
        await w.AssertWholeAsync(Set, new Dictionary<string, string> { ["1"] = "in 1, slow" });
    }

    [Theory]
    [InlineData("after lease")]
    [InlineData("stage")]
    [InlineData("staged")]
    [InlineData("before stage")]
    [InlineData("before commit")]
    [InlineData("after commit")]
    public async Task A_process_that_stalls_and_wakes_up_after_it_was_taken_over_changes_nothing(string point)
    {
        await using var w = new RunnerHarness();
        var (stalled, wake) = (new TaskCompletionSource(), new TaskCompletionSource());
        var sleeping = w.Process("sleeper", at =>
        {
            if (at != point || !stalled.TrySetResult()) return;
            wake.Task.Wait();
        });
        var sleeper = Task.Run(() => sleeping.RunAsync(new TextJob(Set) { Mark = "sleeper" }.With("1"), new RunRequest(), "run", default));
        await stalled.Task;
        await w.RunAsync(new TextJob(Set) { Mark = "taker" }.With("1"), name: "taker", gone: "sleeper");
        var text = new Dictionary<string, string> { ["1"] = point == "after commit" ? "in 1, sleeper" : "in 1, taker" };
        Assert.Equal(text, await w.Sink.TextsAsync(Set));
        var before = CatalogModel.Lines(await w.Catalog.LedgerAsync("folder", Set, default));
        wake.SetResult();
        await sleeper;
        Assert.Equal(before, CatalogModel.Lines(await w.Catalog.LedgerAsync("folder", Set, default)));
        await w.RunAsync(new TextJob(Set).With("1"), name: "p3");
        await w.AssertWholeAsync(Set, text);
    }

    sealed class JumpingClock : TimeProvider
    {
        public TimeSpan Jump { get; set; }
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Jump;
    }

    [Fact]
    public async Task A_clock_that_jumps_back_is_harmless()
    {
        var clock = new JumpingClock();
        await using var w = new RunnerHarness(clock);
        var job = Job();
        job.Making = (_, _) =>
        {
            clock.Jump -= TimeSpan.FromDays(40);
            return Task.CompletedTask;
        };
        Assert.Equal(3, (await w.RunAsync(job, new RunRequest { MaxParallel = 1 })).Steps[0].Done);
        Assert.Equal(3, (await w.RunAsync(job)).Steps[0].Skipped);
        await w.AssertWholeAsync(Set, Old, clockJumps: true);
        Assert.True(Directory.GetFiles(w.Workspace.Lineage).Length > 1);
    }

    [Fact]
    public async Task A_torn_end_of_the_lineage_file_is_cut_off()
    {
        await using var w = new RunnerHarness();
        await w.RunAsync(Job());
        var file = Assert.Single(Directory.GetFiles(w.Workspace.Lineage));
        await File.AppendAllTextAsync(file, "{\"eventType\": \"CO", TestContext.Current.CancellationToken);
        await w.RunAsync(Job());
        await w.AssertWholeAsync(Set, Old);
    }

    [Fact]
    public async Task What_was_committed_but_vanished_before_it_was_published_is_made_again()
    {
        await using var w = new RunnerHarness();
        await Assert.ThrowsAsync<DeathException>(() => w.Process("dying", new OnceAt("after commit").Reached).RunAsync(Job(), new RunRequest { MaxParallel = 1 }, "run", default));
        Directory.Delete(Path.Combine(w.Workspace.Datasets, Set, "_staging"), recursive: true);
        Assert.Equal(3, (await w.RunAsync(Job(), gone: "dying")).Steps[0].Done);
        await w.AssertWholeAsync(Set, Old);
    }

    [Fact]
    public async Task A_publication_that_fails_for_a_while_is_tried_again()
    {
        await using var w = new RunnerHarness();
        var tries = 0;
        var runner = w.Process(reached: at =>
        {
            if (at == "moved" && tries++ == 0) throw new IOException("busy");
        });
        Assert.Equal(3, (await runner.RunAsync(Job(), new RunRequest { MaxParallel = 1 }, "run", default)).Steps[0].Done);
        await w.AssertWholeAsync(Set, Old);
    }

    [Fact]
    public async Task A_busy_catalog_is_tried_again()
    {
        await using var w = new RunnerHarness();
        var busy = new HashSet<string>();
        var runner = w.Process(reached: at =>
        {
            // An error after the commit leaves in the dark whether it happened.
            if (at is "before lease" or "before commit" or "after commit" && busy.Add(at)) throw new BatchMlException("busy", FailureKind.Transient);
        });
        Assert.Equal(RunState.Completed, (await runner.RunAsync(Job(), new RunRequest { MaxParallel = 1 }, "run", default)).State);
        await w.AssertWholeAsync(Set, Old);
    }
}
