using System.Globalization;
using System.Text.RegularExpressions;
using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>Names of folders and files below a sink's root.</summary>
static partial class PartitionFolders
{
    public const string Staging = "_staging";

    /// <summary>The published partition, relative to the root.</summary>
    public static string Published(PartitionKey key) => Path.Combine(key.Dataset, Name(key));

    /// <summary>One attempt's files, relative to the root: <c>DATASET/_staging/COLUMN=VALUE@FENCE</c>. One folder, since each costs an fsync of the one above it.</summary>
    public static string Staged(PartitionKey key, long fence) => Path.Combine(key.Dataset, Staging, string.Create(CultureInfo.InvariantCulture, $"{Name(key)}@{fence}"));

    static string Name(PartitionKey key) => $"{Uri.EscapeDataString(key.Column)}={Uri.EscapeDataString(key.Value)}";

    /// <summary>The attempt whose files a staging folder holds; null: it is not ours.</summary>
    public static (PartitionKey Key, long Fence)? AttemptOf(string sink, string dataset, string folderName) =>
        folderName.Split('=', '@') is [var column, var value, var at] && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var fence)
            ? (new PartitionKey(sink, dataset, Uri.UnescapeDataString(column), Uri.UnescapeDataString(value)), fence) : null;

    /// <summary>Whether a folder has a file, of its size.</summary>
    public static bool IsThere(string folder, StagedFile file) => new FileInfo(Path.Combine(folder, file.Name)) is { Exists: true } found && found.Length == file.Bytes;

    public static string Data(long fence) => $"part-{fence:D10}-0.parquet";

    /// <summary>E.g. <c>_profile-0000000007.json</c>: the underscore keeps it out of every reader's glob.</summary>
    public static string Other(string name, long fence) => $"_{Path.GetFileNameWithoutExtension(name)}-{fence:D10}{Path.GetExtension(name)}";

    /// <summary>The fence that a file of ours carries in its name; null: it is not a version's file.</summary>
    public static long? FenceOf(string name) =>
        VersionFile().Match(name) is { Success: true } match && long.TryParse(match.Groups["fence"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var fence) ? fence : null;

    [GeneratedRegex(@"^(part-(?<fence>\d{10,})-\d+\.parquet|_.+-(?<fence>\d{10,})(\.[^.]*)?|_manifest\.json\.tmp-(?<fence>\d+))$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex VersionFile();
}
