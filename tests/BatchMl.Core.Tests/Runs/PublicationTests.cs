using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Core.Tests.Runs;

/// <summary>Sinks whose publications take a while, as loads into a warehouse do.</summary>
public sealed class PublicationTests
{
    static readonly TimeSpan limit = TimeSpan.FromSeconds(60);

    static PublicationPace Pace(int atOnce, TimeSpan? patience = null) => new(atOnce, patience ?? TimeSpan.FromSeconds(5));

    static TextJob Days(int count, int unit) => new TextJob("t") { UnitSize = unit }.With([.. Enumerable.Range(1, count).Select(d => $"day{d}")]);

    [Fact]
    public async Task Partitions_of_a_unit_are_published_side_by_side_as_many_as_the_sink_likes()
    {
        await using var harness = new RunnerHarness();
        var (under, most) = (0, 0);
        var three = new TaskCompletionSource();
        async Task PublishingAsync(PartitionKey key)
        {
            var now = Interlocked.Increment(ref under);
            lock (three) most = Math.Max(most, now);
            if (now == 3) three.TrySetResult();
            // Each waits until there are three of them.
            await three.Task.WaitAsync(limit);
            await Task.Delay(10);
            Interlocked.Decrement(ref under);
        }

        var summary = await harness.Process(publishing: PublishingAsync, pace: Pace(3)).RunAsync(Days(8, unit: 8), new RunRequest(), "run", default);
        Assert.Equal((RunState.Completed, 8, 3), (summary.State, (await harness.Sink.TextsAsync("t")).Count, most));
    }

    [Fact]
    public async Task One_that_fails_leaves_the_others_alone_and_the_next_run_publishes_it()
    {
        await using var harness = new RunnerHarness();
        var job = Days(4, unit: 4);
        var failed = await harness.Process(publishing: key => key.Value == "day2" ? throw new BatchMlException("the warehouse is full") : Task.CompletedTask, pace: Pace(4)).RunAsync(job, new RunRequest(), "run", default);
        Assert.Equal(RunState.Failed, failed.State);
        Assert.Contains("the warehouse is full", failed.Error, StringComparison.Ordinal);
        Assert.Equal(["day1", "day3", "day4"], (await harness.Sink.TextsAsync("t")).Keys);
        var next = await harness.Process("p2", gone: "p1").RunAsync(job, new RunRequest(), "run", default);
        Assert.Equal((RunState.Completed, 4, 1), (next.State, (await harness.Sink.TextsAsync("t")).Count, job.Begun.Count));
    }

    [Fact]
    public async Task An_error_that_stops_the_run_commits_no_more_and_loses_nothing()
    {
        await using var harness = new RunnerHarness();
        var job = Days(6, unit: 6);
        await Assert.ThrowsAsync<DefinitionException>(() => harness.Process(publishing: _ => throw new DefinitionException("the table is another one"), pace: Pace(1)).RunAsync(job, new RunRequest(), "run", default));
        var ledger = await harness.Catalog.LedgerAsync("folder", "t", default);
        Assert.Single(ledger, e => e.Committed is not null);
        Assert.All(ledger, e => Assert.Null(e.Lease));
        var next = await harness.Process("p2", gone: "p1").RunAsync(job, new RunRequest(), "run", default);
        Assert.Equal((RunState.Completed, 6), (next.State, (await harness.Sink.TextsAsync("t")).Count));
    }

    [Theory]
    [InlineData(60_000, RunState.Completed)]
    [InlineData(1, RunState.Failed)]
    public async Task Who_waits_for_another_process_waits_as_long_as_a_publication_may_take(int patience, RunState expected)
    {
        await using var harness = new RunnerHarness();
        var (begun, go, planned) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        async Task PublishingAsync(PartitionKey key)
        {
            begun.TrySetResult();
            await go.Task.WaitAsync(limit);
        }

        // Both mean to make it; the first does, and is about to publish when the other has its turn.
        var job = Days(1, unit: 1);
        job.Making = (_, _) => planned.Task.WaitAsync(limit);
        var first = harness.Process(publishing: PublishingAsync).RunAsync(job, new RunRequest(), "run", default);
        while (job.Begun.IsEmpty) await Task.Delay(1);
        var second = harness.Process("p2", pace: Pace(1, TimeSpan.FromMilliseconds(patience))).RunAsync(job, new RunRequest(), "run", default);
        while (job.Planned < 2) await Task.Delay(1);
        planned.SetResult();
        await begun.Task.WaitAsync(limit);
        if (expected == RunState.Failed) await second.WaitAsync(limit);
        go.SetResult();
        Assert.True(((await first).State, (await second).State) == (RunState.Completed, expected), $"{(await first).Error} / {(await second).Error} / {string.Join(" ; ", harness.Listener.Lines)}");
        Assert.Single(job.Begun);
    }

    [Fact]
    public async Task Versions_of_a_partition_are_published_one_after_the_other()
    {
        await using var harness = new RunnerHarness();
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (one, two) = (Days(1, unit: 1), Days(1, unit: 1));
        (one.Dataset, two.Dataset) = ("t@1", "t@2");
        two.Making = (_, _) => begun.Task.WaitAsync(limit);
        var second = harness.Process("p2", pace: Pace(1, TimeSpan.FromMilliseconds(1))).RunAsync(two, new RunRequest(), "run", default);
        while (two.Begun.IsEmpty) await Task.Delay(1);
        var first = harness.Process(publishing: async _ =>
        {
            begun.TrySetResult();
            await go.Task.WaitAsync(limit);
        }).RunAsync(one, new RunRequest(), "run", default);
        var waited = await second.WaitAsync(limit);
        Assert.Equal(RunState.Failed, waited.State);
        Assert.Contains("locked by another process", waited.Error, StringComparison.Ordinal);
        go.SetResult();
        Assert.Equal(RunState.Completed, (await first).State);
        Assert.Equal(RunState.Completed, (await harness.RunAsync(two)).State);
        Assert.Single(two.Begun);
        foreach (var dataset in new[] { "t@1", "t@2" }) Assert.True((await harness.Catalog.LedgerAsync("folder", dataset, default)).Single().IsPublished);
    }
}
