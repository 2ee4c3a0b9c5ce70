using System.Data.Common;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Database;
using BatchMl.Hosting;
using BatchMl.Lineage;
using BatchMl.Parquet;
using BatchMl.TestSupport;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace BatchMl.Jobs.Tests;

/// <summary>Tables of databases are pinned as files: every row of one instant, the same rows as the same files, and a change as a change of what it is in.</summary>
public sealed class DatabaseSourceTests
{
    const string Rows = """
        SELECT i::INTEGER AS id, CASE WHEN i % 7 > 0 THEN i * 0.1::DOUBLE PRECISION END AS x, CASE WHEN i % 5 > 0 THEN 'text ü ' || i END AS t, i % 2 = 0 AS flag,
          TIMESTAMPTZ '2024-01-01 00:00:00.000001Z' + i * INTERVAL '1 hour' AS at, TIMESTAMP '2024-01-01 00:00:00' + i * INTERVAL '1 minute' AS plain, DATE '2024-01-01' + i / 24 AS day, i / 4.0 AS money, (i * 0.5)::REAL AS small, (i % 100)::SMALLINT AS few, i::BIGINT << 33 AS many, ARRAY[i] AS list
        FROM generate_series(0, 199) AS s(i)
        """;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A connection to a new schema.</summary>
    internal static async Task<string> ConnectionAsync(string schema)
    {
        var server = await PostgresServer.SharedAsync();
        var connection = new NpgsqlConnectionStringBuilder(PostgresAddress.Parse(server.Address(schema)).ConnectionString) { Pooling = false }.ConnectionString;
        await ExecuteAsync(connection, $"CREATE SCHEMA {schema}");
        return connection;
    }

    static async Task ExecuteAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    static DatabaseTableSource Source(DbDataSource database, string workspace, string? table = "rows", string? sql = null, string? by = null, TimeProvider? clock = null) =>
        Source(database, new DatabaseTable { Name = "rows", Workspace = workspace, Table = table, Sql = sql, PartitionBy = by, Dataset = new DatasetName("postgres://test", "rows") }, clock);

    internal static DatabaseTableSource Source(DbDataSource database, DatabaseTable table, TimeProvider? clock = null) => new(
        table, database, folder => new ParquetSource(folder), (path, schema) => new ParquetTableFile(path, schema), clock ?? TimeProvider.System);

    static async Task<(string[] Names, string[] Files, string[] Digests)> PinAsync(DatabaseTableSource source)
    {
        using var snapshot = await source.OpenAsync(Cancel);
        return ([.. snapshot.Schema.FieldsList.Select(f => f.Name)], [.. snapshot.Files.Select(f => f.Path)], [.. snapshot.Files.Select(f => $"{Path.GetFileName(f.Path)} {f.Size} {f.Modified.UtcTicks} {f.Digest}")]);
    }

    [Fact]
    public async Task Every_value_of_a_table_arrives_as_it_is()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("values_arrive");
        await ExecuteAsync(connection, $"CREATE TABLE rows AS {Rows}");
        await using var database = NpgsqlDataSource.Create(connection);
        var (names, files, _) = await PinAsync(Source(database, folder.Path));
        Assert.Equal(["id", "x", "t", "flag", "at", "plain", "day", "money", "small", "few", "many"], names);
        // The same rows, by DuckDB's arithmetic.
        var expected = Rows.Replace("ARRAY[i] AS list", "0 AS nothing", StringComparison.Ordinal).Replace("TIMESTAMP '2024-01-01 00:00:00'", "TIMESTAMPTZ '2024-01-01 00:00:00Z'", StringComparison.Ordinal).Replace("DATE '2024-01-01' + i / 24", "DATE '2024-01-01' + (i // 24)::INTEGER", StringComparison.Ordinal);
        Assert.Equal("0 200", Duck.Ask<string>($"""
            WITH e AS (SELECT * EXCLUDE (nothing) REPLACE (money::DOUBLE AS money) FROM ({expected})), a AS (SELECT * FROM read_parquet('{Assert.Single(files)}'))
            SELECT (SELECT count(*) FROM (SELECT * FROM e EXCEPT ALL SELECT * FROM a)) || ' ' || (SELECT count(*) FROM a)
            """));
    }

    [Fact]
    public async Task The_same_rows_are_the_same_files_and_an_appended_day_is_one_more()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("same_rows");
        await ExecuteAsync(connection, $"CREATE TABLE rows AS SELECT * FROM ({Rows}) AS r ORDER BY id");
        await using var database = NpgsqlDataSource.Create(connection);
        var first = await PinAsync(Source(database, folder.At("a"), by: "day"));
        Assert.Equal(9, first.Files.Length);
        // Rows in another order, copied into another workspace at another time.
        await ExecuteAsync(connection, $"DROP TABLE rows; CREATE TABLE rows AS SELECT * FROM ({Rows}) AS r ORDER BY md5(id::text)");
        Assert.Equal(first.Digests, (await PinAsync(Source(database, folder.At("b"), by: "day"))).Digests);
        Assert.Equal(first.Files, (await PinAsync(Source(database, folder.At("a"), by: "day"))).Files);

        await ExecuteAsync(connection, "INSERT INTO rows (id, day) VALUES (1000, '2024-03-01'), (1001, NULL)");
        var more = await PinAsync(Source(database, folder.At("a"), by: "day"));
        Assert.Equal(11, more.Digests.Length);
        Assert.Empty(first.Digests.Except(more.Digests));
        await ExecuteAsync(connection, "UPDATE rows SET x = -0.0 WHERE id = 0");
        var changed = await PinAsync(Source(database, folder.At("a"), by: "day"));
        Assert.Single(more.Digests.Except(changed.Digests));
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("a", "db-tables", "rows", "_staging")));
    }

    [Fact]
    public async Task More_rows_than_a_batch_keep_their_order_and_number()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("many_rows");
        await using var database = NpgsqlDataSource.Create(connection);
        var (_, files, _) = await PinAsync(Source(database, folder.Path, table: null, sql: "SELECT i AS id, i % 10 AS ten FROM generate_series(1, 150000) AS s(i);"));
        Assert.Equal("150000 11250075000 1 150000", Duck.Ask<string>($"SELECT count(*) || ' ' || sum(id) || ' ' || min(id) || ' ' || count(DISTINCT id) FROM '{Assert.Single(files)}'"));
    }

    [Fact]
    public async Task Versions_that_were_not_used_for_a_week_go()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("old_versions");
        await ExecuteAsync(connection, "CREATE TABLE rows AS SELECT 1 AS id");
        await using var database = NpgsqlDataSource.Create(connection);
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var old = (await PinAsync(Source(database, folder.Path, clock: clock))).Files[0];
        await ExecuteAsync(connection, "INSERT INTO rows VALUES (2)");
        clock.Advance(TimeSpan.FromDays(6));
        await PinAsync(Source(database, folder.Path, clock: clock));
        Assert.True(File.Exists(old));
        clock.Advance(TimeSpan.FromDays(2));
        await PinAsync(Source(database, folder.Path, clock: clock));
        Assert.False(File.Exists(old));
    }

    [Theory]
    [InlineData("nowhere", null, "nowhere")]
    [InlineData(null, "SELECT 1 AS a, 2 AS a", "columns of one name: a")]
    [InlineData(null, "SELECT 1 AS a WHERE false", "gives no rows")]
    [InlineData(null, "SELECT ARRAY[1] AS a", "no column that can be read: a")]
    [InlineData(null, "SELECT 1e300::NUMERIC AS a", "Column 'a' has a value that is no Double")]
    public async Task What_can_not_be_read_says_why(string? table, string? sql, string expected)
    {
        using var folder = new TestFolder();
        var server = await PostgresServer.SharedAsync();
        await using var database = NpgsqlDataSource.Create(PostgresAddress.Parse(server.Address()).ConnectionString + ";Pooling=false");
        var e = await Assert.ThrowsAnyAsync<BatchMlException>(() => PinAsync(Source(database, folder.Path, table, sql)));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Another_provider_does_as_well()
    {
        using var folder = new TestFolder();
        await using var database = SqliteFactory.Instance.CreateDataSource($"Data Source={folder.At("some.db")};Pooling=False");
        await using (var command = database.CreateCommand("CREATE TABLE rows (id INTEGER, x REAL, t TEXT); INSERT INTO rows VALUES (2, 0.5, NULL), (1, NULL, 'a''b')")) await command.ExecuteNonQueryAsync(Cancel);
        var (names, files, _) = await PinAsync(Source(database, folder.Path, by: "id"));
        Assert.Equal(["id", "x", "t"], names);
        Assert.Equal(2, files.Length);
        Assert.Equal("1 null a'b;2 0.5 null", Duck.Ask<string>($"SELECT string_agg(concat_ws(' ', id, coalesce(x::VARCHAR, 'null'), coalesce(t, 'null')), ';' ORDER BY id) FROM read_parquet('{Path.GetDirectoryName(files[0])}/*.parquet')"));
    }

    [Fact]
    public async Task A_value_of_another_type_than_its_column_is_converted_or_refused()
    {
        using var folder = new TestFolder();
        await using var database = SqliteFactory.Instance.CreateDataSource($"Data Source={folder.At("some.db")};Pooling=False");
        // SQLite keeps a text where a number was declared, if it can not be made one.
        await using (var command = database.CreateCommand("CREATE TABLE rows (id INTEGER, x REAL, t TEXT); INSERT INTO rows VALUES (1, 2, 'a'), (2, NULL, 7), (3, 1.5, 0.25)")) await command.ExecuteNonQueryAsync(Cancel);
        var (_, files, _) = await PinAsync(Source(database, folder.Path));
        Assert.Equal("1 2.0 a;2 null 7;3 1.5 0.25", Duck.Ask<string>($"SELECT string_agg(concat_ws(' ', id, coalesce(x::VARCHAR, 'null'), t), ';' ORDER BY id) FROM '{files[0]}'"));
        await using (var command = database.CreateCommand("INSERT INTO rows VALUES ('many', 0, 'b')")) await command.ExecuteNonQueryAsync(Cancel);
        var e = await Assert.ThrowsAsync<DataException>(() => PinAsync(Source(database, folder.Path)));
        Assert.Contains("Column 'id' has a value that is no Int64", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_reads_it_by_a_connection_that_is_kept_in_a_file()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("of_a_job");
        await ExecuteAsync(connection, """
            CREATE TABLE orders AS SELECT i % 50 AS customer_id, i AS order_id, TIMESTAMPTZ '2024-01-01 00:00:00Z' + i * INTERVAL '2 hours' AS at, TIMESTAMPTZ '2024-01-01 05:00:00Z' + i * INTERVAL '2 hours' AS loaded_at, (i % 17)::DOUBLE PRECISION AS amount
              FROM generate_series(0, 1499) AS s(i);
            CREATE TABLE visits AS SELECT i % 60 AS customer_id, TIMESTAMPTZ '2024-01-02 00:30:00Z' + i * INTERVAL '3 hours' AS at, i % 3 = 0 AS bought FROM generate_series(0, 949) AS s(i)
            """);
        await File.WriteAllTextAsync(folder.At("connection"), (await PostgresServer.SharedAsync()).Address("of_a_job") + "\n", Cancel);
        async Task<(int Code, string Text)> RunAsync(string reference)
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            string[] settings = [.. new[] { "orders", "visits" }.SelectMany(n => new[] { $"Sources:{n}:Format=postgres", $"Sources:{n}:Table={n}", $"Sources:{n}:Connection={reference}", $"Sources:{n}:PartitionBy=date_trunc('month', at)" }), "Sources:orders:Watermark=loaded_at"];
            var code = await (BatchMlApplication.Create(() => [NextPurchase.TrainingSet]) with { Out = output, Error = error }).RunAsync(["run", "next-purchase/training-set", "--workspace", folder.At("w"), .. settings.SelectMany(s => new[] { "--set", s })], Cancel);
            return (code, output.ToString() + error);
        }
        var first = await RunAsync($"file:{folder.At("connection")}");
        Assert.True(first.Code == 0, first.Text);
        Assert.NotEqual("0", Duck.Ask<string>($"SELECT sum(orders_30d) FROM '{folder.At("w")}/datasets/next-purchase/training-set/*/part-*.parquet'"));
        var made = Directory.GetFiles(folder.At("w", "datasets"), "part-*.parquet", SearchOption.AllDirectories);
        var second = await RunAsync($"file:{folder.At("connection")}");
        Assert.True(second.Code == 0, second.Text);
        Assert.Equal(made, Directory.GetFiles(folder.At("w", "datasets"), "part-*.parquet", SearchOption.AllDirectories));
        Assert.Contains("table orders (source 'orders'): 0 of 5 chunks changed", second.Text, StringComparison.Ordinal);
        await ExecuteAsync(connection, "INSERT INTO orders SELECT customer_id, order_id + 10000, at, now(), amount FROM orders WHERE order_id = 1499");
        var third = await RunAsync($"file:{folder.At("connection")}");
        Assert.True(third.Code == 0, third.Text);
        Assert.Contains("table orders (source 'orders'): 1 of 5 chunks changed", third.Text, StringComparison.Ordinal);
        var refused = await RunAsync("Host=nowhere;Password=secret");
        Assert.Equal(2, refused.Code);
        Assert.Contains("Connection is no reference; expected env:NAME or file:PATH", refused.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_that_would_change_something_is_refused()
    {
        using var folder = new TestFolder();
        var connection = await ConnectionAsync("read_only");
        await ExecuteAsync(connection, "CREATE SEQUENCE counter");
        await File.WriteAllTextAsync(folder.At("connection"), connection, Cancel);
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => [NextPurchase.TrainingSet]) with { Out = output, Error = error }).RunAsync(
            ["plan", "next-purchase/training-set", "--workspace", folder.At("w"), "--set", "Sources:visits:Format=postgres", "--set", $"Sources:visits:Connection=file:{folder.At("connection")}",
             "--set", "Sources:visits:Sql=SELECT nextval('counter') AS customer_id, now() AS at, true AS bought", "--set", "Sources:orders:Path=/nowhere.csv"], Cancel);
        Assert.Equal(1, code);
        Assert.Contains("read-only transaction", error.ToString(), StringComparison.Ordinal);
    }
}
