using System.Globalization;
using System.Text.Json;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Runs;
using Microsoft.Data.Sqlite;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>What runs made in a workspace, without what differs from run to run, to be held against another workspace.</summary>
static class WorkspaceContent
{
    /// <summary>Holds that two workspaces have the same partitions made for the same fingerprints, the same rows, dead letters, profiles, models, and the same lineage.</summary>
    /// <param name="expected">The one.</param>
    /// <param name="actual">The other.</param>
    /// <param name="madeAt">Where the first one was when it was made; null: where it is.</param>
    /// <returns>How many partitions were compared.</returns>
    public static async Task<int> AssertSameAsync(string expected, string actual, string? madeAt = null)
    {
        var (want, got) = (await LedgerAsync(expected), await LedgerAsync(actual));
        Assert.Equal(want.Select(e => e.Key), got.Select(e => e.Key));
        foreach (var (one, other) in want.Zip(got)) Assert.Equal(Describe(one), Describe(other));
        foreach (var dataset in want.Where(e => e.Key.Sink == "parquet").Select(e => e.Key.Dataset).Distinct())
        {
            AssertSameRows(expected, actual, dataset);
        }
        Assert.Equal(Lineage(expected, madeAt ?? expected), Lineage(actual, actual));
        Assert.Empty(Workspaces.Leftovers(actual));
        return want.Count;
    }

    /// <summary>Holds that a dataset has the same rows in two workspaces, by another reader, and with what scores have of their run left out.</summary>
    public static void AssertSameRows(string expected, string actual, string dataset)
    {
        string Rows(string root) => $"SELECT COLUMNS(c -> c NOT IN ('run_id', 'scored_at')) FROM read_parquet('{Path.Combine(new Workspace(root).Datasets, dataset)}/*/part-*.parquet', hive_partitioning = true, hive_types_autocast = false)";
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM (({Rows(expected)}) EXCEPT ALL ({Rows(actual)}))"));
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM (({Rows(actual)}) EXCEPT ALL ({Rows(expected)}))"));
        Assert.True(Duck.Ask<long>($"SELECT count(*) FROM ({Rows(expected)})") > 0, $"{dataset} has no rows");
    }

    static async Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string root)
    {
        var path = new Workspace(root).CatalogPath;
        var datasets = new List<(string Sink, string Dataset)>();
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT DISTINCT sink, dataset FROM ledger ORDER BY sink, dataset";
            using var reader = command.ExecuteReader();
            while (reader.Read()) datasets.Add((reader.GetString(0), reader.GetString(1)));
        }
        await using var catalog = new SqliteCatalog(path);
        var entries = new List<LedgerEntry>();
        foreach (var (sink, dataset) in datasets) entries.AddRange(await catalog.LedgerAsync(sink, dataset, TestContext.Current.CancellationToken));
        return entries;
    }

    static string Describe(LedgerEntry entry)
    {
        var (staged, fingerprint) = (entry.Committed!.Staged, entry.Committed.Fingerprint);
        // Dead letters, profiles and files of models name no run.
        var files = staged.Files.Where(f => f.Kind != FileKind.Data).Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Kind} {f.Rows} {f.Sha256}")).Order(StringComparer.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{entry.Key}, published: {entry.IsPublished}, leased: {entry.Lease is not null}, {staged.Rows} rows, {staged.DeadLetters} dead letters, content {staged.ContentDigest}, {fingerprint}, {staged.SchemaJson}, {string.Join("; ", files)}");
    }

    /// <summary>Jobs, kinds of events, datasets with their schemas and columns. A run that made nothing tells the same once more, so each is there once.</summary>
    static List<string> Lineage(string root, string madeAt)
    {
        // Before anything is put in order: where workspaces are differs.
        string Datasets(JsonElement e, string which) => !e.TryGetProperty(which, out var all) ? "" : string.Join("; ", all.EnumerateArray().Select(d =>
        {
            var facets = d.TryGetProperty("facets", out var f) ? f : default;
            string Facet(string name) => facets.ValueKind == JsonValueKind.Object && facets.TryGetProperty(name, out var facet) && facet.TryGetProperty("fields", out var fields) ? fields.GetRawText() : "";
            return $"{d.GetProperty("namespace")} {d.GetProperty("name")} {Facet("schema")} {Facet("columnLineage")}".Replace(madeAt, "WORKSPACE", StringComparison.Ordinal);
        }).Order(StringComparer.Ordinal));
        return [.. Workspaces.Events(root).Select(e => $"{e.GetProperty("job").GetProperty("name")} {e.GetProperty("eventType")}: {Datasets(e, "inputs")} -> {Datasets(e, "outputs")}").Distinct().Order(StringComparer.Ordinal)];
    }
}
