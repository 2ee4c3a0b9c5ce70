using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;
using Xunit;

namespace BatchMl.TestSupport.Runs;

/// <summary>What every <see cref="ICatalog"/> promises.</summary>
public abstract class CatalogContract : IAsyncLifetime
{
    protected static readonly DateTimeOffset At = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);
    readonly List<ICatalog> opened = [];

    /// <summary>Another connection to the one store of this test.</summary>
    protected abstract ICatalog Connect();

    protected ICatalog Open()
    {
        opened.Add(Connect());
        return opened[^1];
    }

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var catalog in opened) await catalog.DisposeAsync();
    }

    protected static PartitionKey Key(string value = "2013-10-01") => new("folder", "flights/score", "day", value);

    static NewAttempt Attempt(string id, string value = "2013-10-01", string run = "r1", long after = 0) =>
        new(Key(value), run, id, "here", new LineageRun(id, "flights/score", run, "flights", run, "flights", At, At.AddDays(1), $"day={value}"), 15, after);

    static StagedPartition Staged(Lease lease, long letters = 0) =>
        new(lease.Key, lease.Fence, $"_staging/{lease.Fence}", [new StagedFile(FileKind.Data, $"part-{lease.Fence}", 10, 100, "ab")], 10, letters, $"digest{lease.Fence}", "[]");

    static CommittedVersion Version(Lease lease) => new(Staged(lease), new Fingerprint("d", "m", $"i{lease.Fence}", "1.1"), lease.RunId, At);

    static async Task StartAsync(ICatalog catalog, string run = "r1", params IReadOnlyList<string> events) =>
        await catalog.StartRunAsync(new RunRecord(run, "flights", "run", "{}", RunState.Running, At, null, null, null, "here", null), events, default);

    static async Task<Lease> LeaseAsync(ICatalog catalog, string id, string value = "2013-10-01") =>
        (await catalog.TryLeaseAsync(Attempt(id, value), null, (await catalog.EntryAsync(Key(value), default))?.Committed?.Staged.Fence ?? 0, [$"start {id}"], At, default))!;

    static async Task<Lease> CommittedAsync(ICatalog catalog, string id)
    {
        var lease = await LeaseAsync(catalog, id);
        Assert.True(await catalog.StageAsync(lease, Staged(lease), default));
        Assert.True(await catalog.CommitAsync(lease, Version(lease), [$"complete {id}"], default));
        return lease;
    }

    static async Task<string> OutboxAsync(ICatalog catalog) => string.Join(", ", (await catalog.PendingAsync(1000, default)).Select(e => e.Json));

    [Fact]
    public async Task What_is_committed_comes_back_the_same_through_another_connection()
    {
        var catalog = Open();
        await StartAsync(catalog);
        var lease = await CommittedAsync(catalog, "a1");
        var entry = await Open().EntryAsync(Key(), default);
        Assert.Equivalent(Version(lease), entry!.Committed, strict: true);
        Assert.Null(entry.Lease);
        Assert.False(entry.IsPublished);
        Assert.Equal([Key()], (await catalog.UnpublishedAsync(default)).Select(e => e.Key));
        await catalog.MarkPublishedAsync(Key(), lease.Fence, At, default);
        Assert.Empty(await catalog.UnpublishedAsync(default));
        Assert.True((await catalog.EntryAsync(Key(), default))!.IsPublished);
        var attempt = Assert.Single(await catalog.AttemptsAsync("r1", default));
        Assert.Equal((AttemptState.Published, 10L, Attempt("a1").Lineage), (attempt.State, attempt.Rows, attempt.Lineage));
    }

    [Fact]
    public async Task A_finished_run_is_immutable()
    {
        var catalog = Open();
        await StartAsync(catalog, "r1", "start r1");
        Assert.Equal(["r1"], (await catalog.UnfinishedRunsAsync(default)).Select(r => r.RunId));
        Assert.True(await catalog.FinishRunAsync("r1", RunState.Failed, "why", "{\"a\":1}", ["fail r1"], At.AddSeconds(3), default));
        Assert.False(await catalog.FinishRunAsync("r1", RunState.Completed, null, null, ["complete r1"], At.AddSeconds(9), default));
        var run = (await catalog.FindRunAsync("r1", default))!;
        Assert.Equal((RunState.Failed, "why", "{\"a\":1}", At.AddSeconds(3)), (run.State, run.Error, run.SummaryJson, run.FinishedAt));
        Assert.Empty(await catalog.UnfinishedRunsAsync(default));
        Assert.Equal("start r1, fail r1", await OutboxAsync(catalog));
    }

    [Fact]
    public async Task Runs_are_found_by_unique_prefix_and_listed_newest_first()
    {
        var catalog = Open();
        foreach (var id in new[] { "ab1", "ab2", "c", "ab" }) await StartAsync(catalog, id);
        Assert.Equal("ab1", (await catalog.FindRunAsync("ab1", default))!.RunId);
        Assert.Equal("ab", (await catalog.FindRunAsync("ab", default))!.RunId);
        Assert.Equal("ab", (await catalog.FindRunAsync(null, default))!.RunId);
        Assert.Null(await catalog.FindRunAsync("x", default));
        Assert.Null(await catalog.FindRunAsync("%", default));
        var error = await Assert.ThrowsAsync<DefinitionException>(() => catalog.FindRunAsync("a", default));
        Assert.Contains("ab1, ab2, ab", error.Message, StringComparison.Ordinal);
        Assert.Equal(["ab", "c"], (await catalog.RecentRunsAsync(2, default)).Select(r => r.RunId));
    }

    [Fact]
    public async Task A_held_partition_is_given_to_nobody_else()
    {
        var catalog = Open();
        await StartAsync(catalog);
        Assert.Equal(1, (await LeaseAsync(catalog, "a1")).Fence);
        Assert.Null(await Open().TryLeaseAsync(Attempt("a2"), null, 0, ["start a2"], At, default));
        Assert.Equal("start a1", await OutboxAsync(catalog));
        Assert.Equal("a1", Assert.Single(await catalog.OpenAttemptsAsync(default)).AttemptId);
    }

    [Fact]
    public async Task A_lease_is_taken_over_only_from_exactly_what_was_seen_to_expire()
    {
        var catalog = Open();
        await StartAsync(catalog);
        var first = await LeaseAsync(catalog, "a1");
        var seen = (await catalog.EntryAsync(Key(), default))!.Lease!;
        Assert.True(await catalog.HeartbeatAsync([first], default));
        Assert.Null(await catalog.TryLeaseAsync(Attempt("a2"), seen, 0, ["start a2"], At, default));
        seen = (await catalog.EntryAsync(Key(), default))!.Lease!;
        Assert.Equal((1L, 1L, "here", 15.0, Attempt("a1").Lineage), (seen.Fence, seen.Heartbeat, seen.Holder, seen.TtlSeconds, seen.Lineage));
        var second = await catalog.TryLeaseAsync(Attempt("a2"), seen, 0, ["abort a1", "start a2"], At, default);
        Assert.Equal(2, second!.Fence);
        Assert.Equal([AttemptState.Aborted, AttemptState.Leased], (await catalog.AttemptsAsync("r1", default)).Select(a => a.State));
    }

    [Fact]
    public async Task Whoever_lost_the_lease_changes_nothing_at_any_step()
    {
        var catalog = Open();
        await StartAsync(catalog);
        var stalled = await LeaseAsync(catalog, "a1");
        Assert.True(await catalog.StageAsync(stalled, Staged(stalled), default));
        await catalog.TryLeaseAsync(Attempt("a2"), (await catalog.EntryAsync(Key(), default))!.Lease, 0, ["start a2"], At, default);
        var before = CatalogModel.Lines(await catalog.LedgerAsync("folder", "flights/score", default));
        Assert.False(await catalog.HeartbeatAsync([stalled], default));
        Assert.False(await catalog.StageAsync(stalled, Staged(stalled), default));
        Assert.False(await catalog.CommitAsync(stalled, Version(stalled), ["complete a1"], default));
        Assert.False(await catalog.ReleaseAsync(stalled, AttemptState.Failed, "x", ["fail a1"], At, default));
        await catalog.MarkPublishedAsync(Key(), stalled.Fence, At, default);
        Assert.Equal(before, CatalogModel.Lines(await catalog.LedgerAsync("folder", "flights/score", default)));
        Assert.Equal([AttemptState.Aborted, AttemptState.Leased], (await catalog.AttemptsAsync("r1", default)).Select(a => a.State));
        Assert.Equal("start a1, start a2", await OutboxAsync(catalog));
    }

    [Fact]
    public async Task A_version_that_was_not_staged_does_not_commit()
    {
        var catalog = Open();
        await StartAsync(catalog);
        var lease = await LeaseAsync(catalog, "a1");
        Assert.False(await catalog.CommitAsync(lease, Version(lease), ["complete"], default));
        Assert.Null((await catalog.EntryAsync(Key(), default))!.Committed);
    }

    [Fact]
    public async Task A_lease_is_refused_when_another_version_was_committed_than_the_one_decided_about()
    {
        var catalog = Open();
        await StartAsync(catalog);
        await CommittedAsync(catalog, "a1");
        Assert.Null(await catalog.TryLeaseAsync(Attempt("a2"), null, 0, [], At, default));
        Assert.Equal(2, (await catalog.TryLeaseAsync(Attempt("a3"), null, 1, [], At, default))!.Fence);
    }

    [Fact]
    public async Task An_older_version_is_not_marked_published_over_a_newer_one()
    {
        var catalog = Open();
        await StartAsync(catalog);
        await CommittedAsync(catalog, "a1");
        await CommittedAsync(catalog, "a2");
        await catalog.MarkPublishedAsync(Key(), 1, At, default);
        Assert.False((await catalog.EntryAsync(Key(), default))!.IsPublished);
        Assert.Equal([AttemptState.Committed, AttemptState.Committed], (await catalog.AttemptsAsync("r1", default)).Select(a => a.State));
        await catalog.MarkPublishedAsync(Key(), 2, At, default);
        Assert.True((await catalog.EntryAsync(Key(), default))!.IsPublished);
    }

    [Fact]
    public async Task Fences_go_on_behind_what_the_sink_shows()
    {
        var catalog = Open();
        await StartAsync(catalog);
        Assert.Equal(8, (await catalog.TryLeaseAsync(Attempt("a1", after: 7), null, 0, [], At, default))!.Fence);
    }

    [Fact]
    public async Task Events_are_delivered_in_order_and_only_once_across_files()
    {
        var catalog = Open();
        await StartAsync(catalog, "r1", "e1", "e2", "e3");
        Assert.Equal(0, await catalog.DeliveredLengthAsync("2024-01", default));
        var two = await catalog.PendingAsync(2, default);
        Assert.Equal(["e1", "e2"], two.Select(e => e.Json));
        Assert.All(two, e => Assert.Equal(At, e.At));
        await catalog.MarkDeliveredAsync("2024-01", two[1].Id, 6, default);
        Assert.Equal("e3", await OutboxAsync(catalog));
        await catalog.MarkDeliveredAsync("2024-02", two[1].Id + 1, 3, default);
        Assert.Equal("", await OutboxAsync(catalog));
        Assert.Equal((6L, 3L), (await catalog.DeliveredLengthAsync("2024-01", default), await catalog.DeliveredLengthAsync("2024-02", default)));
    }

    [Fact]
    public async Task Of_many_that_want_a_partition_at_once_one_gets_it()
    {
        await StartAsync(Open());
        var wanted = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i, Catalog: Open())).Select(w => Task.Run(async () =>
            await w.Catalog.TryLeaseAsync(Attempt($"a{w.i}"), null, 0, [$"start a{w.i}"], At, default))));
        var got = Assert.Single(wanted, l => l is not null);
        Assert.Equal($"start {got!.AttemptId}", await OutboxAsync(opened[0]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_interleavings_do_what_the_model_does(int seed)
    {
        var random = new Random(seed);
        var model = new CatalogModel();
        ICatalog[] processes = [Open(), Open(), Open()];
        await StartAsync(processes[0]);
        var leases = new List<Lease>();
        LeaseInfo? seen = null;
        for (var i = 0; i < 600; i++)
        {
            var catalog = processes[random.Next(processes.Length)];
            var value = $"p{random.Next(2)}";
            var lease = leases.Count > 0 ? leases[random.Next(Math.Max(0, leases.Count - 6), leases.Count)] : null;
            switch (random.Next(8))
            {
                case 0:
                    seen = (await catalog.EntryAsync(Key(value), default))?.Lease;
                    break;
                case 1 or 2:
                    var attempt = Attempt($"a{i}", value, after: random.Next(20) == 0 ? i : 0);
                    var committed = random.Next(4) == 0 ? random.Next(3) : (await catalog.EntryAsync(Key(value), default))?.Committed?.Staged.Fence ?? 0;
                    var from = random.Next(3) == 0 ? null : seen;
                    var got = await catalog.TryLeaseAsync(attempt, from, committed, [$"start {i}"], At.AddSeconds(i), default);
                    Assert.Equal(model.TryLease(attempt, from, committed, [$"start {i}"]), got?.Fence);
                    if (got is not null) leases.Add(got);
                    break;
                case 3 when lease is not null:
                    Assert.Equal(model.Heartbeat([lease, leases[^1]]), await catalog.HeartbeatAsync([lease, leases[^1]], default));
                    break;
                case 4 when lease is not null:
                    Assert.Equal(model.Stage(lease), await catalog.StageAsync(lease, Staged(lease), default));
                    break;
                case 5 when lease is not null:
                    Assert.Equal(model.Commit(lease, [$"complete {i}"]), await catalog.CommitAsync(lease, Version(lease), [$"complete {i}"], default));
                    break;
                case 6 when lease is not null:
                    model.MarkPublished(lease);
                    await catalog.MarkPublishedAsync(lease.Key, lease.Fence, At, default);
                    break;
                case 7 when lease is not null && random.Next(3) == 0:
                    var state = random.Next(2) == 0 ? AttemptState.Failed : AttemptState.Aborted;
                    Assert.Equal(model.Release(lease, state, [$"end {i}"]), await catalog.ReleaseAsync(lease, state, "why", [$"end {i}"], At, default));
                    break;
            }
            if (i % 50 == 0 || i == 599) await AssertSameAsync(model, catalog);
        }
    }

    static async Task AssertSameAsync(CatalogModel model, ICatalog catalog)
    {
        Assert.Equal(model.Ledger, CatalogModel.Lines(await catalog.LedgerAsync("folder", "flights/score", default)));
        Assert.Equivalent(model.Attempts, (await catalog.AttemptsAsync("r1", default)).ToDictionary(a => a.AttemptId, a => a.State), strict: true);
        Assert.Equal(model.Attempts.Values.Count(s => s is AttemptState.Leased or AttemptState.Staged), (await catalog.OpenAttemptsAsync(default)).Count);
        Assert.Equal(string.Join(", ", model.Outbox), await OutboxAsync(catalog));
    }
}
