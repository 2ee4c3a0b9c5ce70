using System.Text.Json.Nodes;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Server.Board;

/// <summary>A partition with all that is known of it.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Manifest">Its visible version; null: there is none.</param>
/// <param name="Problem">Why that can not be read; null: it can, or there is none.</param>
/// <param name="Fence">The greatest fence token given out for it.</param>
/// <param name="Holder">The run that holds its lease; null: nobody does.</param>
public sealed record PartitionDetails(PartitionView Partition, PartitionManifest? Manifest, string? Problem, long Fence, string? Holder);

/// <summary>Single partitions.</summary>
sealed class PartitionBoard(ServerContext context, DatasetBoard datasets)
{
    /// <summary>A partition; null: there is none.</summary>
    public async Task<PartitionDetails?> FindAsync(string dataset, string value, CancellationToken cancel)
    {
        if (await datasets.FindAsync(dataset, cancel) is not { } known || known.Partitions.FirstOrDefault(p => p.Value == value) is not { } partition) return null;
        var key = new PartitionKey(known.Sink, dataset, partition.Column, value);
        var entry = await context.Session.Environment.Catalog.EntryAsync(key, cancel);
        try
        {
            return new PartitionDetails(partition, SinkOf(known.Sink) is { } sink ? await sink.ReadManifestAsync(key, cancel) : null, null, entry?.Fence ?? 0, entry?.Lease?.RunId);
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            return new PartitionDetails(partition, null, e.Message, entry?.Fence ?? 0, entry?.Lease?.RunId);
        }
    }

    ISink? SinkOf(string name) => context.Session.Environment.Sinks.FirstOrDefault(s => s.Name == name);

    /// <summary>Rows of a partition that could not be scored, in order.</summary>
    /// <param name="partition">A partition with a manifest, or without dead letters.</param>
    /// <param name="skip">So many are left out first.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="DataException">A file is missing or is not such JSON.</exception>
    public async Task<IReadOnlyList<JsonObject>> DeadLettersAsync(PartitionDetails partition, int skip, int count, CancellationToken cancel)
    {
        var found = new List<JsonObject>();
        if (partition.Manifest is not { } manifest || SinkOf(manifest.Partition.Key.Sink) is not { } sink) return found;
        foreach (var file in manifest.Partition.Files.Where(f => f.Kind == FileKind.DeadLetters))
        {
            var path = sink.PathOf(manifest, file);
            try
            {
                await foreach (var line in File.ReadLinesAsync(path, cancel))
                {
                    if (line.Length == 0 || skip-- > 0) continue;
                    if (found.Count == count) return found;
                    found.Add(JsonNode.Parse(line)!.AsObject());
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Text.Json.JsonException or InvalidOperationException)
            {
                throw new DataException($"{path} can not be read: {e.Message} Restore the file, or make the partition again (replay).", e);
            }
        }
        return found;
    }
}
