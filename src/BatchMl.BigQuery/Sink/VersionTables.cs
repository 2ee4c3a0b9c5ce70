using System.Text.RegularExpressions;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>A table that a version of a partition is loaded into.</summary>
/// <param name="Table">The table.</param>
/// <param name="Journal">Under which key its jobs are noted: versions of a dataset share that of the table that has what is current.</param>
/// <param name="HadDeadLetters">Whether what is there of the partition had some.</param>
readonly record struct LoadPlace(TableReference Table, PartitionKey Journal, bool HadDeadLetters);

/// <summary>
/// Where scores go that are kept by model version (<see cref="DatasetVersion"/>): into the version's own table, <c>TABLE__vN</c>, and into the sink's table as long as no other version of the partition was committed later. So that table has what is
/// current, as it has without versions. Used under the partition's publication lock, which versions share.
/// </summary>
sealed partial class VersionTables(BigQuerySinkOptions options, IBatchSink files, LoadJournal journal)
{
    /// <summary>The table of a dataset, or of one of its versions.</summary>
    public static TableReference Of(TableReference table, string dataset) =>
        DatasetVersion.Of(dataset) is { } version ? table with { TableId = FormattableString.Invariant($"{table.TableId}__v{version.Version}") } : table;

    /// <summary>Whose a table must be that is named as a version's; null: anybody's. Other jobs may have a table of that name for their sink.</summary>
    public static string? OwnerOf(TableReference table, string dataset) => VersionName().IsMatch(table.TableId) ? BigQueryLabels.Of(dataset) : null;

    /// <summary>The tables that a committed version belongs into, in order.</summary>
    /// <param name="manifest">The version.</param>
    /// <param name="visible">The version of the same dataset that is visible; null: none.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<LoadPlace>> PlacesOfAsync(PartitionManifest manifest, StagedPartition? visible, CancellationToken cancel)
    {
        var key = manifest.Partition.Key;
        var shared = key with { Dataset = DatasetVersion.DatasetOf(key.Dataset) };
        var places = new List<LoadPlace>();
        if (key != shared) places.Add(new LoadPlace(Of(options.Table, key.Dataset), key, visible?.DeadLetters > 0));
        var others = new List<PartitionManifest>();
        foreach (var dataset in DatasetVersion.NamesIn(files.Root, shared.Dataset).Where(d => d != key.Dataset))
            if (await files.ReadManifestAsync(key with { Dataset = dataset }, cancel) is { } other) others.Add(other);
        // One that is committed, and was on its way into the table when its process died, comes before what is visible.
        var noted = journal.Read(shared);
        var isCurrent = others.All(o => IsBefore(o.CommittedAt, o.Partition.Key.Dataset, manifest)) && (noted?.CommittedAt is not { } at || IsBefore(at, noted.Dataset ?? shared.Dataset, manifest));
        if (isCurrent) places.Add(new LoadPlace(options.Table, shared, visible?.DeadLetters > 0 || others.Any(o => o.Partition.DeadLetters > 0)));
        return places;
    }

    // A version's own earlier commits are before it, whatever the clock said.
    static bool IsBefore(DateTimeOffset committed, string dataset, PartitionManifest manifest)
    {
        var own = manifest.Partition.Key.Dataset;
        return dataset == own || DatasetVersion.Rank(committed, dataset).CompareTo(DatasetVersion.Rank(manifest.CommittedAt, own)) < 0;
    }

    [GeneratedRegex(@"__v[1-9][0-9]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex VersionName();
}
