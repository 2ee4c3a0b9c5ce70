namespace BatchMl.Data;

/// <summary>
/// The copies of a table that is not a file: <c>ROOT/VERSION/FILE</c>. A version is whole when it is there, and never changes; its name is the digest of its rows, and the name of each file that of the file's rows. So the same rows are the same
/// input, wherever and whenever they were copied, and a file that did not change is the same file in the next version. Whoever has a version pinned keeps it: it goes when nobody has used it for a week.
/// </summary>
/// <param name="root">Folder of the table.</param>
/// <param name="clock">"Now".</param>
public sealed class PinnedVersions(string root, TimeProvider clock)
{
    const string Staging = "_staging";

    static readonly TimeSpan keep = TimeSpan.FromDays(7), abandoned = TimeSpan.FromDays(1);

    /// <summary>The folder of the table. What begins with an underscore in it is no version.</summary>
    public string Root => root;

    IEnumerable<string> Versions => DurableFiles.FoldersIn(root).Where(f => Path.GetFileName(f)[0] != '_');

    /// <summary>A version's folder; null: it is not there.</summary>
    public string? Find(string version) => Path.Combine(root, version) is var folder && Directory.Exists(folder) ? folder : null;

    /// <summary>Files of all versions by their names.</summary>
    public IReadOnlyDictionary<string, string> Files() => Versions.SelectMany(Directory.GetFiles).DistinctBy(Path.GetFileName).ToDictionary(f => Path.GetFileName(f), StringComparer.Ordinal);

    /// <summary>A new folder to make a version in, to be removed by whoever asked for it.</summary>
    public string Stage()
    {
        var folder = Path.Combine(root, Staging, Guid.NewGuid().ToString("N"));
        DurableFiles.CreateFolder(folder);
        return folder;
    }

    /// <summary>Makes a file of a version durable. When it was copied says nothing of its rows, and must not make the same rows another input: its time of modification is always the same.</summary>
    public static void Settle(string path)
    {
        DurableFiles.FsyncFile(path);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
    }

    /// <summary>Makes a folder of settled files a version, unless another process was faster with the same rows.</summary>
    /// <returns>The version's folder.</returns>
    public string Publish(string made, string version)
    {
        var folder = Path.Combine(root, version);
        DurableFiles.FsyncFolder(made);
        DurableFiles.CreateFolder(root);
        try
        {
            if (!Directory.Exists(folder)) Directory.Move(made, folder);
            DurableFiles.FsyncFolder(root);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // The other process was.
        }
        return folder;
    }

    /// <summary>A version is in use now. Those that nobody used for a week go, and what processes left that were killed.</summary>
    public void Use(string folder)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        Directory.SetLastWriteTimeUtc(folder, now);
        foreach (var old in Versions.Where(f => f != folder && Directory.GetLastWriteTimeUtc(f) < now - keep)) DurableFiles.RemoveFolder(old);
        foreach (var left in DurableFiles.FoldersIn(Path.Combine(root, Staging)).Where(f => Directory.GetLastWriteTimeUtc(f) < now - abandoned)) DurableFiles.RemoveFolder(left);
    }
}
