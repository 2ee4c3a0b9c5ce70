using BatchMl.Data;

namespace BatchMl.Runs;

/// <summary>What the ledger has of a dataset whose scores are kept by model version, or once were: turned on or off, it is the same dataset to whoever reads it.</summary>
static class CurrentPartitions
{
    /// <summary>The datasets that a plan's partitions may be of: the job's own, and those of versions.</summary>
    public static IReadOnlyList<string> DatasetsOf(ISink sink, string dataset) => sink is IBatchSink batches ? DatasetVersion.NamesIn(batches.Root, DatasetVersion.DatasetOf(dataset)) : [dataset];

    /// <summary>Of each partition that is committed the one that was committed last, whichever version's it is; in order.</summary>
    /// <param name="catalog">The ledger.</param>
    /// <param name="sink">Where the dataset is. Before a partition can be committed its version has a folder there.</param>
    /// <param name="dataset">Its name, or that of one of its versions.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<IReadOnlyList<LedgerEntry>> OfAsync(ICatalog catalog, ISink sink, string dataset, CancellationToken cancel)
    {
        var all = new List<LedgerEntry>();
        foreach (var name in DatasetsOf(sink, dataset)) all.AddRange(await catalog.LedgerAsync(sink.Name, name, cancel));
        return [.. DatasetVersion.Current(all.Where(e => e.Committed is not null), e => e.Key.Value, e => e.Committed!.CommittedAt, e => e.Key.Dataset).OrderBy(e => e.Key.Value, StringComparer.Ordinal)];
    }
}
