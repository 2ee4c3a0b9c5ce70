using System.Globalization;
using System.Security.Cryptography;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>
/// Model packages in the workspace, <c>models/NAME/VERSION/</c>. A sink like any other to the ledger (name <c>models</c>, partition column <c>version</c>); a version is
/// published by one rename of its folder, with <c>_manifest.json</c> in it, and its files are never changed. Only a version that was forced to be made again, and came out different, is replaced, whole.
/// </summary>
/// <param name="root">Path of the store; made when first written to.</param>
public sealed class ModelStore(string root) : ISink
{
    const string Staging = "_staging";

    /// <summary>Absolute path of the store.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <inheritdoc/>
    public string Name => "models";

    /// <inheritdoc/>
    public PublicationPace Pace => PublicationPace.Local;

    /// <inheritdoc/>
    public DatasetName LineageNameOf(string dataset) => new("file", Path.Combine(Root, dataset));

    /// <summary>Makes an empty staging folder for one attempt.</summary>
    /// <exception cref="BatchMlException">It can not be made.</exception>
    public string BeginStage(PartitionKey key, long fence)
    {
        var folder = Path.Combine(Root, StageOf(key, fence));
        try
        {
            DurableFiles.RemoveFolder(folder);
            Directory.CreateDirectory(folder);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{folder} can not be made: {e.Message} Expected a writable local folder; choose another with --workspace.", FailureKind.Permanent, e);
        }
    }

    /// <summary>Closes a staging folder: fsyncs files and folder and says what is there. <paramref name="contentDigest"/> is the model's digest.</summary>
    /// <exception cref="DataException">There is nothing in it.</exception>
    public StagedPartition CompleteStage(PartitionKey key, long fence, string contentDigest)
    {
        var folder = Path.Combine(Root, StageOf(key, fence));
        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(Describe).ToArray();
        if (files.Length == 0) throw new DataException($"{folder} is empty; expected the files of model {key.Dataset} version {key.Value}. The trainer must write them there.");
        DurableFiles.FsyncFolder(folder);
        return new StagedPartition(key, fence, StageOf(key, fence), files, 0, 0, contentDigest, "[]");
    }

    static StagedFile Describe(string path)
    {
        DurableFiles.FsyncFile(path);
        using var stream = File.OpenRead(path);
        return new StagedFile(FileKind.Artifact, Path.GetFileName(path), 0, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }

    /// <summary>The folder of a published version.</summary>
    public string FolderOf(string model, string version) => Path.Combine(Root, model, version);

    /// <inheritdoc/>
    public async Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var visible = await ReadManifestAsync(version.Key, cancel);
        if (visible is not null && visible.Partition.Fence > version.Fence) return;
        var staged = Path.Combine(Root, version.Folder);
        var folder = FolderOf(version.Key.Dataset, version.Key.Value);
        if (visible?.Partition.Fence != version.Fence)
        {
            if (!Directory.Exists(staged)) throw new DataException($"{staged} of committed {version.Key} is gone and not published either: somebody removed it. Make it again with --force.");
            ManifestFile.Replace(staged, manifest);
            if (Directory.Exists(folder)) SetAside(folder, version);
            Directory.Move(staged, folder);
            DurableFiles.FsyncFolder(Path.GetDirectoryName(folder)!);
        }
        foreach (var left in new[] { staged, AsideOf(version) }) DurableFiles.RemoveFolder(left);
    }

    // A folder can not be renamed over another. A crash in between leaves the version staged and committed: publication is repeated.
    void SetAside(string folder, StagedPartition version)
    {
        var aside = AsideOf(version);
        DurableFiles.RemoveFolder(aside);
        Directory.Move(folder, aside);
    }

    string AsideOf(StagedPartition version) => Path.Combine(Root, version.Folder + ".replaced");

    /// <inheritdoc/>
    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(ManifestFile.Read(FolderOf(key.Dataset, key.Value)));

    /// <inheritdoc/>
    public Task<bool> IsVisibleAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(File.Exists(Path.Combine(FolderOf(key.Dataset, key.Value), ManifestFile.Name)));

    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => Path.Combine(FolderOf(manifest.Partition.Key.Dataset, manifest.Partition.Key.Value), file.Name);

    /// <inheritdoc/>
    public async Task CleanAsync(string dataset, Func<PartitionKey, long, Task<bool>> isLive, CancellationToken cancel)
    {
        var staging = Path.Combine(Root, dataset, Staging);
        foreach (var version in DurableFiles.FoldersIn(staging))
        {
            var key = new PartitionKey(Name, dataset, "version", Path.GetFileName(version));
            foreach (var attempt in DurableFiles.FoldersIn(version))
            {
                // What was set aside for a fence lives as long as that fence's attempt.
                if (long.TryParse(Path.GetFileName(attempt).Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var fence) && !await isLive(key, fence)) DurableFiles.RemoveFolder(attempt);
            }
        }
    }

    static string StageOf(PartitionKey key, long fence) => Path.Combine(key.Dataset, Staging, key.Value, fence.ToString("D10", CultureInfo.InvariantCulture));
}
