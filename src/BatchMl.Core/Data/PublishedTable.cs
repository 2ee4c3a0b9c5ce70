using System.Text.Json;

namespace BatchMl.Data;

/// <summary>A column of a published dataset.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">As manifests write types, e.g. <c>date32</c>.</param>
public sealed record PublishedColumn(string Name, string Type);

/// <summary>A dataset in a folder as its manifests have it: exactly the files that they name, whatever else lies beside them.</summary>
/// <param name="Name">E.g. <c>flight-delays/score</c>.</param>
/// <param name="Columns">In the order in which the partitions bring them up; the partition column among them.</param>
/// <param name="PartitionColumn">It is in the folders' names, not in the files.</param>
/// <param name="Files">Absolute paths, by partition.</param>
/// <param name="IsUniform">Whether all partitions have the same columns.</param>
public sealed record PublishedTable(string Name, IReadOnlyList<PublishedColumn> Columns, PublishedColumn PartitionColumn, IReadOnlyList<string> Files, bool IsUniform)
{
    /// <summary>The names of the datasets below a folder, in order; of one that is kept by model version, its own name as well as each version's. Reads no manifest: a dataset of which nothing is published yet is among them.</summary>
    public static IReadOnlyList<string> NamesIn(string root) =>
        [.. Find(Path.GetFullPath(root), Path.GetFullPath(root)).SelectMany(n => DatasetVersion.Of(n) is { } version ? new[] { version.Dataset, n } : [n]).Distinct().Order(StringComparer.Ordinal)];

    // Folders of partitions have an equals sign, those that are ours alone begin with an underscore.
    static IEnumerable<string> Find(string root, string folder)
    {
        var folders = DurableFiles.FoldersIn(folder).Where(f => Path.GetFileName(f)[0] != '_').ToArray();
        IEnumerable<string> own = folder != root && folders.Any(IsPartition) ? [Path.GetRelativePath(root, folder)] : [];
        return own.Concat(folders.Where(f => !IsPartition(f)).SelectMany(f => Find(root, f)));
    }

    static bool IsPartition(string folder) => Path.GetFileName(folder).Contains('=', StringComparison.Ordinal);

    /// <summary>Reads the manifests of a dataset; null: nothing of it is published. Of one that is kept by model version, each partition is the one that was committed last (<see cref="DatasetVersion"/>).</summary>
    /// <exception cref="DataException">A manifest is corrupt or of a newer format.</exception>
    public static PublishedTable? Read(string root, string name)
    {
        var published = Published(Path.Combine(Path.GetFullPath(root), name)).ToArray();
        if (published.Length == 0) return null;
        var schemas = published.Select(p => p.Partition.SchemaJson).Distinct().Select(Described).ToArray();
        var columns = schemas.SelectMany(s => s).DistinctBy(c => c.Name).ToList();
        var key = published[0].Partition.Key.Column;
        // A training set's period is no column of its rows, but tells one from the other.
        if (columns.Find(c => c.Name == key) is not { } partition) columns.Add(partition = new PublishedColumn(key, "utf8"));
        var files = published.SelectMany(p => p.Partition.Files.Where(f => f.Kind == FileKind.Data).Select(f => Path.Combine(p.Folder, f.Name)));
        return new PublishedTable(name, columns, partition, [.. files], schemas.Length == 1);
    }

    static IEnumerable<(string Folder, StagedPartition Partition)> Published(string folder)
    {
        var versions = DatasetVersion.FoldersOf(folder);
        var found = versions.Prepend(folder).SelectMany(v => DurableFiles.FoldersIn(v).Where(IsPartition)).Select(f => (Folder: f, Manifest: ManifestFile.Read(f))).Where(p => p.Manifest is not null);
        if (versions.Count > 0) found = DatasetVersion.Current(found, p => Path.GetFileName(p.Folder), p => p.Manifest!.CommittedAt, p => p.Manifest!.Partition.Key.Dataset);
        return found.Select(p => (p.Folder, p.Manifest!.Partition)).OrderBy(p => Path.GetFileName(p.Folder), StringComparer.Ordinal);
    }

    static PublishedColumn[] Described(string schemaJson) => JsonSerializer.Deserialize<PublishedColumn[]>(schemaJson, JsonSerializerOptions.Web)!;
}
