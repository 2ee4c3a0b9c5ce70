using BatchMl.BigQuery.Client;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Queries, estimates, merges, copies, and rows by pages.</summary>
public sealed class QueryTests
{
    static JobConfiguration Ask(BigQueryFixture bq, string sql) => new() { Query = new() { Query = sql, DefaultDataset = bq.Dataset } };

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(null)]
    public async Task Rows_are_the_same_however_long_pages_are(int? pageSize)
    {
        await using var bq = await StartAsync(new() { PageRows = 10 });
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(1, rows: 43), Cancellation);

        var rows = await bq.Client.Rows.ReadAsync(table, ["id", "score"], pageSize, Cancellation).Select(r => $"{r.Text(0)} {r.Text(1)} {r.Count}").ToListAsync(Cancellation);
        var run = await bq.Client.Jobs.RunAsync("q", Ask(bq, "SELECT id, score FROM scores"), cancellation: Cancellation);
        var result = await bq.Client.Rows.ReadAsync(run.Job.JobReference!, pageSize, Cancellation);

        Assert.Equal(Enumerable.Range(0, 43).Select(i => $"{i} {(i / 4.0).ToString("0.0##", System.Globalization.CultureInfo.InvariantCulture)} 2"), rows);
        Assert.Equal(43, result.TotalRows);
        Assert.Equal(Enumerable.Range(0, 43).Select(i => $"{i}"), await result.Rows.Select(r => r.Text(0)).ToListAsync(Cancellation));
        var pages = bq.Fake.Requests.Count(r => r.Path.EndsWith("/data", StringComparison.Ordinal));
        Assert.Equal((int)Math.Ceiling(43.0 / (pageSize ?? 10)), pages);
    }

    [Fact]
    public async Task A_value_of_every_type_is_read_as_it_was_written()
    {
        await using var bq = await StartAsync();
        var schema = new BigQuerySchema([
            Column("ts", "TIMESTAMP"), Column("dt", "DATETIME"), Column("t", "TIME"), Column("n", "NUMERIC"), Column("y", "BYTES"), Column("f", "FLOAT"), Column("i", "INTEGER"), Column("j", "JSON"), Column("none", "STRING"),
            new() { Name = "r", Type = "RECORD", Mode = "REPEATED", Fields = [Column("a", "INTEGER"), Column("l", "TIMESTAMP", "REPEATED")] }]);
        var file = bq.Parquet("""
            SELECT TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS ts, TIMESTAMP '2026-02-03 04:05:06.7' AS dt, TIME '00:00:00.000001' AS t, -12345678901234.5600::DECIMAL(18,4) AS n, '\x00\x01\xFF'::BLOB AS y, '-Infinity'::DOUBLE AS f,
              (-9223372036854775808)::BIGINT AS i, '{"a":[1]}' AS j, NULL::VARCHAR AS none, [{'a': 1::BIGINT, 'l': [TIMESTAMPTZ '1970-01-01 00:00:01+00']}, {'a': NULL, 'l': NULL}] AS r
            """);
        var table = bq.Dataset.Table("types");
        await bq.Client.Jobs.RunAsync("types", Load(table, schema: schema), file, Cancellation);

        var row = await bq.Client.Rows.ReadAsync(table, cancellation: Cancellation).SingleAsync(Cancellation);

        Assert.Equal(["-1", "2026-02-03T04:05:06.700000", "00:00:00.000001", "-12345678901234.56", "AAH/", "-Infinity", "-9223372036854775808", "{\"a\":[1]}", null], Enumerable.Range(0, 9).Select(row.Text));
        var records = row.Items(9).Select(BigQueryRow.Record).ToList();
        Assert.Equal(("1", "1000000"), (records[0].Text(0), Assert.Single(records[0].Items(1)).GetString()));
        Assert.Null(records[1].Text(0));
        Assert.Empty(records[1].Items(1));
    }

    [Fact]
    public async Task An_estimate_moves_nothing_and_leaves_no_job()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(1), Cancellation);

        var all = await bq.Client.Jobs.EstimateAsync(new() { Query = "SELECT * FROM scores", DefaultDataset = bq.Dataset }, Cancellation);
        var two = await bq.Client.Jobs.EstimateAsync(new() { Query = "SELECT id, score FROM scores", DefaultDataset = bq.Dataset }, Cancellation);

        Assert.Equal(1000 * 16, two.TotalBytesProcessed);
        Assert.True(all.TotalBytesProcessed > two.TotalBytesProcessed);
        Assert.Equal(["id", "score"], two.Query!.Schema!.Fields.Select(f => f.Name));
        Assert.Single(bq.Fake.Jobs);
    }

    [Fact]
    public async Task A_query_that_would_cost_more_than_allowed_does_nothing()
    {
        await using var bq = await StartAsync();
        await bq.Client.Jobs.RunAsync("days", Load(await bq.TableAsync()), bq.Days(1), Cancellation);
        var ask = Ask(bq, "SELECT id FROM scores");

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("dear", ask with { Query = ask.Query! with { MaximumBytesBilled = 1_000_000 } }, cancellation: Cancellation));

        Assert.Equal("bytesBilledLimitExceeded", error.Reason);
        Assert.Contains("Raise the limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_merge_changes_adds_and_removes_once()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(1, rows: 10), Cancellation);
        await bq.Client.Jobs.RunAsync("staged", Load(await bq.TableAsync("staged")), bq.Parquet("SELECT DATE '2026-10-01' AS day, i AS id, 'new' AS name, 0.5::DOUBLE AS score FROM range(8, 13) t(i)"), Cancellation);
        var merge = Ask(bq, """
            MERGE scores T USING staged S ON T.day = S.day AND T.id = S.id
            WHEN MATCHED THEN UPDATE SET name = S.name, score = S.score
            WHEN NOT MATCHED THEN INSERT (day, id, name, score) VALUES (S.day, S.id, S.name, S.score)
            WHEN NOT MATCHED BY SOURCE AND T.id = 0 THEN DELETE
            """);

        var run = await bq.Client.Jobs.RunAsync("merge", merge, cancellation: Cancellation);
        var again = await bq.Client.Jobs.RunAsync("merge", merge, cancellation: Cancellation);

        var statistics = run.Job.Statistics!.Query!;
        Assert.Equal((3L, 2L, 1L, 6L, "MERGE"), (statistics.DmlStats!.InsertedRowCount, statistics.DmlStats.UpdatedRowCount, statistics.DmlStats.DeletedRowCount, statistics.NumDmlAffectedRows, statistics.StatementType));
        Assert.True(again.Adopted);
        Assert.Equal((12L, 5L), (bq.Count(table), bq.Count(table, "name = 'new'")));
    }

    [Fact]
    public async Task A_merge_that_matches_a_row_twice_fails()
    {
        await using var bq = await StartAsync();
        await bq.Client.Jobs.RunAsync("days", Load(await bq.TableAsync()), bq.Days(1, rows: 10), Cancellation);
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("merge", Ask(bq, """
            MERGE INTO scores AS T USING (SELECT 3 AS id, 'a' AS name UNION ALL SELECT 3, 'b') AS S ON T.id = S.id WHEN MATCHED THEN UPDATE SET name = S.name
            """), cancellation: Cancellation));
        Assert.Equal("invalidQuery", error.Reason);
    }

    [Fact]
    public async Task A_table_may_ask_for_a_filter_of_partitions_and_a_merge_may_have_it_in_its_condition()
    {
        await using var bq = await StartAsync();
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("scores"), Schema = DaySchema, TimePartitioning = new() { Type = "DAY", Field = "day" }, RequirePartitionFilter = true }, Cancellation)).TableReference;
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(2, rows: 5), Cancellation);
        await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("v"), View = new($"SELECT * FROM {table.ToSql()}") }, Cancellation);

        foreach (var bad in new[] { "SELECT day FROM scores", "SELECT day FROM v", "MERGE scores T USING (SELECT 1 AS id) S ON T.id = S.id WHEN MATCHED THEN DELETE", "DELETE FROM scores WHERE id = 3" })
            Assert.Equal("invalidQuery", (await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("bad", Ask(bq, bad), cancellation: Cancellation))).Reason);
        foreach (var (good, i) in new[] { "SELECT id FROM scores WHERE day = '2026-10-01'", "SELECT id FROM v WHERE day > '2026-10-01'", "MERGE scores T USING (SELECT DATE '2026-10-01' AS day, 1 AS id) S ON T.day = S.day AND T.id = S.id WHEN MATCHED THEN DELETE", "DELETE scores WHERE day = '2026-10-02'" }.Select((sql, i) => (sql, i)))
            await bq.Client.Jobs.RunAsync($"good{i}", Ask(bq, good), cancellation: Cancellation);
        Assert.Equal(4, bq.Count(table));
    }

    [Fact]
    public async Task A_partition_is_published_by_a_copy_from_a_table_of_its_own()
    {
        await using var bq = await StartAsync();
        var (table, staged) = (await bq.TableAsync(), await bq.TableAsync("staged"));
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(3), Cancellation);
        await bq.Client.Jobs.RunAsync("stage", Load(staged), bq.Days(2, rows: 10, from: 1), Cancellation);
        var copy = new JobConfiguration { Copy = new() { SourceTable = staged.Partition("20261002"), DestinationTable = table.Partition("20261002"), WriteDisposition = WriteDisposition.Truncate } };

        var run = await bq.Client.Jobs.RunAsync("publish", copy, cancellation: Cancellation);

        Assert.Equal(10, run.Job.Statistics!.Copy!.CopiedRows);
        Assert.Equal((1000L, 10L, 1000L), (bq.Count(table, "day = '2026-10-01'"), bq.Count(table, "day = '2026-10-02'"), bq.Count(table, "day = '2026-10-03'")));
        var all = await bq.Client.Jobs.RunAsync("all", new() { Copy = new() { SourceTables = [table, staged], DestinationTable = bq.Dataset.Table("both") } }, cancellation: Cancellation);
        Assert.Equal(2010 + 20, all.Job.Statistics!.Copy!.CopiedRows);
        Assert.Equal("day", (await bq.Client.Tables.GetAsync(bq.Dataset.Table("both"), null, Cancellation)).TimePartitioning!.Field);
    }

    [Fact]
    public async Task A_copy_needs_the_same_partitions_and_columns()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var monthly = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("monthly"), Schema = DaySchema, TimePartitioning = new() { Type = "MONTH", Field = "day" } }, Cancellation)).TableReference;
        var narrow = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("narrow"), Schema = new([Column("day", "DATE")]), TimePartitioning = new() { Type = "DAY", Field = "day" } }, Cancellation)).TableReference;
        foreach (var (source, i) in new[] { monthly, narrow }.Select((s, i) => (s, i)))
        {
            var copy = new JobConfiguration { Copy = new() { SourceTable = source, DestinationTable = table, WriteDisposition = WriteDisposition.Append } };
            Assert.Equal("invalid", (await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync($"copy{i}", copy, cancellation: Cancellation))).Reason);
        }
    }

    [Fact]
    public async Task A_query_may_write_a_partition()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(2), Cancellation);
        var ask = Ask(bq, "SELECT day, id, name, score FROM scores WHERE day = '2026-10-01' AND id < 5");

        await bq.Client.Jobs.RunAsync("into", ask with { Query = ask.Query! with { DestinationTable = table.Partition("20261001"), WriteDisposition = WriteDisposition.Truncate } }, cancellation: Cancellation);

        Assert.Equal((5L, 1000L), (bq.Count(table, "day = '2026-10-01'"), bq.Count(table, "day = '2026-10-02'")));
    }
}
