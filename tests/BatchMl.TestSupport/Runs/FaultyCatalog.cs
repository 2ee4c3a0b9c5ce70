using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.TestSupport.Runs;

/// <summary>A catalog that tells before and after every call, so that tests can let it fail there, or let a process die; and that may give leases for another time than asked for.</summary>
public sealed class FaultyCatalog(ICatalog inner, Action<string> reached, double? ttlSeconds = null) : ICatalog
{
    async Task<T> At<T>(string name, Func<Task<T>> call)
    {
        reached($"before {name}");
        var result = await call();
        reached($"after {name}");
        return result;
    }

    Task At(string name, Func<Task> call) => At(name, async () =>
    {
        await call();
        return true;
    });

    public Task StartRunAsync(RunRecord run, IReadOnlyList<string> events, CancellationToken cancel) => At("start run", () => inner.StartRunAsync(run, events, cancel));
    public Task<bool> FinishRunAsync(string runId, RunState state, string? error, string? summaryJson, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        At("finish run", () => inner.FinishRunAsync(runId, state, error, summaryJson, events, at, cancel));
    public Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel) => inner.FindRunAsync(runId, cancel);
    public Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel) => inner.RecentRunsAsync(count, cancel);
    public Task<IReadOnlyList<RunRecord>> UnfinishedRunsAsync(CancellationToken cancel) => At("unfinished runs", () => inner.UnfinishedRunsAsync(cancel));
    public Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel) => inner.AttemptsAsync(runId, cancel);
    public Task<IReadOnlyList<AttemptRecord>> OpenAttemptsAsync(CancellationToken cancel) => At("open attempts", () => inner.OpenAttemptsAsync(cancel));
    public Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel) => At("ledger", () => inner.LedgerAsync(sink, dataset, cancel));
    public Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel) => At("entry", () => inner.EntryAsync(key, cancel));
    public Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel) => At("unpublished", () => inner.UnpublishedAsync(cancel));
    public Task<Lease?> TryLeaseAsync(NewAttempt attempt, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        At("lease", () => inner.TryLeaseAsync(attempt with { TtlSeconds = ttlSeconds ?? attempt.TtlSeconds }, expired, seenCommittedFence, events, at, cancel));
    public Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel) => At("heartbeat", () => inner.HeartbeatAsync(leases, cancel));
    public Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel) => At("stage", () => inner.StageAsync(lease, staged, cancel));
    public Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel) => At("commit", () => inner.CommitAsync(lease, version, events, cancel));
    public Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel) => At("mark published", () => inner.MarkPublishedAsync(key, fence, at, cancel));
    public Task<bool> ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) =>
        At("release", () => inner.ReleaseAsync(lease, state, error, events, at, cancel));
    public Task<IReadOnlyList<OutboxEvent>> PendingAsync(int count, CancellationToken cancel) => At("pending", () => inner.PendingAsync(count, cancel));
    public Task<long> DeliveredLengthAsync(string file, CancellationToken cancel) => At("delivered length", () => inner.DeliveredLengthAsync(file, cancel));
    public Task MarkDeliveredAsync(string file, long lastId, long length, CancellationToken cancel) => At("mark delivered", () => inner.MarkDeliveredAsync(file, lastId, length, cancel));
    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
