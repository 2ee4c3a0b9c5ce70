using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>
/// Which jobs were about to be asked for, in a file per partition beside the staged ones. A job lives on in BigQuery when the process that asked for it does not: one of an older version that is still under way must not end
/// after that of a newer one. Used under the partition's publication lock.
/// </summary>
/// <param name="root">Root of the sink's files.</param>
sealed class LoadJournal(string root)
{
    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web);

    /// <summary>Jobs of one version.</summary>
    /// <param name="Fence">Of the version.</param>
    /// <param name="Jobs">Their ids, without the number of the attempt.</param>
    /// <param name="Location">Where they run; null: BigQuery's own choice.</param>
    /// <param name="Dataset">Whose version; null: that of the partition.</param>
    /// <param name="CommittedAt">When the version was committed; null: written by a program that did not say.</param>
    public sealed record Entry(long Fence, IReadOnlyList<string> Jobs, string? Location, string? Dataset = null, DateTimeOffset? CommittedAt = null)
    {
        /// <summary>Whether these are the jobs of a version, noted under a key.</summary>
        public bool IsOf(StagedPartition version, PartitionKey key) => Fence == version.Fence && (Dataset ?? key.Dataset) == version.Key.Dataset;
    }

    string PathOf(PartitionKey key) => Path.Combine(root, "_loads", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key.Dataset}\n{key.Column}\n{key.Value}")))[..32] + ".json");

    /// <summary>What is under way, or was, of a partition; null: nothing.</summary>
    public Entry? Read(PartitionKey key)
    {
        try
        {
            return JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(PathOf(key)), json);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new BatchMlException($"{PathOf(key)} is not the list of jobs of {key}: {e.Message} It is written by one rename, so it was changed. If no job of BigQuery for this partition is running, remove the file; the next run publishes.", FailureKind.Permanent, e);
        }
    }

    /// <summary>Notes that jobs are about to be asked for, durably.</summary>
    public void Write(PartitionKey key, Entry entry)
    {
        DurableFiles.CreateFolder(Path.Combine(root, "_loads"));
        DurableFiles.AtomicReplace(PathOf(key), JsonSerializer.SerializeToUtf8Bytes(entry, json), "new");
    }

    /// <summary>All of them are over.</summary>
    public void Remove(PartitionKey key) => File.Delete(PathOf(key));

    /// <summary>Sees to it that no job of another version is under way any more.</summary>
    /// <param name="client">BigQuery.</param>
    /// <param name="entry">Its jobs.</param>
    /// <param name="cancel">Stops waiting.</param>
    public static async Task SettleAsync(BigQueryClient client, Entry entry, CancellationToken cancel)
    {
        foreach (var id in entry.Jobs)
        {
            for (var attempt = 1; await client.Jobs.FindAsync(client.Jobs.Reference($"{id}_a{attempt}", entry.Location), cancel) is { } job; attempt++)
            {
                if (job.Status is { IsDone: true }) continue;
                await client.Jobs.CancelAsync(job.JobReference!, cancel);
                await client.Jobs.WaitAsync(job.JobReference!, cancel);
            }
        }
    }

    /// <summary>The job of an id that did what it was to do, if one did; waits for one that is at it. Null: none.</summary>
    public static async Task<BigQueryJob?> DoneAsync(BigQueryClient client, string id, string? location, CancellationToken cancel)
    {
        for (var attempt = 1; await client.Jobs.FindAsync(client.Jobs.Reference($"{id}_a{attempt}", location), cancel) is { } job; attempt++)
        {
            if (job.Status is not { IsDone: true }) job = await client.Jobs.WaitAsync(job.JobReference!, cancel);
            if (job.Status?.ErrorResult is null) return job;
        }
        return null;
    }
}
