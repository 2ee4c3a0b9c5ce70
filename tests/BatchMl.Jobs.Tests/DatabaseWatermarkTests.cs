using System.Data.Common;
using System.Globalization;
using BatchMl.Database;
using BatchMl.Lineage;
using BatchMl.TestSupport;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace BatchMl.Jobs.Tests;

/// <summary>With a watermark only what changed is read of a table, and what is pinned is, file by file, what reading all of it gives.</summary>
public sealed class DatabaseWatermarkTests
{
    const string Digest = "sum(hash_record_extended(ROW({0}), 0))::text";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    sealed class Database(NpgsqlDataSource source) : IAsyncDisposable
    {
        public NpgsqlDataSource Source => source;

        public static async Task<Database> CreateAsync(string schema, string sql)
        {
            var made = new Database(NpgsqlDataSource.Create(await DatabaseSourceTests.ConnectionAsync(schema)));
            await made.ExecuteAsync(sql);
            return made;
        }

        public async Task<object?> ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            return await command.ExecuteScalarAsync(Cancel);
        }

        public ValueTask DisposeAsync() => source.DisposeAsync();
    }

    sealed class Pins(DbDataSource database, string workspace)
    {
        public DatabaseTable Table { get; init; } = new()
        {
            Name = "rows", Workspace = workspace, Table = "rows", PartitionBy = "day", Watermark = "updated_at", WatermarkDigest = Digest, Dataset = new DatasetName("postgres://test", "rows"),
        };

        public Pins With(Func<DatabaseTable, DatabaseTable> change) => new(database, workspace) { Table = change(Table) };

        /// <summary>"2 of 9 chunks changed" of the last time.</summary>
        public string Changed { get; private set; } = "";

        public async Task<string[]> PinAsync()
        {
            var source = DatabaseSourceTests.Source(database, Table with { OnProgress = t => Changed = t[(t.IndexOf(": ", StringComparison.Ordinal) + 2)..].Replace(" and are read from its database", "", StringComparison.Ordinal) });
            using var snapshot = await source.OpenAsync(Cancel);
            return [.. snapshot.Files.Select(f => $"{Path.GetRelativePath(workspace, f.Path)} {f.Size} {f.Modified.UtcTicks} {f.Digest}")];
        }
    }

    const string Rows = """
        CREATE TABLE rows AS SELECT i AS id, CASE WHEN i % 11 > 0 THEN DATE '2024-01-01' + i / 20 END AS day, i * 0.5::DOUBLE PRECISION AS amount, TIMESTAMPTZ '2024-01-01 00:00:00Z' + i * INTERVAL '1 hour' AS updated_at FROM generate_series(0, 199) AS s(i)
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_happens_to_a_table_the_files_are_those_of_reading_it_whole_and_only_chunks_that_changed_are_read(int seed)
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync($"watermark_any_{seed}", Rows);
        var random = new Random(seed);
        var watched = new Pins(database.Source, folder.At("watched"));
        var days = new Dictionary<int, string>(Enumerable.Range(0, 200).Select(i => KeyValuePair.Create(i, i % 11 > 0 ? Day(i / 20) : "NULL")));
        await watched.PinAsync();
        Assert.Equal("11 of 11 chunks changed", watched.Changed);
        var clock = 0;
        for (var step = 0; step < 15; step++)
        {
            var touched = new HashSet<string>();
            for (var change = random.Next(4); change > 0; change--)
            {
                // Also in the past: a transaction that began long ago.
                var at = $"TIMESTAMPTZ '2024-02-01 00:00:00Z' + INTERVAL '{(random.Next(3) == 0 ? -random.Next(1, 1_000_000) : ++clock)} milliseconds'";
                var id = days.Keys.ElementAt(random.Next(days.Count));
                switch (random.Next(4))
                {
                    case 0:
                        (id, var day) = (days.Keys.Max() + 1, random.Next(5) == 0 ? "NULL" : Day(random.Next(14)));
                        await database.ExecuteAsync($"INSERT INTO rows VALUES ({id}, {day}, {random.Next(9)}, {at})");
                        touched.Add(days[id] = day);
                        break;
                    case 1:
                        await database.ExecuteAsync($"DELETE FROM rows WHERE id = {id}");
                        touched.Add(days[id]);
                        days.Remove(id);
                        break;
                    case 2:
                        await database.ExecuteAsync($"UPDATE rows SET amount = amount + 1, updated_at = {at} WHERE id = {id}");
                        touched.Add(days[id]);
                        break;
                    default:
                        touched.Add(days[id]);
                        touched.Add(days[id] = Day(random.Next(14)));
                        await database.ExecuteAsync($"UPDATE rows SET day = {days[id]}, updated_at = {at} WHERE id = {id}");
                        break;
                }
            }
            var there = days.Values.Distinct().ToArray();
            Assert.Equal(await new Pins(database.Source, folder.At($"whole-{step}")).With(t => t with { Watermark = null }).PinAsync(), await watched.PinAsync());
            Assert.Equal($"{touched.Intersect(there).Count()} of {there.Length} chunks changed", watched.Changed);
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("watched", "db-tables", "rows", "_staging")));

        static string Day(int day) => string.Create(CultureInfo.InvariantCulture, $"DATE '{new DateOnly(2024, 1, 1).AddDays(day):yyyy-MM-dd}'");
    }

    [Fact]
    public async Task Rows_of_other_chunks_do_not_leave_the_database()
    {
        using var folder = new TestFolder();
        // A sequence counts whose columns are looked at, transaction or not.
        await using var database = await Database.CreateAsync("watermark_seen", $"""
            {Rows};
            CREATE SEQUENCE seen;
            CREATE FUNCTION see(i INTEGER) RETURNS INTEGER LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM nextval(''seen''); RETURN i; END';
            CREATE VIEW watched AS SELECT see(id) AS id, day, updated_at FROM rows
            """);
        var pins = new Pins(database.Source, folder.Path).With(t => t with { Table = "watched" });
        await pins.PinAsync();
        Assert.Equal(200L, await database.ExecuteAsync("SELECT last_value FROM seen"));
        await pins.PinAsync();
        Assert.Equal(200L, await database.ExecuteAsync("SELECT last_value FROM seen"));
        await database.ExecuteAsync("UPDATE rows SET updated_at = now() WHERE id IN (21, 23)");
        await pins.PinAsync();
        Assert.Equal(200L + Enumerable.Range(20, 20).Count(i => i % 11 > 0), await database.ExecuteAsync("SELECT last_value FROM seen"));
    }

    [Fact]
    public async Task A_transaction_that_ends_after_the_plan_loses_nothing_though_later_ones_were_seen()
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync("watermark_late", Rows);
        var pins = new Pins(database.Source, folder.Path);
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await using var slow = await connection.BeginTransactionAsync(Cancel);
        await using (var command = new NpgsqlCommand("INSERT INTO rows VALUES (1000, '2024-01-03', 1, now())", connection, slow)) await command.ExecuteNonQueryAsync(Cancel);
        await database.ExecuteAsync("INSERT INTO rows VALUES (1001, '2024-01-03', 2, now())");
        Assert.Equal("0", await CountAsync("id = 1000"));
        Assert.Equal("1", await CountAsync("id = 1001"));
        await slow.CommitAsync(Cancel);
        Assert.Equal("1", await CountAsync("id = 1000"));
        Assert.Equal("1 of 11 chunks changed", pins.Changed);

        async Task<string> CountAsync(string where)
        {
            var files = (await pins.PinAsync()).Select(f => $"'{folder.At(f.Split(' ')[0])}'");
            return Duck.Ask<string>($"SELECT count(*)::VARCHAR FROM read_parquet([{string.Join(", ", files)}]) WHERE {where}");
        }
    }

    [Fact]
    public async Task What_the_watermark_does_not_tell_is_seen_once_all_is_read_and_stays()
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync("watermark_silent", Rows);
        var pins = new Pins(database.Source, folder.Path);
        var before = await pins.PinAsync();
        await database.ExecuteAsync("UPDATE rows SET amount = 77 WHERE id = 50");
        Assert.Equal(before, await pins.PinAsync());
        var after = await pins.With(t => t with { Watermark = null }).PinAsync();
        Assert.Single(after.Select(FileOf).Except(before.Select(FileOf)));
        Assert.Equal(after, await pins.PinAsync());

        static string FileOf(string file) => Path.GetFileName(file.Split(' ')[0]);
    }

    [Fact]
    public async Task Another_column_another_query_another_database_and_a_file_that_went_make_it_read_again()
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync("watermark_other", Rows);
        var pins = new Pins(database.Source, folder.Path);
        await pins.PinAsync();
        await database.ExecuteAsync("ALTER TABLE rows ADD COLUMN note TEXT");
        await pins.PinAsync();
        Assert.Equal("11 of 11 chunks changed", pins.Changed);
        var elsewhere = pins.With(t => t with { Dataset = new DatasetName("postgres://production", "rows") });
        await elsewhere.PinAsync();
        Assert.Equal("11 of 11 chunks changed", elsewhere.Changed);
        var query = pins.With(t => t with { Table = null, Sql = "SELECT * FROM rows WHERE id <> 50;" });
        var files = await query.PinAsync();
        Assert.Equal("11 of 11 chunks changed", query.Changed);
        var gone = folder.At(files[3].Split(' ')[0]);
        foreach (var copy in Directory.GetFiles(folder.Path, Path.GetFileName(gone), SearchOption.AllDirectories)) File.Delete(copy);
        // The version's folder is there and lacks a file: it is no version.
        Directory.Delete(Path.GetDirectoryName(gone)!, recursive: true);
        Assert.Equal(files.Order(), (await query.PinAsync()).Order());
    }

    [Fact]
    public async Task Another_provider_has_its_own_digest()
    {
        using var folder = new TestFolder();
        await using var database = SqliteFactory.Instance.CreateDataSource($"Data Source={folder.At("some.db")};Pooling=False");
        async Task ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Cancel);
        }
        await ExecuteAsync("CREATE TABLE rows (id INTEGER, day TEXT, version INTEGER); INSERT INTO rows VALUES (1, '2024-01-01', 1), (2, '2024-01-02', 2), (3, NULL, 3)");
        foreach (var digest in new[] { "max({0})", "sum({0})" })
        {
            var pins = new Pins(database, folder.Path).With(t => t with { Watermark = "version", WatermarkDigest = digest });
            await pins.PinAsync();
            Assert.Equal("3 of 3 chunks changed", pins.Changed);
            await ExecuteAsync("INSERT INTO rows VALUES (4, NULL, (SELECT max(version) FROM rows) + 1); UPDATE rows SET version = (SELECT max(version) FROM rows) + 1 WHERE id = 2");
            await pins.PinAsync();
            Assert.Equal("2 of 3 chunks changed", pins.Changed);
            await pins.PinAsync();
            Assert.Equal("0 of 3 chunks changed", pins.Changed);
        }
    }

    [Theory]
    [InlineData("updated", "day", "", "column \"updated\" does not exist")]
    [InlineData("updated_at", "day", "UPDATE rows SET updated_at = NULL WHERE id < 3", "has 3 rows whose watermark updated_at is NULL")]
    [InlineData("updated_at", null, "", "has Watermark and no PartitionBy")]
    [InlineData("updated_at", "(random() * 1000)::INTEGER", "", "gave other rows when they were read than when they were counted by (random() * 1000)::INTEGER")]
    public async Task A_watermark_that_tells_nothing_is_refused(string watermark, string? by, string change, string expected)
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync($"watermark_bad_{Guid.NewGuid():N}", $"{Rows}; {change}");
        var e = await Assert.ThrowsAnyAsync<BatchMlException>(new Pins(database.Source, folder.Path).With(t => t with { Watermark = watermark, PartitionBy = by }).PinAsync);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_damaged_record_of_chunks_says_what_to_do()
    {
        using var folder = new TestFolder();
        await using var database = await Database.CreateAsync("watermark_damaged", Rows);
        var pins = new Pins(database.Source, folder.Path);
        var files = await pins.PinAsync();
        await File.WriteAllTextAsync(folder.At("db-tables", "rows", "_chunks.json"), "{ \"Of\": \"ro", Cancel);
        var e = await Assert.ThrowsAsync<DataException>(pins.PinAsync);
        Assert.Contains("_chunks.json is damaged", e.Message, StringComparison.Ordinal);
        File.Delete(folder.At("db-tables", "rows", "_chunks.json"));
        Assert.Equal(files, await pins.PinAsync());
    }
}
