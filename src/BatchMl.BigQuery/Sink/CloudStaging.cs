using System.Text.RegularExpressions;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>
/// A folder in Google Cloud Storage that whoever stages sends its files to, and BigQuery loads from: on a cluster each executor sends its own, and none goes through the driver. An object's name is that of its bytes, so that it is the same object whoever sends it, and
/// however often. What is published is removed; what was staged for nothing is left to a rule of the bucket.
/// </summary>
sealed partial class CloudStaging(BigQuerySinkOptions options) : IDisposable
{
    readonly SemaphoreSlim opening = new(1, 1);
    CloudStorage? storage;

    /// <summary>Bucket and folder of <c>gs://BUCKET/FOLDER</c>.</summary>
    /// <exception cref="DefinitionException">It is no such address.</exception>
    public static StorageObject Parse(string address) => Address().Match(address) is { Success: true } match
        ? new StorageObject(match.Groups["bucket"].Value, match.Groups["folder"].Value.Trim('/'))
        : throw new DefinitionException($"BigQuery:Staging is '{address}'; expected gs://BUCKET/FOLDER, where what is staged may lie for a while, e.g. gs://my-bucket/batchml.");

    /// <summary>Where a file is staged.</summary>
    public StorageObject ObjectOf(PartitionKey key, StagedFile file)
    {
        var folder = options.Staging!.Name is { Length: > 0 } prefix ? $"{prefix}/" : "";
        return new StorageObject(options.Staging.Bucket, $"{folder}{key.Dataset}/{key.Column}={key.Value}/{file.Sha256}.parquet");
    }

    /// <summary>Sees to it that a file is there.</summary>
    /// <returns>Its object.</returns>
    public async Task<StorageObject> SendAsync(PartitionKey key, LocatedFile file, CancellationToken cancel)
    {
        var (client, into) = (await OpenAsync(cancel), ObjectOf(key, file.File));
        // The name is the digest of its bytes, so an object of that name and size is the file.
        if (await client.SizeAsync(into, cancel) != file.File.Bytes) await client.UploadAsync(file.Path, into, cancel);
        return into;
    }

    /// <summary>Removes what was loaded.</summary>
    public async Task RemoveAsync(PartitionKey key, IEnumerable<StagedFile> files, CancellationToken cancel)
    {
        var client = await OpenAsync(cancel);
        foreach (var file in files) await client.RemoveAsync(ObjectOf(key, file), cancel);
    }

    async Task<CloudStorage> OpenAsync(CancellationToken cancel)
    {
        await opening.WaitAsync(cancel);
        try
        {
            return storage ??= await CloudStorage.OpenAsync(options.Client, options.StagingEndpoint, cancel);
        }
        finally
        {
            opening.Release();
        }
    }

    public void Dispose()
    {
        storage?.Dispose();
        opening.Dispose();
    }

    // Names of buckets: cloud.google.com/storage/docs/buckets#naming.
    [GeneratedRegex(@"\Ags://(?<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(/(?<folder>[^*?\[\]#]*))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}

/// <summary>A stage whose files are in Google Cloud Storage, too, when it is complete.</summary>
sealed class CloudStage(IBatchStage stage, CloudStaging staging, string root) : IBatchStage
{
    public Task WriteAsync(Apache.Arrow.RecordBatch batch, CancellationToken cancel) => stage.WriteAsync(batch, cancel);

    public Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel) => stage.AddFileAsync(kind, name, content, rows, cancel);

    public async Task<StagedPartition> CompleteAsync(CancellationToken cancel)
    {
        var staged = await stage.CompleteAsync(cancel);
        foreach (var file in staged.Files.Where(f => f.Kind == FileKind.Data)) await staging.SendAsync(staged.Key, new LocatedFile(file, Path.Combine(root, staged.Folder, file.Name)), cancel);
        return staged;
    }

    public ValueTask DisposeAsync() => stage.DisposeAsync();
}
