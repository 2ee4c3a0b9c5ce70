using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>What manifests beside files say of them.</summary>
sealed class PublishedFiles
{
    readonly Dictionary<string, IReadOnlyList<StagedFile>> folders = new(StringComparer.Ordinal);

    /// <summary>A file as its folder's manifest lists it; null: there is no manifest of ours, or it does not list the file.</summary>
    public StagedFile? Find(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!folders.TryGetValue(folder, out var files)) folders[folder] = files = Read(folder);
        return files.FirstOrDefault(f => f.Kind == FileKind.Data && f.Name == Path.GetFileName(path));
    }

    static IReadOnlyList<StagedFile> Read(string folder)
    {
        try
        {
            return ManifestFile.Read(folder)?.Partition.Files ?? [];
        }
        catch (DataException)
        {
            // Other tools have files of this name too, and a damaged manifest does not damage rows.
            return [];
        }
    }
}
