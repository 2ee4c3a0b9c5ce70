using System.Globalization;
using System.IO.Hashing;
using System.Text;
using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>
/// Makes committed partitions visible, under a lock between processes that reads the ledger again: a process that was stopped in between and wakes up later changes nothing.
/// </summary>
sealed class Publication(JobEnvironment environment)
{
    // Partitions share a bounded number of lock files; two that meet in one only wait for each other.
    const int Locks = 256;

    /// <summary>Publishes the version that the ledger has committed, if that is not visible yet. Idempotent.</summary>
    /// <exception cref="BatchMlException">It can not be made visible now; another process may be about it, or hang while it is (transient).</exception>
    public Task PublishAsync(PartitionKey key, ISink sink, CancellationToken cancel) => PublishAsync(key, sink, sink.Pace.Patience, cancel);

    /// <summary>The same, with another patience for a process that is about it.</summary>
    public async Task PublishAsync(PartitionKey key, ISink sink, TimeSpan patience, CancellationToken cancel)
    {
        using var held = await FileLock.TakeAsync(environment.Workspace.Locks, LockOf(key), environment.Clock, cancel, patience);
        var entry = await environment.Catalog.EntryAsync(key, cancel);
        if (entry?.Committed is not { } committed || entry.IsPublished) return;
        await sink.PublishAsync(new PartitionManifest(1, committed.Staged, committed.RunId, committed.Fingerprint.Value, committed.CommittedAt), cancel);
        await environment.Catalog.MarkPublishedAsync(key, committed.Staged.Fence, environment.Clock.GetUtcNow(), cancel);
    }

    // Versions of a partition share it: where a sink keeps what is current, two of them decide that one after the other.
    static string LockOf(PartitionKey key) =>
        $"publish-{(XxHash32.HashToUInt32(Encoding.UTF8.GetBytes($"{key.Sink}\n{DatasetVersion.DatasetOf(key.Dataset)}\n{key.Column}\n{key.Value}")) % Locks).ToString("x2", CultureInfo.InvariantCulture)}";
}
