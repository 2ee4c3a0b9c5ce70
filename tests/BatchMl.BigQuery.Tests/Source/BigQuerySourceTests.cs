using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Parquet;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests.Source;

/// <summary>Tables and queries as sources: the rows are BigQuery's, read once for each state of the table, and what did not change is the same file still.</summary>
public sealed class BigQuerySourceTests
{
    const string Typed = """
        SELECT DATE '2026-10-01' + (i % 3)::INT AS day, i * 922337203685477 AS i, CASE i WHEN 3 THEN 'nan'::DOUBLE WHEN 4 THEN '-inf'::DOUBLE ELSE i / 7.0 END AS f, CASE WHEN i % 4 > 0 THEN i % 2 = 0 END AS b,
          CASE WHEN i % 5 = 0 THEN NULL ELSE 'nä	me "' || chr(10) || i END AS s, TIMESTAMPTZ '1969-12-31 23:59:59+00' + INTERVAL (i * 1000001) MICROSECOND AS ts, (i * 0.0625 - 7)::DECIMAL(18,4) AS n, ('x' || i)::BLOB AS y, [i, i + 1] AS l
        FROM range(500) t(i)
        """;

    static readonly BigQuerySchema typed = new([
        Column("day", "DATE"), Column("i", "INTEGER"), Column("f", "FLOAT"), Column("b", "BOOLEAN"), Column("s", "STRING"), Column("ts", "TIMESTAMP"), Column("n", "NUMERIC"), Column("y", "BYTES"), Column("l", "INTEGER", "REPEATED")]);

    readonly List<string> told = [];

    BigQuerySource Source(BigQueryFixture bq, Func<BigQuerySourceOptions, BigQuerySourceOptions> with, string workspace = "workspace") => new(
        with(new BigQuerySourceOptions { Name = "events", Client = BigQueryFixture.Options(bq.Fake, bq.Time), Workspace = bq.At(workspace), OnProgress = told.Add }), folder => new ParquetSource(folder), ParquetFile.Write);

    static string Glob(ISourceSnapshot snapshot) => $"read_parquet('{Path.GetDirectoryName(snapshot.Files[0].Path)}/*.parquet')";

    static int Pages(BigQueryFixture bq) => bq.Fake.Requests.Count(r => r.Path.EndsWith("/data", StringComparison.Ordinal));

    static (string, long, DateTimeOffset, string) Identity(SourceFile file) => (Path.GetFileName(file.Path), file.Size, file.Modified, file.Digest);

    [Fact]
    public async Task Every_value_is_that_of_the_table_and_lists_are_left_out()
    {
        await using var bq = await StartAsync();
        var file = bq.Parquet(Typed);
        await bq.Client.Jobs.RunAsync("typed", Load(bq.Dataset.Table("t"), schema: typed), file, Cancellation);
        using var snapshot = await Source(bq, o => o with { Table = bq.Dataset.Table("t"), PartitionBy = "day" }).OpenAsync(Cancellation);

        Assert.Equal(["2026-10-01", "2026-10-02", "2026-10-03"], snapshot.Files.Select(f => Path.GetFileName(f.Path)[..10]));
        Assert.Equal(["day", "i", "f", "b", "s", "ts", "n", "y"], snapshot.Schema.FieldsList.Select(f => f.Name));
        const string Columns = "day, i, f, b, s, ts, n::DECIMAL(38,9) AS n, y";
        Assert.Equal(["0"], Parquet.Query($"SELECT count(*) FROM (SELECT {Columns} FROM read_parquet('{file}') EXCEPT ALL SELECT {Columns} FROM {Glob(snapshot)})"));
        Assert.Equal(["500"], Parquet.Query($"SELECT count(*) FROM {Glob(snapshot)}"));
        Assert.Equal(["DATE|BIGINT|DOUBLE|BOOLEAN|VARCHAR|TIMESTAMP WITH TIME ZONE|DECIMAL(38,9)|BLOB"], Parquet.Query($"SELECT typeof(day), typeof(i), typeof(f), typeof(b), typeof(s), typeof(ts), typeof(n), typeof(y) FROM {Glob(snapshot)} LIMIT 1"));
        Assert.Equal("bigquery", snapshot.Dataset!.Namespace);
        Assert.Equal("test-project.ml.t", snapshot.Dataset.Name);
        Assert.Contains("500 rows", snapshot.Note, StringComparison.Ordinal);
        Assert.Contains("reading it is free", snapshot.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_is_read_again_only_when_it_changed_and_then_only_what_changed_is_another_file()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("three", Load(table), bq.Days(3), Cancellation);
        using var three = await Source(bq, o => o with { Table = table }).OpenAsync(Cancellation);
        Assert.Equal(3, three.Files.Count);
        Assert.Contains("3,000 rows of table test-project:ml.", Assert.Single(told), StringComparison.Ordinal);

        var pages = Pages(bq);
        using var again = await Source(bq, o => o with { Table = table }).OpenAsync(Cancellation);
        Assert.Equal(pages, Pages(bq));
        Assert.Equal(three.Files, again.Files);

        await bq.Client.Jobs.RunAsync("fourth", Load(table), bq.Parquet("SELECT DATE '2026-10-04' AS day, i AS id, 'name ' || i AS name, i / 4 AS score FROM range(10) t(i)"), Cancellation);
        await bq.Client.Jobs.RunAsync("second", Load(table.Partition("20261002"), WriteDisposition.Truncate), bq.Days(1, rows: 10, from: 1), Cancellation);
        using var four = await Source(bq, o => o with { Table = table }).OpenAsync(Cancellation);
        Assert.Equal(["2026-10-01", "2026-10-03"], four.Files.Select(Identity).Intersect(three.Files.Select(Identity)).Select(i => i.Item1[..10]));
        Assert.Equal([1000L, 10, 1000, 10], four.Fragments.Select(f => f.Rows));
        // Who has the old version pinned has it still.
        three.Verify();
        Assert.Equal(["3000"], Parquet.Query($"SELECT count(*) FROM {Glob(three)}"));

        // Wherever the same rows are copied they are the same input.
        using var elsewhere = await Source(bq, o => o with { Table = table }, "elsewhere").OpenAsync(Cancellation);
        Assert.Equal(four.Files.Select(Identity), elsewhere.Files.Select(Identity));
    }

    [Fact]
    public async Task One_partition_is_a_source_too()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("three", Load(table), bq.Days(3), Cancellation);
        using var day = await Source(bq, o => o with { Table = table.Partition("20261002") }).OpenAsync(Cancellation);
        Assert.Equal(["2026-10-02|1000"], Parquet.Query($"SELECT strftime(day, '%Y-%m-%d'), count(*) FROM {Glob(day)} GROUP BY ALL"));
        Assert.Equal($"test-project.ml.{table.TableId}$20261002", day.Dataset!.Name);
    }

    [Fact]
    public async Task A_query_tells_what_it_costs_and_is_refused_before_it_runs_if_that_is_too_much()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var file = bq.Days(3);
        await bq.Client.Jobs.RunAsync("three", Load(table), file, Cancellation);
        var sql = $"SELECT day, id, score * 2 AS twice FROM {table.ToSql()} WHERE id % 2 = 0";
        using (var query = await Source(bq, o => o with { Sql = sql, PartitionBy = "day", Labels = new Dictionary<string, string> { ["team"] = "air" } }).OpenAsync(Cancellation))
        {
            Assert.Equal(Parquet.Query($"SELECT day, id, score * 2 FROM '{file}' WHERE id % 2 = 0 ORDER BY id"), Parquet.Query($"SELECT day, id, twice FROM {Glob(query)} ORDER BY id"));
            Assert.Equal(3, query.Files.Count);
            Assert.Contains("billed, job", query.Note, StringComparison.Ordinal);
        }
        var jobs = bq.Fake.Jobs.Count;
        var error = await Assert.ThrowsAsync<DefinitionException>(() => Source(bq, o => o with { Sql = sql, MaxBytesBilled = 1000 }).OpenAsync(Cancellation));
        Assert.Contains("more than the 1000 B of BigQuery:MaxBytesBilled. Nothing was read or billed.", error.Message, StringComparison.Ordinal);
        Assert.Equal(jobs, bq.Fake.Jobs.Count);
        var merge = await Assert.ThrowsAsync<DefinitionException>(() => Source(bq, o => o with { Sql = $"DELETE FROM {table.ToSql()} WHERE id = 1" }).OpenAsync(Cancellation));
        Assert.Contains("is a DELETE statement. Expected a SELECT", merge.Message, StringComparison.Ordinal);
        Assert.Equal(3000, bq.Count(table));
    }

    [Fact]
    public async Task A_table_that_changes_while_it_is_read_is_no_input()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("one", Load(table), bq.Days(1), Cancellation);
        // Told before the first page is asked for.
        var source = Source(bq, o => o with { Table = table, OnProgress = _ => bq.Client.Jobs.RunAsync("late", Load(table), bq.Days(1), Cancellation).GetAwaiter().GetResult() });
        var error = await Assert.ThrowsAsync<InputChangedException>(() => source.OpenAsync(Cancellation));
        Assert.Contains("gave 2,000 rows where BigQuery counts 1,000: it changed while it was read", error.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Empty(Directory.GetFiles(bq.At("workspace"), "*.parquet", SearchOption.AllDirectories));
        using var next = await Source(bq, o => o with { Table = table }).OpenAsync(Cancellation);
        Assert.Equal(2000, next.Fragments.Sum(f => f.Rows));
    }

    [Fact]
    public async Task What_can_not_be_read_is_said()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var empty = await Assert.ThrowsAsync<DataException>(() => Source(bq, o => o with { Table = table }).OpenAsync(Cancellation));
        Assert.Contains("gives no rows", empty.Message, StringComparison.Ordinal);
        await bq.Client.Jobs.RunAsync("one", Load(table), bq.Days(1), Cancellation);
        var column = await Assert.ThrowsAsync<DefinitionException>(() => Source(bq, o => o with { Table = table, PartitionBy = "dya" }).OpenAsync(Cancellation));
        Assert.Contains("PartitionBy of table", column.Message, StringComparison.Ordinal);
        Assert.Contains("There are: day, id, name, score.", column.Message, StringComparison.Ordinal);
        await bq.Client.Tables.InsertAsync(new BigQueryTable { TableReference = bq.Dataset.Table("v"), View = new ViewDefinition($"SELECT id FROM {table.ToSql()}") }, Cancellation);
        var view = await Assert.ThrowsAsync<DefinitionException>(() => Source(bq, o => o with { Table = bq.Dataset.Table("v") }).OpenAsync(Cancellation));
        Assert.Contains("is a VIEW, whose rows BigQuery gives to queries only", view.Message, StringComparison.Ordinal);
        var missing = await Assert.ThrowsAsync<BigQueryException>(() => Source(bq, o => o with { Table = bq.Dataset.Table("nope") }).OpenAsync(Cancellation));
        Assert.True(missing.IsNotFound);
        Assert.Empty(Directory.GetFiles(bq.At("workspace"), "*.parquet", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("my-project.air.flights", null, "my-project:air.flights")]
    [InlineData("my-project:air.flights", null, "my-project:air.flights")]
    [InlineData("`my-project.air.flights$20131001`", null, "my-project:air.flights$20131001")]
    [InlineData("example.com:my-project.air.flights", null, "example.com:my-project:air.flights")]
    [InlineData("air.flights", "billing-project", "billing-project:air.flights")]
    public void A_table_is_named_as_people_name_it(string text, string? project, string expected) => Assert.Equal(expected, BigQuerySourceOptions.TableOf(text, project).ToString());

    [Fact]
    public void What_is_wrong_with_a_binding_is_said()
    {
        static string Wrong(string? table, string? sql, params (string, string?)[] settings) =>
            Assert.Throws<DefinitionException>(() => BigQuerySettings.ReadSource("events", table, sql, "/w", settings.Select(s => KeyValuePair.Create(s.Item1, s.Item2)))).Message;
        Assert.Contains("needs either Table or Sql", Wrong(null, null), StringComparison.Ordinal);
        Assert.Contains("needs either Table or Sql", Wrong("p.d.t", "SELECT 1"), StringComparison.Ordinal);
        Assert.Contains("Expected the project that it is billed to in BigQuery:BillingProject", Wrong(null, "SELECT 1"), StringComparison.Ordinal);
        Assert.Contains("'flights' names no table of BigQuery", Wrong("flights", null), StringComparison.Ordinal);
        var all = Wrong("my-project.air.flights", null, ("Credentials", "my-password"), ("MaxBytesBilled", "much"), ("Colour", "red"));
        Assert.Contains("There is no setting BigQuery:Colour", all, StringComparison.Ordinal);
        Assert.Contains("BigQuery:MaxBytesBilled is 'much'", all, StringComparison.Ordinal);
        Assert.Contains("BigQuery:Credentials is none of", all, StringComparison.Ordinal);
        Assert.DoesNotContain("my-password", all, StringComparison.Ordinal);
    }
}
