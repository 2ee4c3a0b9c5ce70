using System.Globalization;
using System.Text;

namespace BatchMl.Runs;

/// <summary>
/// Delivers lineage events from the catalog to a file per month, each event once. The catalog knows how long a file was after the last delivery: what a crash left behind that is cut off and written again.
/// An event's file is that of the month in which it was put in, so a repeated delivery meets the same file.
/// </summary>
sealed class OutboxDelivery(JobEnvironment environment)
{
    const int AtOnce = 1_000;
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    readonly SemaphoreSlim gate = new(1, 1);
    long? last;

    /// <summary>Delivers, unless that was done within the last second.</summary>
    public async Task DeliverIfDueAsync(CancellationToken cancel)
    {
        if (last is { } before && environment.Clock.GetElapsedTime(before) < Every) return;
        if (!await gate.WaitAsync(0, cancel)) return;
        try
        {
            await AllAsync(cancel);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Delivers everything.</summary>
    public async Task DeliverAsync(CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            await AllAsync(cancel);
        }
        finally
        {
            gate.Release();
        }
    }

    async Task AllAsync(CancellationToken cancel)
    {
        last = environment.Clock.GetTimestamp();
        using var held = await FileLock.TakeAsync(environment.Workspace.Locks, "lineage", environment.Clock, cancel);
        while (await environment.Catalog.PendingAsync(AtOnce, cancel) is { Count: > 0 } events)
        {
            // In order, and as far as they go to the same file.
            var file = FileOf(events[0]);
            await AppendAsync(file, [.. events.TakeWhile(e => FileOf(e) == file)], cancel);
        }
    }

    async Task AppendAsync(string file, IReadOnlyList<OutboxEvent> events, CancellationToken cancel)
    {
        var folder = environment.Workspace.Lineage;
        Directory.CreateDirectory(folder);
        var length = await environment.Catalog.DeliveredLengthAsync(file, cancel);
        await using var stream = new FileStream(Path.Combine(folder, file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        // A file that somebody else shortened or removed is continued where it ends.
        stream.SetLength(Math.Min(stream.Length, length));
        stream.Seek(0, SeekOrigin.End);
        foreach (var e in events)
        {
            stream.Write(Encoding.UTF8.GetBytes(e.Json));
            stream.WriteByte((byte)'\n');
        }
        stream.Flush(flushToDisk: true);
        if (length == 0) Data.DurableFiles.FsyncFolder(folder);
        await environment.Catalog.MarkDeliveredAsync(file, events[^1].Id, stream.Position, cancel);
    }

    static string FileOf(OutboxEvent e) => $"openlineage-{e.At.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture)}.ndjson";
}
