using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using ParquetSharp;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>The stand-in's rules of Parquet: what types files become, with and without a schema, and what is refused.</summary>
public sealed class ParquetRulesTests
{
    [Fact]
    public async Task Without_a_schema_types_are_taken_from_the_file()
    {
        await using var bq = await StartAsync();
        var file = bq.Parquet("""
            SELECT 1::TINYINT AS a, 2::UINTEGER AS b, 1.5::FLOAT AS c, true AS d, 'x' AS e, 'x'::BLOB AS f, DATE '2026-01-01' AS g, TIME '01:00:00' AS h, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS i, TIMESTAMP '2026-01-01 00:00:00' AS j,
              1.25::DECIMAL(18,4) AS k, [1, 2] AS l, {'x': 1} AS m
            """);

        await bq.Client.Jobs.RunAsync("inferred", new() { Load = new() { DestinationTable = bq.Dataset.Table("t"), ParquetOptions = new() } }, file, Cancellation);

        var fields = (await bq.Client.Tables.GetAsync(bq.Dataset.Table("t"), null, Cancellation)).Schema!.Fields;
        Assert.Equal(["INTEGER", "INTEGER", "FLOAT", "BOOLEAN", "STRING", "BYTES", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP", "NUMERIC", "INTEGER", "RECORD"], fields.Select(f => f.Type));
        Assert.Equal("REPEATED", fields[11].Mode);
        Assert.All(fields.Where((_, i) => i != 11), f => Assert.Equal("NULLABLE", f.Mode));
    }

    [Fact]
    public async Task A_list_is_a_record_of_elements_unless_it_is_asked_to_be_a_list()
    {
        await using var bq = await StartAsync();
        var (table, file) = (bq.Dataset.Table("t"), bq.Parquet("SELECT ['a', 'b'] AS l"));

        await bq.Client.Jobs.RunAsync("record", new() { Load = new() { DestinationTable = table } }, file, Cancellation);

        var field = Assert.Single((await bq.Client.Tables.GetAsync(table, null, Cancellation)).Schema!.Fields);
        var (list, element) = (field.Fields![0], field.Fields![0].Fields![0]);
        Assert.Equal(("RECORD", "list", "RECORD", "REPEATED", "element", "STRING"), (field.Type, list.Name, list.Type, list.Mode, element.Name, element.Type));
        var row = await bq.Client.Rows.ReadAsync(table, cancellation: Cancellation).SingleAsync(Cancellation);
        Assert.Equal(["a", "b"], row.Record(0).Items(0).Select(BigQueryRow.Record).Select(r => r.Text(0)));
    }

    [Fact]
    public async Task A_timestamp_without_a_zone_is_what_the_schema_says()
    {
        await using var bq = await StartAsync();
        await bq.Client.Jobs.RunAsync("local", Load(bq.Dataset.Table("t"), schema: new([Column("at", "DATETIME")])), bq.Parquet("SELECT TIMESTAMP '2026-01-01 01:02:03' AS at"), Cancellation);
        Assert.Equal("2026-01-01T01:02:03", (await bq.Client.Rows.ReadAsync(bq.Dataset.Table("t"), cancellation: Cancellation).SingleAsync(Cancellation)).Text(0));
    }

    [Fact]
    public async Task Decimals_are_the_first_type_that_holds_them()
    {
        await using var bq = await StartAsync();
        var (table, file) = (bq.Dataset.Table("t"), bq.Parquet("SELECT 1.0123456789::DECIMAL(30,10) AS d"));
        var load = new JobConfiguration { Load = new() { DestinationTable = table } };
        Assert.Equal("invalid", (await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("narrow", load, file, Cancellation))).Reason);

        await bq.Client.Jobs.RunAsync("wide", load with { Load = load.Load with { DecimalTargetTypes = ["NUMERIC", "BIGNUMERIC"] } }, file, Cancellation);

        Assert.Equal("BIGNUMERIC", (await bq.Client.Tables.GetAsync(table, null, Cancellation)).Schema!.Fields[0].Type);
        Assert.Equal("1.0123456789", (await bq.Client.Rows.ReadAsync(table, cancellation: Cancellation).SingleAsync(Cancellation)).Text(0));
    }

    [Theory]
    [InlineData("SELECT TIMESTAMP_NS '2026-01-01 00:00:00.000000001' AS x", "TIMESTAMP")]
    [InlineData("SELECT uuid() AS x", "STRING")]
    [InlineData("SELECT [[1]] AS x", "INTEGER")]
    [InlineData("SELECT 1 AS x", "STRING")]
    [InlineData("SELECT 1 AS x", "FLOAT")]
    [InlineData("SELECT 'a' AS x", "INTEGER")]
    [InlineData("SELECT 18446744073709551615::UBIGINT AS x", "INTEGER")]
    [InlineData("SELECT 'not json' AS x", "JSON")]
    [InlineData("SELECT [1] AS x", "INTEGER")]
    [InlineData("SELECT 1 AS x, 2 AS y", "INTEGER")]
    public async Task What_BigQuery_can_not_read_is_refused_and_leaves_nothing(string query, string type)
    {
        await using var bq = await StartAsync();
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("bad", Load(bq.Dataset.Table("t"), schema: new([Column("x", type)])), bq.Parquet(query), Cancellation));
        Assert.Equal(("invalid", FailureKind.Permanent), (error.Reason, error.Kind));
        Assert.Null(await bq.Client.Tables.FindAsync(bq.Dataset.Table("t"), null, Cancellation));
    }

    [Fact]
    public async Task Columns_that_the_schema_does_not_have_may_be_left_out()
    {
        await using var bq = await StartAsync();
        var load = Load(bq.Dataset.Table("t"), schema: new([Column("x", "INTEGER")]));
        await bq.Client.Jobs.RunAsync("some", load with { Load = load.Load! with { IgnoreUnknownValues = true } }, bq.Parquet("SELECT 1 AS x, 2 AS y"), Cancellation);
        Assert.Equal("x", Assert.Single((await bq.Client.Tables.GetAsync(bq.Dataset.Table("t"), null, Cancellation)).Schema!.Fields).Name);
    }

    [Fact]
    public async Task A_required_column_of_a_file_must_be_one_of_the_schema()
    {
        await using var bq = await StartAsync();
        var file = bq.At("required.parquet");
        using (var writer = new ParquetFileWriter(file, [new Column<long>("id")]))
        {
            using var group = writer.AppendRowGroup();
            using var column = group.NextColumn().LogicalWriter<long>();
            column.WriteBatch([1L, 2L]);
        }

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("nullable", Load(bq.Dataset.Table("t"), schema: new([Column("id", "INTEGER")])), file, Cancellation));
        Assert.Contains("does not match REQUIRED as specified in the file", error.Message, StringComparison.Ordinal);
        await bq.Client.Jobs.RunAsync("required", Load(bq.Dataset.Table("t"), schema: new([Column("id", "INTEGER", "REQUIRED")])), file, Cancellation);
        Assert.Equal(2, bq.Count(bq.Dataset.Table("t")));
    }

    [Fact]
    public async Task Tables_go_when_they_expire_and_jobs_end_when_their_client_is_gone()
    {
        await using var bq = await StartAsync(new() { Polls = 100 });
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("staged"), Schema = DaySchema, ExpirationTime = bq.Time.GetUtcNow().AddHours(24).ToUnixTimeMilliseconds() }, Cancellation)).TableReference;
        await bq.Client.Jobs.InsertAsync(bq.Client.Jobs.Reference("left", "EU"), Load(table), bq.Days(1), Cancellation);
        Assert.Equal(0, bq.Count(table));

        bq.Fake.FinishJobs();
        Assert.Equal(1000, bq.Count(table));
        await Task.Delay(TimeSpan.FromHours(25), bq.Time, Cancellation);
        Assert.Null(await bq.Client.Tables.FindAsync(table, null, Cancellation));
    }
}
