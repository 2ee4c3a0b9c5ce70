using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>
/// Makes committed partitions visible: under a lock between processes that reads the ledger again, so that a process that was stopped in between and wakes up later changes nothing.
/// </summary>
sealed class Publication(JobEnvironment environment)
{
    public async Task PublishAsync(PartitionKey key, ISink sink, CancellationToken cancel)
    {
        using var held = await FileLock.TakeAsync(environment.Workspace.Locks, $"{key.Sink}~{key.Dataset}~{key.Value}", environment.Clock, cancel);
        var entry = await environment.Catalog.EntryAsync(key, cancel);
        if (entry?.Committed is not { } committed || entry.IsPublished) return;
        await sink.PublishAsync(new PartitionManifest(1, committed.Staged, committed.RunId, committed.Fingerprint.Value, committed.CommittedAt), cancel);
        await environment.Catalog.MarkPublishedAsync(key, committed.Staged.Fence, environment.Clock.GetUtcNow(), cancel);
    }

    public ISink? SinkOf(string name) => name == environment.Sink.Name ? environment.Sink : name == environment.Models.Name ? environment.Models : null;
}
