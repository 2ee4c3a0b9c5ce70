using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Runs;

/// <summary>What is due, what waits for its inputs, and which partitions of a range are asked for.</summary>
public sealed class DueTests
{
    const string Set = "flights/score";
    static readonly DateTimeOffset midnight = new(2013, 10, 1, 0, 0, 0, TimeSpan.Zero);

    static TextJob Daily(TimeSpan dueAfter = default, ChangePolicy policy = ChangePolicy.Report) =>
        new(Set) { Ends = day => midnight.AddDays(int.Parse(day, System.Globalization.CultureInfo.InvariantCulture)), DueAfter = dueAfter, Policy = policy };

    [Theory]
    [InlineData(0, "1 2")]
    [InlineData(1, "1")]
    [InlineData(-24, "1 2 3")]
    public async Task Only_partitions_whose_time_has_come_are_made(int dueAfterHours, string made)
    {
        await using var w = new RunnerHarness();
        var job = Daily(TimeSpan.FromHours(dueAfterHours)).With("1", "2", "3", "4");
        var summary = await w.RunAsync(job, new RunRequest { Due = midnight.AddDays(2) });
        Assert.Equal(made, string.Join(' ', job.Begun.Order()));
        Assert.Equal((0, 4 - job.Begun.Count), (summary.ExitCode, summary.Steps[0].NotDue));
        Assert.Contains(w.Listener.Lines, l => l.StartsWith("4 NotDue: due at 2013-10-0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Partitions_whose_inputs_are_not_ready_are_not_made_the_others_are_and_steps_behind_go_on()
    {
        await using var w = new RunnerHarness();
        var (job, after) = (new TextJob(Set).With("1", "2", "3"), new TextJob("flights/monitor").With("1"));
        job.Awaits = day => day == "2" ? [new AwaitedInput("weather", "rows until noon", "until midnight")] : [];
        var pipeline = new PipelineJob("flights", "", job, after);
        var summary = await w.RunAsync(pipeline);
        Assert.Equal((RunState.Failed, 1), (summary.State, summary.ExitCode));
        Assert.Equal(["1", "3"], job.Begun.Order());
        Assert.Equal(new WaitingPartition("day=2", "weather has rows until noon, needed is until midnight"), Assert.Single(summary.Steps[0].Waiting));
        Assert.Contains("flights/score day=2: weather has rows until noon, needed is until midnight", summary.Error, StringComparison.Ordinal);
        Assert.Equal("1", Assert.Single(after.Begun));
        job.Awaits = _ => [];
        // The run as a whole is what a retry does again: no partition of it failed.
        Assert.Equal((RunState.Completed, 1), (await w.Process().RetryAsync(summary.RunId, _ => pipeline, default)) is var again ? (again.State, again.Steps[0].Done) : default);
        await w.AssertWholeAsync(Set, new Dictionary<string, string> { ["1"] = "in 1, made", ["2"] = "in 2, made", ["3"] = "in 3, made" });
    }

    [Theory]
    [InlineData(40, 0)]
    [InlineData(90, 1)]
    public async Task A_run_waits_for_inputs_as_long_as_it_was_told(int readyAfterMinutes, int exitCode)
    {
        var clock = new FakeTimeProvider(midnight);
        await using var w = new RunnerHarness(clock);
        var job = new TextJob(Set).With("1", "2");
        job.Awaits = day => day == "2" && clock.GetUtcNow() < midnight.AddMinutes(readyAfterMinutes) ? [new AwaitedInput("weather", "nothing", "something")] : [];
        var run = w.Process().RunAsync(job, new RunRequest { Wait = TimeSpan.FromHours(1) }, "run", default);
        while (!run.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(1);
        }
        var summary = await run;
        Assert.Equal((exitCode, 2 - exitCode, exitCode), (summary.ExitCode, summary.Steps[0].Done, summary.Steps[0].Waiting.Count));
        Assert.Single(w.Listener.Lines, "2 wait");
    }

    [Fact]
    public async Task The_newest_come_first_where_that_is_asked_for()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2", "3");
        await w.RunAsync(job, new RunRequest { Order = PartitionOrder.Newest, MaxParallel = 1 });
        Assert.Equal(["3", "2", "1"], job.Begun);
    }

    [Fact]
    public async Task Only_what_failed_and_was_not_made_since_is_tried_again()
    {
        await using var w = new RunnerHarness();
        var job = new TextJob(Set).With("1", "2", "3");
        job.Making = (unit, _) => unit.Attempts[0].Partition.Key.Value is "2" or "3" ? throw new DataException("bad") : Task.CompletedTask;
        Assert.Equal(1, (await w.RunAsync(job)).ExitCode);
        job.Making = (_, _) => Task.CompletedTask;
        await w.RunAsync(job, new RunRequest { Only = [new PartitionKey("folder", Set, "day", "3")] });
        job.With("4");
        job.Begun.Clear();
        Assert.Equal(0, (await w.RunAsync(job, new RunRequest { Scope = RunScope.Failed })).ExitCode);
        Assert.Equal(["2"], job.Begun);
    }

    [Theory]
    [InlineData(ChangePolicy.Report, "1")]
    [InlineData(ChangePolicy.Restate, "1")]
    [InlineData(ChangePolicy.Freeze, "")]
    public async Task Only_what_late_data_affects_is_restated_unless_it_is_frozen(ChangePolicy policy, string made)
    {
        await using var w = new RunnerHarness();
        var job = Daily(policy: policy).With("1", "2");
        await w.RunAsync(job);
        job.With("3");
        job.Inputs["1"] = "new";
        var late = Assert.Single(await w.Process().LateAsync(job, new RunRequest(), default));
        Assert.Equal((Set, "1", "inputs changed", policy), (late.Job, late.Value, late.Changes, late.Policy));
        job.Begun.Clear();
        await w.RunAsync(job, new RunRequest { Scope = RunScope.Affected });
        Assert.Equal(made, string.Join(' ', job.Begun));
        Assert.Equal(policy == ChangePolicy.Freeze ? 1 : 0, (await w.Process().LateAsync(job, new RunRequest(), default)).Count);
    }

    [Fact]
    public async Task What_another_version_made_is_late_too_and_is_made_again_by_the_one_that_is_run_now()
    {
        await using var w = new RunnerHarness();
        var job = Daily().With("1", "2");
        job.Dataset = $"{Set}@1";
        await w.RunAsync(job);
        job.Dataset = $"{Set}@2";
        job.Inputs["1"] = "new";
        var late = Assert.Single(await w.Process().LateAsync(job, new RunRequest(), default));
        Assert.Equal(("1", "inputs changed"), (late.Value, late.Changes));
        var plan = (await w.Process().PlanAsync(job, new RunRequest(), default))[0];
        Assert.All(plan.Decisions, d => Assert.Equal((DecisionKind.New, $"not made yet; {Set}@1 has it, and keeps it"), (d.Kind, d.Reason)));
        job.Begun.Clear();
        await w.RunAsync(job, new RunRequest { Scope = RunScope.Affected });
        Assert.Equal("1", string.Join(' ', job.Begun));
        Assert.Empty(await w.Process().LateAsync(job, new RunRequest(), default));
        // Back at the version before, what came after it is what readers see.
        job.Dataset = $"{Set}@1";
        Assert.Equal([$"inputs changed; kept as it is; {Set}@2, committed later, is current", "unchanged"], (await w.Process().PlanAsync(job, new RunRequest(), default))[0].Decisions.Select(d => d.Reason));
    }
}
