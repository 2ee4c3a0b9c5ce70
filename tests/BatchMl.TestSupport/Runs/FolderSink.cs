using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.TestSupport.Runs;

/// <summary>A sink whose partitions are one text each: what the runner needs of a sink, and no more. <paramref name="reached"/> is told of each step and may throw.</summary>
public sealed class FolderSink(string root, Action<string>? reached = null) : IBatchSink
{
    readonly Action<string> at = reached ?? (_ => { });

    public string Name => "folder";

    public PublicationPace Pace { get; init; } = PublicationPace.Local;

    /// <summary>Awaited before a partition is published.</summary>
    public Func<PartitionKey, Task> Publishing { get; init; } = _ => Task.CompletedTask;

    public string Root => root;

    public DatasetName LineageNameOf(string dataset) => new("file", Path.Combine(root, dataset));

    public Task<IReadOnlyList<string>> CheckAsync(PlannedOutput output, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>([]);

    public IReadOnlyDictionary<string, string> TraceOf(StagedPartition staged) => new Dictionary<string, string>();

    public StagedPartition Stage(PartitionKey key, long fence, string text, long deadLetters)
    {
        at("stage");
        var relative = Path.Combine(key.Dataset, "_staging", key.Value, $"{fence}");
        Directory.CreateDirectory(Path.Combine(root, relative));
        var bytes = Encoding.UTF8.GetBytes(text);
        File.WriteAllBytes(Path.Combine(root, relative, $"part-{fence}"), bytes);
        at("staged");
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return new StagedPartition(key, fence, relative, [new StagedFile(FileKind.Data, $"part-{fence}", text.Length, bytes.Length, digest)], text.Length, deadLetters, digest, "[]");
    }

    public async Task PublishAsync(PartitionManifest manifest, CancellationToken cancel)
    {
        at("publish");
        await Publishing(manifest.Partition.Key);
        var (version, folder) = (manifest.Partition, Folder(manifest.Partition.Key));
        if (await ReadManifestAsync(version.Key, cancel) is { } visible && visible.Partition.Fence > version.Fence) return;
        Directory.CreateDirectory(folder);
        foreach (var file in version.Files)
        {
            var (from, to) = (Path.Combine(root, version.Folder, file.Name), Path.Combine(folder, file.Name));
            if (File.Exists(from)) File.Move(from, to);
            else if (!File.Exists(to)) throw new DataException($"{from} is gone");
            at("moved");
        }
        ManifestFile.Replace(folder, manifest);
        at("swapped");
        foreach (var old in Directory.GetFiles(folder, "part-*").Where(f => version.Files.All(v => v.Name != Path.GetFileName(f)))) File.Delete(old);
        if (Directory.Exists(Path.Combine(root, version.Folder))) Directory.Delete(Path.Combine(root, version.Folder), recursive: true);
        at("published");
    }

    /// <summary>The visible text of each partition of a dataset.</summary>
    public async Task<IReadOnlyDictionary<string, string>> TextsAsync(string dataset)
    {
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var folder in Directory.Exists(Path.Combine(root, dataset)) ? Directory.GetDirectories(Path.Combine(root, dataset)) : [])
        {
            if (ManifestFile.Read(folder) is not { } manifest) continue;
            texts[manifest.Partition.Key.Value] = await File.ReadAllTextAsync(PathOf(manifest, manifest.Partition.Files[0]));
        }
        return texts;
    }

    /// <summary>Staging folders of attempts that are left.</summary>
    public IReadOnlyList<string> Staging(string dataset)
    {
        var staging = Path.Combine(root, dataset, "_staging");
        return Directory.Exists(staging) ? [.. Directory.GetDirectories(staging).SelectMany(Directory.GetDirectories)] : [];
    }

    public Task<PartitionManifest?> ReadManifestAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(ManifestFile.Read(Folder(key)));

    public Task<bool> IsVisibleAsync(PartitionKey key, CancellationToken cancel) => Task.FromResult(File.Exists(Path.Combine(Folder(key), ManifestFile.Name)));

    public string PathOf(PartitionManifest manifest, StagedFile file) => Path.Combine(Folder(manifest.Partition.Key), file.Name);

    public async Task CleanAsync(string dataset, Func<PartitionKey, long, Task<bool>> isLive, CancellationToken cancel)
    {
        at("clean");
        foreach (var attempt in Staging(dataset))
        {
            var key = new PartitionKey(Name, dataset, "day", Path.GetFileName(Path.GetDirectoryName(attempt)!));
            if (!await isLive(key, long.Parse(Path.GetFileName(attempt), System.Globalization.CultureInfo.InvariantCulture))) Directory.Delete(attempt, recursive: true);
        }
    }

    public Task<IBatchStage> StageAsync(PartitionKey key, long fence, Schema schema, CancellationToken cancel) =>
        throw new NotSupportedException("Jobs of texts stage files themselves; a test that stages batches takes ParquetSink.");

    public Task AdoptAsync(StagedPartition staged, string root, CancellationToken cancel) =>
        throw new NotSupportedException("Jobs of texts are made in one process.");

    public async IAsyncEnumerable<RecordBatch> ReadAsync(PartitionManifest manifest, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.CompletedTask;
        yield break;
    }

    string Folder(PartitionKey key) => Path.Combine(root, key.Dataset, key.Value);
}
