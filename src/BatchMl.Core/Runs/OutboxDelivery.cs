using System.Globalization;
using System.Text;

namespace BatchMl.Runs;

/// <summary>
/// Delivers lineage events from the catalog's outbox to a file per month, each event once: the catalog knows how long the file was after the last delivery, so what a crash left half-written behind that is cut off.
/// </summary>
sealed class OutboxDelivery(JobEnvironment environment)
{
    public async Task DeliverAsync(CancellationToken cancel)
    {
        var folder = environment.Workspace.Lineage;
        var file = $"openlineage-{environment.Clock.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture)}.ndjson";
        using var held = await FileLock.TakeAsync(environment.Workspace.Locks, "lineage", environment.Clock, cancel);
        var (events, offset) = await environment.Catalog.PendingAsync(file, cancel);
        if (events.Count == 0) return;
        Directory.CreateDirectory(folder);
        await using var stream = new FileStream(Path.Combine(folder, file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        // A file that was shortened or removed by somebody else is continued where it ends.
        stream.SetLength(Math.Min(stream.Length, offset));
        stream.Seek(0, SeekOrigin.End);
        foreach (var e in events)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(e.Json), cancel);
            stream.WriteByte((byte)'\n');
        }
        stream.Flush(flushToDisk: true);
        await environment.Catalog.MarkDeliveredAsync(file, events[^1].Id, stream.Position, cancel);
    }
}
