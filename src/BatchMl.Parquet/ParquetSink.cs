using System.Globalization;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Parquet;

/// <summary>
/// Datasets as Parquet in a local POSIX file system: <c>ROOT/DATASET/COLUMN=VALUE/part-FENCE-0.parquet</c> (Hive folders, values percent-escaped, the partition column not in the files) beside
/// <c>_manifest.json</c>, which is swapped by one rename and is the truth for <see cref="ReadAsync"/>. A glob <c>ROOT/DATASET/*/*.parquet</c> finds the same rows, except while a partition is being replaced:
/// everything else begins with an underscore. The same rows give the same bytes and the same content digest, however they are cut into batches.
/// </summary>
public sealed class ParquetSink : IBatchSink
{
    readonly string root;
    readonly ParquetLayout layout;
    readonly Func<string, Stream> create;
    readonly Action<string> reached;

    /// <summary>A sink in a folder, which is made when first written to.</summary>
    /// <exception cref="DefinitionException">The root is not a path of a local file system.</exception>
    public ParquetSink(string root) : this(root, new ParquetLayout()) { }

    /// <summary>A sink in a folder, whose files are of a layout.</summary>
    /// <exception cref="DefinitionException">The root is not a path of a local file system.</exception>
    public ParquetSink(string root, ParquetLayout layout) : this(root, Create, static _ => { }, layout) { }

    /// <summary><paramref name="create"/> opens data files, <paramref name="reached"/> is told of each step of a publication: tests let both fail.</summary>
    internal ParquetSink(string root, Func<string, Stream> create, Action<string> reached, ParquetLayout? layout = null)
    {
        this.layout = layout ?? new ParquetLayout();
        if (root.Contains("://", StringComparison.Ordinal))
        {
            throw new DefinitionException(
                $"'{root}' is not a path of a local file system. Parquet output needs one with atomic renames and fsync of folders (POSIX); write to a local folder, and copy from there.");
        }
        (this.root, this.create, this.reached) = (Path.GetFullPath(root), create, reached);
    }

    /// <summary>Opens a new data file.</summary>
    internal static Stream Create(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);

    /// <inheritdoc/>
    public string Name => layout.Name;

    /// <inheritdoc/>
    public PublicationPace Pace => PublicationPace.Local;

    /// <inheritdoc/>
    public string Root => root;

    /// <inheritdoc/>
    public DatasetName LineageNameOf(string dataset) => new("file", Path.Combine(root, dataset));

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> CheckAsync(PlannedOutput output, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> TraceOf(StagedPartition staged) => new Dictionary<string, string>();

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">The place can not be written to.</exception>
    /// <exception cref="DefinitionException">The partition column has a type that a folder's name can not carry.</exception>
    public Task<IBatchStage> StageAsync(PartitionKey key, long fence, Schema schema, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Task.FromResult<IBatchStage>(ParquetStage.Open(root, key, fence, schema, layout, create));
    }

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">The disk is full or failed, or the two folders are not of one file system (transient).</exception>
    public Task AdoptAsync(StagedPartition staged, string root, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var (from, to) = (Path.Combine(root, staged.Folder), Path.Combine(this.root, staged.Folder));
        var missing = staged.Files.Where(f => !PartitionFolders.IsThere(from, f)).Select(f => f.Name).ToArray();
        if (missing.Length > 0)
        {
            throw new DataException($"Files of {staged.Key} (fence {staged.Fence}) that another process staged are not in {from}, or of another size: {string.Join(", ", missing)}. "
                + "Expected both processes to see the same file system; use a folder that is shared.");
        }
        try
        {
            DurableFiles.RemoveFolder(to);
            DurableFiles.CreateFolder(Path.GetDirectoryName(to)!);
            Directory.Move(from, to);
            DurableFiles.FsyncFolder(Path.GetDirectoryName(to)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{from} can not be moved to {to} ({staged.Key}): {e.Message} Expected folders of one file system with free space; the attempt is repeated.", FailureKind.Transient, e);
        }
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    /// <exception cref="DataException">Files of the version are neither staged nor published.</exception>
    /// <exception cref="BatchMlException">The disk is full or failed (transient): publish again.</exception>
    public Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var folder = Folder(manifest.Partition.Key);
        try
        {
            Publish(manifest, folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{folder} can not be published ({manifest.Partition.Key}): {e.Message} The partition is committed; free space or mend the disk, publication is repeated.", FailureKind.Transient, e);
        }
        return Task.CompletedTask;
    }

    void Publish(PartitionManifest manifest, string folder)
    {
        var version = manifest.Partition;
        var staged = Path.Combine(root, version.Folder);
        var visible = ManifestFile.Read(folder)?.Partition.Fence;
        if (visible > version.Fence) return;
        if (visible != version.Fence) CheckComplete(version, staged, folder);
        DurableFiles.CreateFolder(folder);
        // Also of a version that is visible already: a power cut may have kept the manifest's rename and lost those before it.
        foreach (var name in version.Files.Select(f => f.Name))
        {
            if (File.Exists(Path.Combine(staged, name))) File.Move(Path.Combine(staged, name), Path.Combine(folder, name), overwrite: true);
            reached($"moved {name}");
        }
        reached("moved");
        // Its fsync of the folder is theirs too.
        if (visible == version.Fence) DurableFiles.FsyncFolder(folder);
        else ManifestFile.Replace(folder, manifest);
        reached("visible");
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            // Other people's files, and greater fences, are not ours to remove.
            if (PartitionFolders.FenceOf(Path.GetFileName(path)) < version.Fence) File.Delete(path);
        }
        reached("removed older");
        DurableFiles.RemoveFolder(staged);
        reached("removed staging");
    }

    static void CheckComplete(StagedPartition version, string staged, string folder)
    {
        var missing = version.Files.Where(f => !PartitionFolders.IsThere(staged, f) && !PartitionFolders.IsThere(folder, f)).Select(f => f.Name).ToArray();
        if (missing.Length == 0) return;
        throw new DataException($"Files of the committed partition {version.Key} (fence {version.Fence}) are gone or have another size: {string.Join(", ", missing)}. Expected them in {staged} or {folder}. "
            + "Nothing was changed. Put them back, or make the partition again (replay).");
    }

    /// <inheritdoc/>
    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(ManifestFile.Read(Folder(key)));

    /// <inheritdoc/>
    public Task<bool> IsVisibleAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(File.Exists(Path.Combine(Folder(key), ManifestFile.Name)));

    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => Path.Combine(Folder(manifest.Partition.Key), file.Name);

    /// <inheritdoc/>
    /// <exception cref="DataException">A file is missing, corrupt, or not the one that the manifest says, byte for byte; or a column does not exist.</exception>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(PartitionManifest manifest, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        var (names, hive) = PartitionColumn.Restore(manifest.Partition, layout);
        foreach (var file in manifest.Partition.Files.Where(f => f.Kind == FileKind.Data))
        {
            var path = PathOf(manifest, file);
            using var snapshot = new ParquetSnapshot([PinnedFile.Open(path, file)], hive);
            await foreach (var batch in snapshot.ReadAsync(new ScanRequest(columns ?? names), cancel)) yield return batch.Batch;
        }
    }

    /// <inheritdoc/>
    public async Task CleanAsync(string dataset, Func<PartitionKey, long, Task<bool>> isLive, CancellationToken cancel)
    {
        foreach (var attempt in DurableFiles.FoldersIn(Path.Combine(root, dataset, PartitionFolders.Staging)))
        {
            cancel.ThrowIfCancellationRequested();
            if (PartitionFolders.AttemptOf(Name, dataset, Path.GetFileName(attempt)) is var (key, fence) && !await isLive(key, fence)) DurableFiles.RemoveFolder(attempt);
        }
    }

    string Folder(PartitionKey key) => Path.Combine(root, PartitionFolders.Published(key));
}
