using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Catalog.Tests;

/// <summary>A server that is stopped, and one that is killed, under those who use it.</summary>
public sealed class PostgresRestartTests : IAsyncLifetime
{
    static readonly DateTimeOffset at = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);
    PostgresServer server = null!;

    public async ValueTask InitializeAsync() => server = await PostgresServer.StartAsync();

    public ValueTask DisposeAsync()
    {
        server.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_many_do_while_the_server_is_restarted_and_killed_is_done_and_done_once()
    {
        const int Workers = 6, Partitions = 40;
        var address = server.Address("batchml");
        await using var catalog = new PostgresCatalog(address);
        await using var operations = new PostgresOperations(address);
        await catalog.StartRunAsync(new RunRecord("r1", "j", "run", "{}", RunState.Running, at, null, null, null, "h", null), [], default);
        for (var i = 0; i < Partitions; i++)
        {
            await operations.EnqueueAsync(new QueuedRun { Id = $"q{i}", Job = "j", Verb = "run", RequestJson = "{}", Queue = "score", RequestedBy = "s", RequestedAt = at, State = QueuedRunState.Queued }, OverlapPolicy.Queue, default);
        }
        var (done, claimed) = (0, new System.Collections.Concurrent.ConcurrentBag<string>());
        var working = Task.WhenAll(Enumerable.Range(0, Workers).Select(w => Task.Run(async () =>
        {
            await using var own = new PostgresCatalog(address);
            await using var queue = new PostgresOperations(address);
            for (var i = 0; i < Partitions; i++)
            {
                var (id, key) = ($"q{i}", new PartitionKey("parquet", "scores", "day", $"{i:D3}"));
                if (await queue.ClaimAsync(id, $"h{w}", at, default) != ClaimResult.Claimed) continue;
                claimed.Add(id);
                var line = new LineageRun($"a{i}", "j", "r1", "j", "r1", "j", at, at.AddDays(1), "day");
                var lease = (await own.TryLeaseAsync(new NewAttempt(key, "r1", $"a{i}", $"h{w}", line, 15, 0), null, 0, [$"start {i}"], at, default))!;
                Assert.True(await own.HeartbeatAsync([lease], default));
                var staged = new StagedPartition(key, lease.Fence, "_staging", [], 1, 0, "d", "[]");
                Assert.True(await own.StageAsync(lease, staged, default));
                Assert.True(await own.CommitAsync(lease, new CommittedVersion(staged, new Fingerprint("d", "m", "i", "1.1"), "r1", at), [$"complete {i}"], default));
                await own.MarkPublishedAsync(key, lease.Fence, at, default);
                await queue.RecordAsync($"h{w}", "made", id, "{}", at, default);
                Assert.True(await queue.FinishQueuedAsync(id, $"h{w}", QueuedRunState.Succeeded, "r1", null, at, default));
                Interlocked.Increment(ref done);
            }
        })));
        foreach (var (isKilled, after) in new[] { (false, 5), (true, 15), (false, 25) })
        {
            while (Volatile.Read(ref done) < after && !working.IsCompleted) await Task.Delay(5, TestContext.Current.CancellationToken);
            await (isKilled ? server.KillAsync() : server.StopAsync());
            await server.GoOnAsync();
        }
        await working;
        Assert.Equal((Partitions, Partitions), (claimed.Count, claimed.Distinct().Count()));
        Assert.All(await operations.QueueAsync(new QueueFilter([]), default), r => Assert.Equal((QueuedRunState.Succeeded, 1), (r.State, r.Tries)));
        Assert.All(await catalog.LedgerAsync("parquet", "scores", default), e => Assert.Equal((1L, true, null), (e.Fence, e.IsPublished, e.Lease)));
        Assert.Equal((Partitions, Partitions), ((await catalog.LedgerAsync("parquet", "scores", default)).Count, (await catalog.AttemptsAsync("r1", default)).Count));
        var events = (await catalog.PendingAsync(1000, default)).Select(e => e.Json).ToArray();
        Assert.Equal(Enumerable.Range(0, Partitions).SelectMany(i => new[] { $"start {i}", $"complete {i}" }).Order(StringComparer.Ordinal), events.Order(StringComparer.Ordinal));
        Assert.Null(await operations.VerifyAuditAsync(default));
        Assert.Equal(Partitions, (await operations.AuditAsync(1000, null, default)).Select(e => e.Target).Distinct().Count());
    }

    [Fact]
    public async Task A_server_that_does_not_come_back_is_a_transient_error()
    {
        await using var catalog = new PostgresCatalog(server.Address(), TimeSpan.FromMilliseconds(300));
        await catalog.RecentRunsAsync(1, default);
        await server.StopAsync();
        var error = await Assert.ThrowsAsync<BatchMlException>(() => catalog.MarkDeliveredAsync("f", 1, 1, default));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("Nothing was changed", error.Message, StringComparison.Ordinal);
        await server.GoOnAsync();
        await catalog.MarkDeliveredAsync("f", 1, 1, default);
    }
}
