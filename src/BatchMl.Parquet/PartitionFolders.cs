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

    /// <summary>One attempt's files, relative to the root.</summary>
    public static string Staged(PartitionKey key, long fence) => Path.Combine(key.Dataset, Staging, Name(key), fence.ToString(CultureInfo.InvariantCulture));

    /// <summary>Removes one attempt's folder, and the partition's above it if no other attempt is there.</summary>
    public static void RemoveStaged(string attempt)
    {
        DurableFiles.RemoveFolder(attempt);
        try
        {
            Directory.Delete(Path.GetDirectoryName(attempt)!);
        }
        catch (IOException)
        {
            // Another attempt is in it, or another process was faster.
        }
    }

    static string Name(PartitionKey key) => $"{Uri.EscapeDataString(key.Column)}={Uri.EscapeDataString(key.Value)}";

    /// <summary>The partition whose attempts a staging folder holds; null: it is not ours.</summary>
    public static PartitionKey? KeyOf(string sink, string dataset, string folderName)
    {
        var parts = folderName.Split('=', 2);
        return parts.Length == 2 ? new PartitionKey(sink, dataset, Uri.UnescapeDataString(parts[0]), Uri.UnescapeDataString(parts[1])) : null;
    }

    public static string Data(long fence) => $"part-{fence:D10}-0.parquet";

    /// <summary>E.g. <c>_profile-0000000007.json</c>: the underscore keeps it out of every reader's glob.</summary>
    public static string Other(string name, long fence) => $"_{Path.GetFileNameWithoutExtension(name)}-{fence:D10}{Path.GetExtension(name)}";

    /// <summary>The fence that a file of ours carries in its name; null: it is not a version's file.</summary>
    public static long? FenceOf(string name) =>
        VersionFile().Match(name) is { Success: true } match && long.TryParse(match.Groups["fence"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var fence) ? fence : null;

    [GeneratedRegex(@"^(part-(?<fence>\d{10,})-\d+\.parquet|_.+-(?<fence>\d{10,})(\.[^.]*)?|_manifest\.json\.tmp-(?<fence>\d+))$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex VersionFile();
}
