using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>
/// Datasets as Parquet in a local POSIX file system: <c>ROOT/DATASET/COLUMN=VALUE/part-FENCE-0.parquet</c> beside <c>_manifest.json</c>. The manifest is swapped by one rename and is the truth for our
/// readers; a plain glob <c>*/*.parquet</c> is exact too, except while a partition is being replaced. Everything else that a partition has (dead letters, profile, recipe) begins with an underscore.
/// </summary>
public sealed class ParquetSink : IBatchSink
{
    const string Manifest = "_manifest.json";
    const string Staging = "_staging";
    static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    readonly string root;

    /// <summary>A sink in a folder, which is made when first written to.</summary>
    /// <exception cref="DefinitionException">The root is not a local path.</exception>
    public ParquetSink(string root)
    {
        if (root.Contains("://", StringComparison.Ordinal))
        {
            throw new DefinitionException($"'{root}' is not a path of a local file system. Parquet output needs one whose renames are atomic (POSIX); write locally, and copy from there.");
        }
        this.root = Path.GetFullPath(root);
    }

    /// <inheritdoc/>
    public string Name => "parquet";

    /// <inheritdoc/>
    public Task<IBatchStage> StageAsync(PartitionKey key, long fence, Schema schema, CancellationToken cancel) =>
        Task.FromResult<IBatchStage>(new ParquetStage(root, Path.Combine(key.Dataset, Staging, Partition(key), fence.ToString("D10", CultureInfo.InvariantCulture)), key, fence, schema));

    /// <inheritdoc/>
    public async Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        var version = manifest.Partition;
        var visible = await ReadManifestAsync(version.Key, cancel);
        if (visible is not null && visible.Partition.Fence > version.Fence) return;
        var folder = Folder(version.Key);
        var staged = Path.Combine(root, version.Folder);
        Directory.CreateDirectory(folder);
        foreach (var file in version.Files) Move(Path.Combine(staged, file.Name), Path.Combine(folder, file.Name), manifest);
        DurableFiles.FsyncFolder(folder);
        if (visible?.Partition.Fence != version.Fence) DurableFiles.AtomicReplace(Path.Combine(folder, Manifest), JsonSerializer.SerializeToUtf8Bytes(manifest, Json));
        RemoveOlder(folder, version);
        if (Directory.Exists(staged)) Directory.Delete(staged, recursive: true);
        // The dataset's folder is fsynced so that a new partition folder survives a crash as well.
        DurableFiles.FsyncFolder(Path.GetDirectoryName(folder)!);
    }

    static void Move(string from, string to, PartitionManifest manifest)
    {
        if (File.Exists(from)) File.Move(from, to, overwrite: false);
        else if (!File.Exists(to))
        {
            throw new DataException($"{from} of committed partition {manifest.Partition.Key} is gone and not published either. Somebody removed it; make the partition again with --force --partition {manifest.Partition.Key.Value}.");
        }
    }

    // Only files that carry an older fence are ours to remove; what else lies in the folder is left alone.
    static void RemoveOlder(string folder, StagedPartition version)
    {
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            if (FenceOf(Path.GetFileName(path)) is { } fence && fence < version.Fence) File.Delete(path);
        }
    }

    static long? FenceOf(string name)
    {
        foreach (var part in Path.GetFileNameWithoutExtension(name).Split('-'))
        {
            if (part.Length == 10 && long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var fence)) return fence;
        }
        return null;
    }

    /// <inheritdoc/>
    public async Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel)
    {
        var path = Path.Combine(Folder(key), Manifest);
        if (!File.Exists(path)) return null;
        PartitionManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<PartitionManifest>(await File.ReadAllBytesAsync(path, cancel), Json);
        }
        catch (JsonException e)
        {
            throw new DataException($"{path} is not a manifest: {e.Message} Make the partition again with --force --partition {key.Value}.", e);
        }
        if (manifest?.Partition?.Files is null) throw new DataException($"{path} is not a manifest: it has no files. Make the partition again with --force --partition {key.Value}.");
        if (manifest.FormatVersion != 1) throw new DataException($"{path} has format version {manifest.FormatVersion}; this BatchMl reads version 1. Use the version that wrote it.");
        return manifest;
    }

    /// <inheritdoc/>
    public string PathOf(PartitionManifest manifest, StagedFile file) => Path.Combine(Folder(manifest.Partition.Key), file.Name);

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(PartitionManifest manifest, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var file in manifest.Partition.Files.Where(f => f.Kind == FileKind.Data))
        {
            var path = PathOf(manifest, file);
            if (!File.Exists(path) || new FileInfo(path).Length != file.Bytes)
            {
                throw new DataException($"{path} is not what its manifest says ({file.Bytes} bytes, {file.Rows} rows): {(File.Exists(path) ? $"it has {new FileInfo(path).Length} bytes" : "it is gone")}. "
                    + $"Make the partition again with --force --partition {manifest.Partition.Key.Value}.");
            }
            using var snapshot = await new ParquetSource(path).OpenAsync(cancel);
            // A folder COLUMN=VALUE above a single file is not a column of it here.
            var wanted = columns ?? [.. snapshot.Schema.FieldsList.Select(f => f.Name)];
            await foreach (var batch in snapshot.ReadAsync(new ScanRequest(wanted), cancel)) yield return batch.Batch;
        }
    }

    /// <inheritdoc/>
    public Task CleanAsync(string dataset, Func<PartitionKey, long, bool> isLive, CancellationToken cancel)
    {
        var staging = Path.Combine(root, dataset, Staging);
        if (!Directory.Exists(staging)) return Task.CompletedTask;
        foreach (var partition in Directory.GetDirectories(staging))
        {
            var parts = Path.GetFileName(partition).Split('=', 2);
            var key = new PartitionKey(Name, dataset, parts[0], Uri.UnescapeDataString(parts[^1]));
            foreach (var attempt in Directory.GetDirectories(partition))
            {
                if (long.TryParse(Path.GetFileName(attempt), NumberStyles.None, CultureInfo.InvariantCulture, out var fence) && !isLive(key, fence)) Directory.Delete(attempt, recursive: true);
            }
            if (!Directory.EnumerateFileSystemEntries(partition).Any()) Directory.Delete(partition);
        }
        if (!Directory.EnumerateFileSystemEntries(staging).Any()) Directory.Delete(staging);
        return Task.CompletedTask;
    }

    string Folder(PartitionKey key) => Path.Combine(root, key.Dataset, Partition(key));

    static string Partition(PartitionKey key) => $"{key.Column}={Uri.EscapeDataString(key.Value)}";
}
