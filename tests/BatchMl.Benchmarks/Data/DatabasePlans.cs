using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.Catalog;
using BatchMl.Database;
using BatchMl.Lineage;
using BatchMl.Parquet;
using BatchMl.TestSupport;
using Npgsql;

namespace BatchMl.Benchmarks.Data;

/// <summary>What a plan costs that reads a table of PostgreSQL: whole, against the same query read and thrown away; and by watermark, when one day of thirty changed.</summary>
sealed class DatabasePlans : Benchmark
{
    const int Rows = 2_000_000, Days = 30, Rounds = 3;

    public override string Name => "database";

    public override string What => string.Create(CultureInfo.InvariantCulture, $"table of PostgreSQL, {Rows:n0} rows of 7 columns in {Days} days, pinned as Parquet; Npgsql reading the same sorted rows and dropping them. Then by watermark, with one day changed and with none");

    public override string Target => "at most 2x of reading; by watermark is reported";

    public override async Task<Outcome> RunAsync(string folder)
    {
        using var server = await PostgresServer.StartAsync();
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(PostgresAddress.Parse(server.Address("public")).ConnectionString) { Pooling = false }.ConnectionString);
        await ExecuteAsync(database, $"""
            CREATE TABLE orders AS SELECT i AS order_id, i::BIGINT * 7919 % 100003 AS customer_id, 'shop ' || i % 50 AS shop, (i::BIGINT * 31 % 10007) / 100.0::DOUBLE PRECISION AS amount, i % 3 = 0 AS gift,
              TIMESTAMPTZ '2024-01-01 00:00:00Z' + i * INTERVAL '{Days * 86_400_000_000L / Rows} microseconds' AS loaded_at, TIMESTAMPTZ '2024-01-01 00:00:00Z' + i * INTERVAL '{Days * 86_400_000_000L / Rows} microseconds' AS updated_at
            FROM generate_series(0, {Rows - 1}) AS s(i);
            """);
        await ExecuteAsync(database, "VACUUM ANALYZE orders");
        var table = new DatabaseTable { Name = "orders", Workspace = folder, Table = "orders", PartitionBy = "(loaded_at AT TIME ZONE 'UTC')::date", Dataset = new DatasetName("postgres://benchmark", "orders") };
        var marked = table with { Name = "marked", Watermark = "updated_at", WatermarkDigest = "sum(hash_record_extended(ROW({0}), 0))::text" };
        await PinAsync(database, marked);
        List<Seconds> whole = [], read = [], changed = [], same = [];
        // The first round is not counted.
        for (var round = 0; round <= Rounds; round++)
        {
            // Files of before would be kept.
            var copy = table with { Name = $"orders{round}" };
            whole.Add(await Seconds.OfAsync(() => PinAsync(database, copy)));
            read.Add(await Seconds.OfAsync(() => ReadAsync(database, table)));
            await ExecuteAsync(database, $"UPDATE orders SET amount = amount + 1, updated_at = now() WHERE order_id = {Rows / 2 + round}");
            changed.Add(await Seconds.OfAsync(() => PinAsync(database, marked)));
            same.Add(await Seconds.OfAsync(() => PinAsync(database, marked)));
        }
        var (all, floor, one, none) = (Median(whole), Median(read), Median(changed), Median(same));
        var (ratio, part) = (all.Wall / floor.Wall, one.Wall / all.Wall);
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"all {all}, {Rows / all.Wall / 1000:0} k rows/s; one day {one.Wall:0.00} s; nothing {none.Wall:0.00} s"), floor.ToString(), string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00}x; by watermark {part:0.00}x of all"),
            ratio <= 2, "PostgreSQL's sort and scan are in all of them");

        static Seconds Median(List<Seconds> rounds) => Seconds.Median(rounds.Skip(1));
    }

    static async Task PinAsync(NpgsqlDataSource database, DatabaseTable table)
    {
        var source = new DatabaseTableSource(table, database, folder => new ParquetSource(folder), (path, schema) => new ParquetTableFile(path, schema), TimeProvider.System);
        using var snapshot = await source.OpenAsync(CancellationToken.None);
        if (snapshot.Files.Count != Days) throw new InvalidOperationException($"{snapshot.Files.Count} files; expected one for each of {Days} days.");
    }

    static async Task ReadAsync(NpgsqlDataSource database, DatabaseTable table)
    {
        await using var command = database.CreateCommand($"SELECT {table.PartitionBy}, * FROM {table.Table} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8");
        command.CommandTimeout = 0;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        while (await reader.ReadAsync()) rows++;
        if (rows != Rows) throw new InvalidOperationException($"{rows} rows; expected {Rows}.");
    }

    static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
