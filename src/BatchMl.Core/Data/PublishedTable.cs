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
    /// <summary>The names of the datasets below a folder, in order. Reads no manifest: a dataset of which nothing is published yet is among them.</summary>
    public static IReadOnlyList<string> NamesIn(string root) => [.. Find(Path.GetFullPath(root), Path.GetFullPath(root)).Order(StringComparer.Ordinal)];

    // Folders of partitions have an equals sign, those that are ours alone begin with an underscore.
    static IEnumerable<string> Find(string root, string folder)
    {
        var folders = DurableFiles.FoldersIn(folder).Where(f => Path.GetFileName(f)[0] != '_').ToArray();
        IEnumerable<string> own = folder != root && folders.Any(IsPartition) ? [Path.GetRelativePath(root, folder)] : [];
        return own.Concat(folders.Where(f => !IsPartition(f)).SelectMany(f => Find(root, f)));
    }

    static bool IsPartition(string folder) => Path.GetFileName(folder).Contains('=', StringComparison.Ordinal);

    /// <summary>Reads the manifests of a dataset; null: nothing of it is published.</summary>
    /// <exception cref="DataException">A manifest is corrupt or of a newer format.</exception>
    public static PublishedTable? Read(string root, string name)
    {
        var folders = DurableFiles.FoldersIn(Path.Combine(Path.GetFullPath(root), name)).Where(IsPartition).Order(StringComparer.Ordinal);
        var published = folders.Select(f => (Folder: f, ManifestFile.Read(f)?.Partition)).Where(p => p.Partition is not null).ToArray();
        if (published.Length == 0) return null;
        var schemas = published.Select(p => p.Partition!.SchemaJson).Distinct().Select(Described).ToArray();
        var columns = schemas.SelectMany(s => s).DistinctBy(c => c.Name).ToList();
        var key = published[0].Partition!.Key.Column;
        // A training set's period is no column of its rows, but tells one from the other.
        if (columns.Find(c => c.Name == key) is not { } partition) columns.Add(partition = new PublishedColumn(key, "utf8"));
        var files = published.SelectMany(p => p.Partition!.Files.Where(f => f.Kind == FileKind.Data).Select(f => Path.Combine(p.Folder, f.Name)));
        return new PublishedTable(name, columns, partition, [.. files], schemas.Length == 1);
    }

    static PublishedColumn[] Described(string schemaJson) => JsonSerializer.Deserialize<PublishedColumn[]>(schemaJson, JsonSerializerOptions.Web)!;
}
