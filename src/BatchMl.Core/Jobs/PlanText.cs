using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Jobs;

/// <summary>Sections of plans that several jobs share.</summary>
static class PlanText
{
    public static PlanSection Sources(IPinnedQuery pinned) => new("sources",
        [.. pinned.Sources.DistinctBy(s => s.Source.Name).Select(s =>
            $"{s.Source.Name}: {s.Snapshot.Files.Count} file{(s.Snapshot.Files.Count == 1 ? "" : "s")}, {Rows(s.Snapshot)}{Bytes(s.Snapshot.Files.Sum(f => f.Size))} at {(s.Snapshot.Files.Count == 0 ? "-" : s.Snapshot.Files[0].Path)}{(s.Snapshot.Note is { } note ? $" ({note})" : "")}")]);

    public static PlanSection Output(ISink sink, string dataset, string partitionColumn, Schema schema) => new("output",
    [
        $"sink {sink.Name}, dataset {dataset}, partitioned by {partitionColumn}",
        .. schema.FieldsList.Select(f => $"{f.Name}: {LineageTypes.Text(f.DataType)}"),
    ]);

    /// <summary>How an engine would compute partitions, where it has something to say.</summary>
    public static async Task<IReadOnlyList<PlanSection>> EngineAsync(IEngine engine, IPinnedQuery pinned, IReadOnlyList<SpinePartition> partitions, CancellationToken cancel)
    {
        var lines = partitions.Count == 0 ? [] : await pinned.EnginePlanAsync(partitions, cancel);
        return lines.Count == 0 ? [] : [new PlanSection($"engine {engine.Name}", lines)];
    }

    static string Rows(ISourceSnapshot snapshot) => snapshot.Fragments.Any(f => f.Rows < 0) ? "" : FormattableString.Invariant($"{snapshot.Fragments.Sum(f => f.Rows):N0} rows, ");

    public static string Bytes(long bytes) => bytes switch
    {
        < 10_000 => FormattableString.Invariant($"{bytes} B"),
        < 10_000_000 => FormattableString.Invariant($"{bytes / 1e3:F0} kB"),
        < 10_000_000_000 => FormattableString.Invariant($"{bytes / 1e6:F0} MB"),
        _ => FormattableString.Invariant($"{bytes / 1e9:F0} GB"),
    };
}

/// <summary>What inputs a query reads, in bytes.</summary>
static class Estimates
{
    public static long Bytes(IPinnedQuery pinned) => pinned.Sources.DistinctBy(s => s.Source.Name).Sum(s => s.Snapshot.Files.Sum(f => f.Size));
}

/// <summary>Versions of meaning in a fingerprint.</summary>
static class Versions
{
    /// <summary>Raised by hand whenever BatchMl itself computes something else from the same definitions and inputs.</summary>
    public const int BatchMl = 1;

    public static string Of(DatasetJob job) => FormattableString.Invariant($"{BatchMl}.{job.SemanticsVersion}");
}

/// <summary>Our own datasets in lineage.</summary>
static class Datasets
{
    public static LineageDataset Output(ISink sink, string dataset, Schema schema) =>
        new(sink.LineageNameOf(dataset), [.. schema.FieldsList.Select(f => new LineageField(f.Name, LineageTypes.Text(f.DataType), ScoreLayout.DescriptionOf(f)))]);
}

/// <summary>Groups of neighbours.</summary>
static class Grouping
{
    /// <summary>Adjacent items, up to a weight and a count per group; an item heavier than that is alone.</summary>
    public static IEnumerable<IReadOnlyList<T>> Adjacent<T>(IReadOnlyList<T> items, Func<T, long> weight, long maxWeight, int maxCount)
    {
        var group = new List<T>();
        long total = 0;
        foreach (var item in items)
        {
            if (group.Count > 0 && (total + weight(item) > maxWeight || group.Count == maxCount))
            {
                yield return group;
                (group, total) = ([], 0);
            }
            group.Add(item);
            total += weight(item);
        }
        if (group.Count > 0) yield return group;
    }
}
