using System.Text.Json;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Parquet;
using BatchMl.Runs;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace BatchMl.Jobs.Tests;

/// <summary>What tests look up in a workspace.</summary>
static class Workspaces
{
    public static string Data => Path.Combine(AppContext.BaseDirectory, "flight-delays", "data");

    /// <summary>The catalog of a workspace: its file, or where it is in PostgreSQL.</summary>
    public static ICatalog Catalog(string root, string? postgres = null) => postgres is null ? new SqliteCatalog(new Workspace(root).CatalogPath) : new PostgresCatalog(postgres);

    public static async Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string root, string dataset, string sink = "parquet", string? postgres = null)
    {
        await using var catalog = Catalog(root, postgres);
        return await catalog.LedgerAsync(sink, dataset, TestContext.Current.CancellationToken);
    }

    public static async Task<RunRecord> LatestRunAsync(string root)
    {
        await using var catalog = new SqliteCatalog(new Workspace(root).CatalogPath);
        return (await catalog.FindRunAsync(null, TestContext.Current.CancellationToken))!;
    }

    /// <summary>Content digest by partition, read from the manifests: what readers see.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ContentAsync(string root, string dataset, string? postgres = null)
    {
        var sink = new ParquetSink(new Workspace(root).Datasets);
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in await LedgerAsync(root, dataset, postgres: postgres))
        {
            var manifest = await sink.ReadManifestAsync(entry.Key, TestContext.Current.CancellationToken);
            if (manifest is not null) digests[entry.Key.Value] = manifest.Partition.ContentDigest;
        }
        return digests;
    }

    public static IEnumerable<JsonElement> Events(string root) =>
        Directory.GetFiles(new Workspace(root).Lineage, "*.ndjson").Order().SelectMany(File.ReadLines).Select(l => JsonDocument.Parse(l).RootElement);

    /// <summary>Files that no finished run may leave.</summary>
    public static string[] Leftovers(string root)
    {
        var workspace = new Workspace(root);
        return
        [
            .. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Where(p => p.Contains("_staging", StringComparison.Ordinal) || p.Contains(".tmp", StringComparison.Ordinal)),
            .. Directory.Exists(Path.Combine(root, "spark-staging")) ? Directory.EnumerateFileSystemEntries(Path.Combine(root, "spark-staging")) : [],
            .. Directory.Exists(workspace.Spill) ? Directory.EnumerateFileSystemEntries(workspace.Spill) : [],
        ];
    }

    /// <summary>Copies a workspace.</summary>
    /// <param name="from">That of a finished run.</param>
    /// <param name="to">The new one.</param>
    /// <param name="isWanted">Which files; null: all.</param>
    public static void Copy(string from, string to, Func<string, bool>? isWanted = null)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(isWanted ?? (_ => true)))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>Makes a workspace that has the training set and the model of a finished run, but no scores.</summary>
    public static void CopyWithoutScores(string from, string to)
    {
        Copy(from, to, f => !f.Contains("/score/", StringComparison.Ordinal) && !f.Contains("/monitor", StringComparison.Ordinal));
        using var connection = new SqliteConnection($"Data Source={new Workspace(to).CatalogPath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = string.Concat(new[] { "attempt", "ledger", "partition_status" }.Select(t => $"DELETE FROM {t} WHERE dataset IN ('flight-delays/score', 'flight-delays/monitor');"));
        command.ExecuteNonQuery();
    }

    /// <summary>Moves a workspace's catalog to PostgreSQL, row by row.</summary>
    public static async Task MoveCatalogAsync(string root, string postgres)
    {
        await using (var made = new PostgresCatalog(postgres)) await made.RecentRunsAsync(1, default);
        var file = new Workspace(root).CatalogPath;
        await using (var from = new SqliteConnection($"Data Source={file};Pooling=False"))
        await using (var to = new NpgsqlConnection($"{PostgresAddress.Parse(postgres).ConnectionString};Pooling=false"))
        {
            await from.OpenAsync();
            await to.OpenAsync();
            foreach (var table in new[] { "run", "ledger", "attempt", "outbox", "delivery", "partition_status" })
            {
                await using var select = new SqliteCommand($"SELECT * FROM {table}", from);
                await using var rows = await select.ExecuteReaderAsync();
                var columns = Enumerable.Range(0, rows.FieldCount).Select(rows.GetName).ToArray();
                while (await rows.ReadAsync())
                {
                    await using var insert = new NpgsqlCommand($"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select((_, i) => $"${i + 1}"))})", to);
                    for (var i = 0; i < columns.Length; i++) insert.Parameters.Add(new NpgsqlParameter { Value = rows.GetValue(i) });
                    await insert.ExecuteNonQueryAsync();
                }
            }
        }
        foreach (var left in Directory.GetFiles(Path.GetDirectoryName(file)!, Path.GetFileName(file) + "*")) File.Delete(left);
    }
}
