using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>
/// Model packages in the workspace, <c>models/NAME/VERSION/</c>. A sink like any other to the ledger (name <c>models</c>, partition column <c>version</c>); a version is
/// published by one rename of its folder and never changed.
/// </summary>
public sealed class ModelStore(string root) : ISink
{
    /// <summary>Absolute path of the store.</summary>
    public string Root { get; } = root;
    /// <inheritdoc/>
    public string Name => "models";
    /// <summary>Makes an empty staging folder for one attempt.</summary>
    public string BeginStage(PartitionKey key, long fence) => throw new NotImplementedException();
    /// <summary>Closes a staging folder: fsyncs files and folder and says what is there. <paramref name="contentDigest"/> is the model's digest.</summary>
    public StagedPartition CompleteStage(PartitionKey key, long fence, string contentDigest) => throw new NotImplementedException();
    /// <summary>The folder of a published version.</summary>
    public string FolderOf(string model, string version) => Path.Combine(Root, model, version);
    /// <inheritdoc/>
    public Task PublishAsync(PartitionManifest manifest, CancellationToken cancel) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => throw new NotImplementedException();
    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task CleanAsync(string dataset, Func<PartitionKey, long, bool> isLive, CancellationToken cancel) => throw new NotImplementedException();
}
