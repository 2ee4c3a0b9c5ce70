using System.Globalization;
using System.Security.Cryptography;
using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>
/// Model packages in the workspace, <c>models/NAME/VERSION/</c>. A sink like any other to the ledger (name <c>models</c>, partition column <c>version</c>); a version is
/// published by one rename of its folder and never changed, unless it is forced to be made again.
/// </summary>
/// <param name="root">Absolute path.</param>
public sealed class ModelStore(string root) : ISink
{
    const string Staging = "_staging";

    /// <summary>Absolute path of the store.</summary>
    public string Root { get; } = root;

    /// <inheritdoc/>
    public string Name => "models";

    /// <summary>Makes an empty staging folder for one attempt.</summary>
    /// <exception cref="BatchMlException">It can not be written to.</exception>
    public string BeginStage(PartitionKey key, long fence)
    {
        var folder = Path.Combine(Root, Relative(key, fence));
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{folder} can not be made: {e.Message} Expected a writable local folder; choose another with --workspace.", FailureKind.Permanent, e);
        }
    }

    /// <summary>Closes a staging folder: fsyncs files and folder and says what is there. <paramref name="contentDigest"/> is the model's digest.</summary>
    public StagedPartition CompleteStage(PartitionKey key, long fence, string contentDigest)
    {
        var folder = Path.Combine(Root, Relative(key, fence));
        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(Describe).ToArray();
        foreach (var file in files) DurableFiles.FsyncFile(Path.Combine(folder, file.Name));
        DurableFiles.FsyncFolder(folder);
        return new StagedPartition(key, fence, Relative(key, fence), files, 0, 0, contentDigest, "[]");
    }

    static StagedFile Describe(string path)
    {
        var content = File.ReadAllBytes(path);
        return new StagedFile(FileKind.Artifact, Path.GetFileName(path), 0, content.Length, Convert.ToHexStringLower(SHA256.HashData(content)));
    }

    /// <summary>The folder of a published version.</summary>
    public string FolderOf(string model, string version) => Path.Combine(Root, model, version);

    /// <inheritdoc/>
    public async Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var visible = await ReadManifestAsync(version.Key, cancel);
        if (visible is not null && visible.Partition.Fence >= version.Fence) return;
        var staged = Path.Combine(Root, version.Folder);
        var folder = FolderOf(version.Key.Dataset, version.Key.Value);
        if (!Directory.Exists(staged))
        {
            throw new DataException($"{staged} of committed {version.Key} is gone and not published either. Somebody removed it; train again with --force.");
        }
        ManifestFile.Replace(staged, manifest);
        // A folder can not be renamed over another: a forced re-training moves the one before it aside first.
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.Move(staged, folder);
        DurableFiles.FsyncFolder(Path.GetDirectoryName(folder)!);
    }

    /// <inheritdoc/>
    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(ManifestFile.Read(FolderOf(key.Dataset, key.Value)));

    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => Path.Combine(FolderOf(manifest.Partition.Key.Dataset, manifest.Partition.Key.Value), file.Name);

    /// <inheritdoc/>
    public Task CleanAsync(string dataset, Func<PartitionKey, long, bool> isLive, CancellationToken cancel)
    {
        var staging = Path.Combine(Root, dataset, Staging);
        if (!Directory.Exists(staging)) return Task.CompletedTask;
        foreach (var folder in Directory.GetDirectories(staging))
        {
            var name = Path.GetFileName(folder);
            var dash = name.LastIndexOf('-');
            if (dash > 0 && long.TryParse(name[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var fence)
                && !isLive(new PartitionKey(Name, dataset, "version", name[..dash]), fence))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        if (!Directory.EnumerateFileSystemEntries(staging).Any()) Directory.Delete(staging);
        return Task.CompletedTask;
    }

    static string Relative(PartitionKey key, long fence) => Path.Combine(key.Dataset, Staging, $"{key.Value}-{fence.ToString("D10", CultureInfo.InvariantCulture)}");
}
