using System.Globalization;

namespace BatchMl.Data;

/// <summary>
/// A dataset that is kept by model version: each version is a dataset of its own, <c>NAME@VERSION</c>, with its own folder, ledger and lineage. <c>NAME</c> alone is then a view of no files of its own: of each partition it shows the version
/// that was committed last, as the manifests say.
/// </summary>
/// <param name="Dataset">E.g. <c>churn/score</c>.</param>
/// <param name="Version">The model's version.</param>
public sealed record DatasetVersion(string Dataset, int Version)
{
    const char Mark = '@';

    /// <summary>The version's own dataset, e.g. <c>churn/score@3</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Dataset}{Mark}{Version}");

    /// <summary>What a name says; null: it is not that of a version.</summary>
    public static DatasetVersion? Of(string name)
    {
        var at = name.LastIndexOf(Mark);
        return at > 0 && at + 1 < name.Length && name[at + 1] != '0' && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? new DatasetVersion(name[..at], version) : null;
    }

    /// <summary>The dataset that a name is of, be it that of a version or its own.</summary>
    public static string DatasetOf(string name) => Of(name)?.Dataset ?? name;

    /// <summary>The folders in which the versions of a dataset are, in order of their version; none: it has no versions.</summary>
    /// <param name="folder">The dataset's own folder, which need not be there.</param>
    public static IReadOnlyList<string> FoldersOf(string folder)
    {
        var (above, name) = (Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder)), Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)));
        if (above is null || name.Length == 0 || name.AsSpan().IndexOfAny("*?[") >= 0 || !Directory.Exists(above)) return [];
        return [.. Directory.EnumerateDirectories(above, name + Mark + "*").Select(f => (Folder: f, Version: Of(Path.GetFileName(f)))).Where(f => f.Version?.Dataset == name).OrderBy(f => f.Version!.Version).Select(f => f.Folder)];
    }

    /// <summary>The datasets that a dataset is made of: its own name, under which partitions may have been made before versions were kept or afterwards, then its versions in order.</summary>
    /// <param name="root">Where a sink has its datasets.</param>
    /// <param name="dataset">Its name, without a version.</param>
    public static IReadOnlyList<string> NamesIn(string root, string dataset) =>
        [dataset, .. FoldersOf(Path.Combine(root, dataset)).Select(f => new DatasetVersion(dataset, Of(Path.GetFileName(f))!.Version).ToString())];

    /// <summary>What decides which version of a partition is current, the greatest: when it was committed; of two in the same instant the version's number, and what has none comes first.</summary>
    public static (DateTimeOffset CommittedAt, int Version) Rank(DateTimeOffset committed, string dataset) => (committed, Of(dataset)?.Version ?? 0);

    /// <summary>Of things that are kept by partition, those of the version that is current, by <see cref="Rank"/>.</summary>
    /// <param name="all">Of any versions and partitions.</param>
    /// <param name="partition">The partition's value.</param>
    /// <param name="committed">When it was committed.</param>
    /// <param name="dataset">Its dataset.</param>
    public static IEnumerable<T> Current<T>(IEnumerable<T> all, Func<T, string> partition, Func<T, DateTimeOffset> committed, Func<T, string> dataset) =>
        all.GroupBy(partition, StringComparer.Ordinal).Select(g => g.MaxBy(t => Rank(committed(t), dataset(t)))!);
}
