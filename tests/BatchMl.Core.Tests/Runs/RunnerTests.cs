using BatchMl.Runs;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Runs;

public sealed class RunnerTests
{
    const string Set = "flights/score";

    static Dictionary<string, string> Texts(params string[] texts) => texts.Select(t => t.Split(": ")).ToDictionary(t => t[0], t => t[1]);

    [Fact]
    public async Task What_was_made_is_not_made_again()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2", "3");
        var first = await w.RunAsync(job);
        Assert.Equal((RunState.Completed, 0, 3, 0), (first.State, first.ExitCode, first.Steps[0].Done, first.Steps[0].Skipped));
        await w.AssertWholeAsync(Set, Texts("1: in 1, made", "2: in 2, made", "3: in 3, made"));
        var second = await w.RunAsync(job);
        Assert.Equal((RunState.Completed, 0, 0, 3), (second.State, second.ExitCode, second.Steps[0].Done, second.Steps[0].Skipped));
        Assert.Equal((3, 2), (job.Begun.Count, job.Finished));
        Assert.Equal(["report made"], second.Steps[0].Notes);
        await w.AssertWholeAsync(Set, Texts("1: in 1, made", "2: in 2, made", "3: in 3, made"));
    }

    [Fact]
    public async Task A_new_day_adds_one_partition()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2");
        await w.RunAsync(job);
        job.With("3");
        Assert.Equal((1, 2), (await w.RunAsync(job)) is { Steps: [var step] } ? (step.Done, step.Skipped) : default);
        Assert.Equal(["1", "2", "3"], job.Begun.Order());
    }

    [Theory]
    [InlineData(ChangePolicy.Report, "1 Reported: inputs changed; kept as it is", "in 1, made", 1)]
    [InlineData(ChangePolicy.Freeze, "1 Frozen: inputs changed; frozen", "in 1, made", 0)]
    [InlineData(ChangePolicy.Restate, "1 Redo: inputs changed", "new, made", 0)]
    public async Task The_policy_decides_about_changed_inputs(ChangePolicy policy, string told, string text, int reported)
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set) { Policy = policy }.With("1", "2");
        await w.RunAsync(job);
        job.Inputs["1"] = "new";
        var summary = await w.RunAsync(job);
        Assert.Contains(told, w.Listener.Lines);
        Assert.Equal(reported, summary.Steps[0].Reported);
        await w.AssertWholeAsync(Set, Texts($"1: {text}", "2: in 2, made"));
    }

    [Fact]
    public async Task Force_makes_again_and_what_is_gone_from_the_sink_is_made_again()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2");
        await w.RunAsync(job);
        Assert.Equal(2, (await w.RunAsync(job, new RunRequest { Force = true })).Steps[0].Done);
        Directory.Delete(Path.Combine(w.Workspace.Datasets, Set, "2"), recursive: true);
        Assert.Equal(1, (await w.RunAsync(job)).Steps[0].Done);
        Assert.Contains("2 Redo: its files are gone", w.Listener.Lines);
        await w.AssertWholeAsync(Set, Texts("1: in 1, made", "2: in 2, made"));
    }

    [Fact]
    public async Task A_catalog_that_was_begun_anew_replaces_what_is_visible()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1");
        await w.RunAsync(job);
        await w.RunAsync(job, new RunRequest { Force = true });
        await using var anew = new RunnerHarness();
        Directory.CreateDirectory(anew.Workspace.Datasets);
        Directory.Move(Path.Combine(w.Workspace.Datasets, "flights"), Path.Combine(anew.Workspace.Datasets, "flights"));
        job.Inputs["1"] = "new";
        await anew.RunAsync(job);
        await anew.AssertWholeAsync(Set, Texts("1: new, made"));
    }

    [Fact]
    public async Task A_transient_error_is_tried_again_with_longer_waits()
    {
        await using var w = new RunnerHarness(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50)));
        var job = new TextJob(Set).With("1");
        var tries = 0;
        job.Making = (_, _) => ++tries < 4 ? throw new IOException("disk /a/b is full") : Task.CompletedTask;
        var summary = await w.RunAsync(job);
        Assert.Equal((RunState.Completed, 4), (summary.State, tries));
        Assert.Equal(3, w.Listener.Lines.Count(l => l == "1 again: disk /a/b is full"));
        Assert.Equal(["FAIL", "FAIL", "FAIL", "COMPLETE"], w.Events().Where(e => e.Parent is not null && e.Type != "START").Select(e => e.Type));
        await w.AssertWholeAsync(Set, Texts("1: in 1, made"));
        tries = -10;
        job.With("2");
        summary = await w.RunAsync(job);
        Assert.Equal((RunState.Failed, 1, -6), (summary.State, summary.ExitCode, tries));
        Assert.Contains("disk /a/b is full", summary.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_unit_only_the_bad_partition_fails_and_later_steps_wait()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set) { UnitSize = 3 }.With("1", "2", "3", "4");
        var after = new TextJob("flights/monitor").With("1");
        job.Making = (unit, _) => unit.Attempts.Any(a => a.Partition.Key.Value == "2") ? throw new DataException("row 7 is bad") : Task.CompletedTask;
        var summary = await w.RunAsync(new PipelineJob("flights", "", job, after));
        Assert.Equal((RunState.Failed, 1), (summary.State, summary.ExitCode));
        Assert.Equal((3, 1), (summary.Steps[0].Done, summary.Steps[0].Failed));
        Assert.Contains("flights/score day=2: row 7 is bad", summary.Error, StringComparison.Ordinal);
        Assert.Contains("Not run, because they come after it: flights/monitor", summary.Error, StringComparison.Ordinal);
        Assert.Contains($"retry {summary.RunId}", summary.Error, StringComparison.Ordinal);
        Assert.Equal((0, 0), (after.Planned, job.Finished));
        await w.AssertWholeAsync(Set, Texts("1: in 1, made", "3: in 3, made", "4: in 4, made"));
        job.Making = (_, _) => Task.CompletedTask;
        job.Begun.Clear();
        var retried = await w.Process().RetryAsync(summary.RunId[..30], _ => new PipelineJob("flights", "", job, after), default);
        Assert.Equal((RunState.Completed, "2"), (retried.State, Assert.Single(job.Begun)));
        Assert.Equal(summary.RunId, (await w.Catalog.FindRunAsync(retried.RunId, default))!.ParentRunId);
        await Assert.ThrowsAsync<DefinitionException>(() => w.Process().RetryAsync(summary.RunId, _ => job, default));
    }

    [Fact]
    public async Task A_defect_stops_the_run_and_gives_everything_back()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2", "3");
        job.Making = (unit, _) => unit.Attempts[0].Partition.Key.Value == "2" ? throw new InvalidOperationException("a defect") : Task.CompletedTask;
        var summary = await w.RunAsync(job, new RunRequest { MaxParallel = 1 });
        Assert.Equal((RunState.Failed, 1), (summary.State, summary.ExitCode));
        Assert.Contains("a defect", summary.Error, StringComparison.Ordinal);
        Assert.Equal(["1", "2"], job.Begun);
        await w.AssertWholeAsync(Set, Texts("1: in 1, made"));
    }

    [Fact]
    public async Task Inputs_that_change_under_the_plan_are_planned_again()
    {
        await using var w = new RunnerHarness(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50)));
        var job = new TextJob(Set).With("1", "2");
        job.Making = (_, _) =>
        {
            if (job.Begun.Count == 1) job.Inputs["1"] = "changed";
            return Task.CompletedTask;
        };
        var summary = await w.RunAsync(job, new RunRequest { MaxParallel = 1 });
        Assert.Equal((RunState.Completed, 2, 2), (summary.State, summary.Steps[0].Done, job.Planned));
        await w.AssertWholeAsync(Set, Texts("1: changed, made", "2: in 2, made"));
    }

    [Fact]
    public async Task More_dead_letters_than_allowed_end_the_run_with_3_and_what_was_committed_stays()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set) { DeadLetterLimit = 5, DeadLetters = _ => 2 }.With("1", "2", "3", "4");
        var summary = await w.RunAsync(job, new RunRequest { MaxParallel = 1 });
        Assert.Equal((RunState.Failed, 3, 2), (summary.State, summary.ExitCode, summary.Steps[0].Done));
        await w.AssertWholeAsync(Set, Texts("1: in 1, made", "2: in 2, made"));
        Assert.Equal(0, (await w.RunAsync(job, new RunRequest { DeadLetterLimit = 8 })).ExitCode);
    }

    [Fact]
    public async Task Dead_letters_of_an_attempt_that_failed_do_not_count()
    {
        await using var w = new RunnerHarness(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50)));
        var tries = 0;
        var job = new TextJob(Set) { DeadLetterLimit = 2, DeadLetters = _ => 2 }.With("1");
        await using var _ = w;
        var runner = w.Process(reached: at =>
        {
            if (at == "staged" && ++tries < 3) throw new IOException("busy");
        });
        Assert.Equal(0, (await w.PumpAsync(runner.RunAsync(job, new RunRequest(), "run", default))).ExitCode);
    }

    [Fact]
    public async Task Replay_makes_again_only_partitions_with_dead_letters()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set) { DeadLetters = day => day == "2" ? 1 : 0 }.With("1", "2", "3");
        var first = await w.RunAsync(job);
        job.DeadLetters = _ => 0;
        job.Begun.Clear();
        var replayed = await w.Process().ReplayAsync(first.RunId, _ => job, default);
        Assert.Equal((RunState.Completed, "2"), (replayed.State, Assert.Single(job.Begun)));
        await Assert.ThrowsAsync<DefinitionException>(() => w.Process().ReplayAsync(first.RunId, _ => job, default));
        await Assert.ThrowsAsync<DefinitionException>(() => w.Process().ReplayAsync(replayed.RunId, _ => job, default));
        var missing = await Assert.ThrowsAsync<DefinitionException>(() => w.Process().ReplayAsync("nope", _ => job, default));
        Assert.Contains("'nope'", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_gives_leases_back_and_keeps_what_was_committed()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2", "3");
        using var cancel = new CancellationTokenSource();
        job.Making = async (unit, token) =>
        {
            if (unit.Attempts[0].Partition.Key.Value != "2") return;
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
        };
        var summary = await w.Process().RunAsync(job, new RunRequest { MaxParallel = 1 }, "run", cancel.Token);
        Assert.Equal((RunState.Cancelled, 1), (summary.State, summary.ExitCode));
        Assert.Equal(["ABORT", "ABORT"], w.Events().Where(e => e.Type is not ("START" or "COMPLETE")).Select(e => e.Type));
        await w.AssertWholeAsync(Set, Texts("1: in 1, made"));
        job.Making = (_, _) => Task.CompletedTask;
        Assert.Equal(2, (await w.RunAsync(job)).Steps[0].Done);
    }

    sealed class Grumbler : RunListener
    {
        public override void RunStarted(string runId, string job) => throw new InvalidOperationException();
        public override void PartitionCommitted(PlannedPartition partition, PartitionResult result) => throw new InvalidOperationException();
    }

    [Fact]
    public async Task A_listener_that_throws_stops_nothing()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2");
        Assert.Equal(2, (await w.Process(listener: new Grumbler()).RunAsync(job, new RunRequest(), "run", default)).Steps[0].Done);
    }

    [Fact]
    public async Task A_plan_that_can_not_be_made_is_thrown_and_kept_as_a_failed_run()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1");
        var pipeline = new PipelineJob("flights", "", job, new Unplannable());
        var error = await Assert.ThrowsAsync<DefinitionException>(() => w.RunAsync(pipeline));
        Assert.Equal("no such column", error.Message);
        await w.AssertWholeAsync(Set, Texts("1: in 1, made"));
        Assert.Equal(RunState.Failed, (await w.Catalog.FindRunAsync(null, default))!.State);
    }

    sealed class Unplannable() : DatasetJob("flights/bad", "")
    {
        public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => throw new DefinitionException("no such column");
    }

    [Fact]
    public async Task Many_partitions_take_few_transactions_each_and_none_when_nothing_is_to_do()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set) { UnitSize = 50 }.With([.. Enumerable.Range(0, 300).Select(i => $"{i:D4}")]);
        var calls = 0;
        var runner = w.Process(reached: at =>
        {
            if (at.StartsWith("before", StringComparison.Ordinal)) Interlocked.Increment(ref calls);
        });
        await runner.RunAsync(job, new RunRequest(), "run", default);
        Assert.InRange(calls, 300, 300 * 6 + 100);
        calls = 0;
        await runner.RunAsync(job, new RunRequest(), "run", default);
        Assert.InRange(calls, 1, 15);
    }
}
