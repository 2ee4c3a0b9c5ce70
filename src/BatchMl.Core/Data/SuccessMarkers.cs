using System.Globalization;

namespace BatchMl.Data;

/// <summary>
/// Marker files of a source: <c>_SUCCESS</c>, or the manifest of a dataset of ours. The source's folder is the folder that is bound, that of a file, or of a glob what comes before its first name with a wildcard. For a partition value
/// the marker must be in each folder below that is named by the value (<c>2013-10-05</c> or <c>NAME=2013-10-05</c>). Where there is none of that name, but folders that are named by other dates, the value's is still to come. Without any folder named by a
/// date the marker in the source's folder stands for all partitions. Of a dataset that is kept by model version, the marker of any version will do.
/// </summary>
sealed class SuccessMarkers
{
    const string Success = "_SUCCESS";

    readonly IReadOnlyList<(string Folder, ILookup<string, string> Named)> sources;

    /// <summary>Looks at the folders as they are now.</summary>
    public SuccessMarkers(IReadOnlyList<string> paths) => sources = [.. paths.Select(FolderOf).Distinct().Select(f => (f, Named(f)))];

    /// <summary>What is there instead of a marker; null: the source is ready.</summary>
    public string? Missing(string value)
    {
        foreach (var (folder, named) in sources)
        {
            if (named[value].FirstOrDefault(f => !HasMarker(f)) is { } open) return $"no marker in {open}";
            if (named.Contains(value)) continue;
            if (named.Any(n => DateOnly.TryParseExact(n.Key, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))) return $"no folder {value} in {folder}";
            if (!HasMarker(folder)) return $"no marker in {folder}";
        }
        return null;
    }

    /// <summary>What is looked for.</summary>
    public static string Names => $"{Success} or {ManifestFile.Name}";

    static bool HasMarker(string folder) => File.Exists(Path.Combine(folder, Success)) || File.Exists(Path.Combine(folder, ManifestFile.Name));

    static string FolderOf(string path)
    {
        if (Directory.Exists(path) || DatasetVersion.FoldersOf(path).Count > 0) return path;
        var names = path.Split('/');
        return string.Join('/', names.TakeWhile((n, i) => i < names.Length - 1 && n.AsSpan().IndexOfAny("*?[") < 0)) is { Length: > 0 } folder ? folder : "/";
    }

    // Folders by the value in their name. What is staged is not there yet.
    static ILookup<string, string> Named(string folder)
    {
        var versions = DatasetVersion.FoldersOf(folder);
        if (versions.Count == 0) return In(folder);
        // One that is ready stands for the others of its value.
        return versions.Prepend(folder).SelectMany(v => In(v).SelectMany(n => n.Select(f => (Value: n.Key, Folder: f)))).GroupBy(n => n.Value)
            .Select(g => g.FirstOrDefault(f => HasMarker(f.Folder)) is { Folder: not null } ready ? ready : g.First()).ToLookup(f => f.Value, f => f.Folder, StringComparer.Ordinal);
    }

    static ILookup<string, string> In(string folder)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        var folders = Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, "*", options) : [];
        return folders.Where(f => !Path.GetRelativePath(folder, f).Split('/').Any(n => n[0] is '_' or '.'))
            .ToLookup(f => Path.GetFileName(f) is var name && name.IndexOf('=', StringComparison.Ordinal) is >= 0 and var at ? Uri.UnescapeDataString(name[(at + 1)..]) : name, StringComparer.Ordinal);
    }
}
