using BatchMl.Data;
using BatchMl.TestSupport;
using DuckDB.NET.Data;

namespace BatchMl.DuckDb.Tests;

public sealed class SqlSourceTests : IDisposable
{
    readonly TestFolder folder = new();

    static async Task<List<string>> ReadAsync(IBatchSource source, params string[] columns)
    {
        using var snapshot = await source.OpenAsync(default);
        var rows = new List<string>();
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(columns.Length > 0 ? columns : [.. snapshot.Schema.FieldsList.Select(f => f.Name)], BatchSize: 10), default))
            rows.AddRange(TestTable.Rows(batch.Batch));
        return rows;
    }

    (string Path, string Sql) Table(int rows = 30)
    {
        var path = TextFixture.Csv(folder.At("a.csv"), TestTable.Create(rows));
        return (path, $"SELECT id, id * 2 AS twice, text FROM read_csv('{path}') WHERE id % 2 = 0 ORDER BY id DESC;");
    }

    [Fact]
    public async Task A_query_is_a_table_in_its_own_order()
    {
        var (path, sql) = Table();
        Assert.Equal(Enumerable.Range(0, 15).Select(i => $"{56 - 4 * i} | {28 - 2 * i}"), await ReadAsync(new SqlSource(sql, [path]), "twice", "id"));
    }

    [Fact]
    public async Task A_query_with_an_error_is_told_with_its_text()
    {
        var (path, _) = Table();
        foreach (var sql in new[] { "SELEC 1", $"SELECT nope FROM read_csv('{path}')", "DROP TABLE x" })
        {
            var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new SqlSource(sql, [path])));
            Assert.Contains(sql, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Its_files_must_be_named()
    {
        await Assert.ThrowsAsync<DefinitionException>(() => ReadAsync(new SqlSource("SELECT 1 AS x", [])));
        var missing = folder.At("missing.csv");
        Assert.Contains(missing, (await Assert.ThrowsAsync<DataException>(() => ReadAsync(new SqlSource("SELECT 1 AS x", [missing])))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_changed_fails_the_read()
    {
        var (path, sql) = Table();
        using var snapshot = await new SqlSource(sql, [path]).OpenAsync(default);
        TextFixture.Csv(path, TestTable.Create(31, 2));
        await Assert.ThrowsAsync<InputChangedException>(async () =>
        {
            await foreach (var batch in snapshot.ReadAsync(new ScanRequest(["id"]), default)) batch.Dispose();
        });
        Assert.Throws<InputChangedException>(snapshot.Verify);
    }

    [Fact]
    public async Task The_identity_follows_the_query()
    {
        var (path, sql) = Table();
        using var one = await new SqlSource(sql, [path]).OpenAsync(default);
        using var other = await new SqlSource(sql + " ", [path]).OpenAsync(default);
        Assert.NotEqual(one.Files[0].Digest, other.Files[0].Digest);
    }

    [Fact]
    public async Task A_database_file_is_read_and_enums_are_text()
    {
        var path = folder.At("a.duckdb");
        using (var connection = new DuckDBConnection($"DataSource={path}"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE t AS SELECT i AS id, (CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END)::ENUM('even', 'odd') AS kind FROM range(25) r(i)";
            command.ExecuteNonQuery();
        }
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"{i} | {(i % 2 == 0 ? "even" : "odd")}"), await ReadAsync(new SqlSource("FROM t ORDER BY id", [], path)));
    }

    [Fact]
    public async Task Nothing_is_fetched_from_elsewhere()
    {
        var (path, _) = Table();
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new SqlSource("FROM 's3://bucket/a.parquet'", [path])));
        Assert.Contains("httpfs", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
