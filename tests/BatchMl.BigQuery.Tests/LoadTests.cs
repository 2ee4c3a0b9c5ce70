using BatchMl.BigQuery.Client;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Files into tables: what is written is what is read, and each disposition does what BigQuery says of it.</summary>
public sealed class LoadTests
{
    [Theory]
    [InlineData(5L << 20)]
    [InlineData(0L)]
    public async Task Every_row_of_a_file_arrives_once(long resumableFrom)
    {
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = resumableFrom });
        var table = await bq.TableAsync();

        var run = await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(3), Cancellation);

        Assert.Equal(("days_a1", 1, false), (run.Job.JobReference!.JobId, run.Attempt, run.Adopted));
        Assert.Equal("EU", run.Job.JobReference.Location);
        Assert.Equal(3000, run.Job.Statistics!.Load!.OutputRows);
        Assert.Equal(3000, bq.Count(table));
        var read = await bq.Client.Tables.GetAsync(table, null, Cancellation);
        Assert.Equal(3000, read.NumRows);
        var uploads = bq.Fake.Requests.Where(r => r.Path.StartsWith("/upload", StringComparison.Ordinal)).Select(r => r.Query["uploadType"]).Distinct();
        Assert.Equal([resumableFrom == 0 ? "resumable" : "multipart"], uploads);
    }

    [Fact]
    public async Task A_partition_is_replaced_and_the_others_stay()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("all", Load(table), bq.Days(3), Cancellation);

        await bq.Client.Jobs.RunAsync("second", Load(table.Partition("20261002"), WriteDisposition.Truncate), bq.Days(1, rows: 10, from: 1), Cancellation);

        Assert.Equal((1000L, 10L, 1000L), (bq.Count(table, "day = '2026-10-01'"), bq.Count(table, "day = '2026-10-02'"), bq.Count(table, "day = '2026-10-03'")));
        Assert.Equal("DAY", (await bq.Client.Tables.GetAsync(table, null, Cancellation)).TimePartitioning!.Type);
    }

    [Fact]
    public async Task A_row_of_another_day_fails_the_whole_load_of_a_partition()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("all", Load(table), bq.Days(1), Cancellation);

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("wrong", Load(table.Partition("20261001"), WriteDisposition.Truncate), bq.Days(2, rows: 5), Cancellation));

        Assert.Equal(("invalid", FailureKind.Permanent), (error.Reason, error.Kind));
        Assert.Contains("different partitions", error.Message, StringComparison.Ordinal);
        Assert.Equal(1000, bq.Count(table));
    }

    [Fact]
    public async Task Truncation_replaces_rows_and_schema_and_truncation_of_data_keeps_the_schema()
    {
        await using var bq = await StartAsync();
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = new([Column("id", "INTEGER", "REQUIRED"), Column("old", "STRING")]) }, Cancellation)).TableReference;
        var file = bq.Parquet("SELECT i AS id FROM range(7) t(i)");
        var schema = new BigQuerySchema([Column("id", "INTEGER", "REQUIRED")]);
        await bq.Client.Jobs.RunAsync("one", Load(table, schema: schema), file, Cancellation);

        await bq.Client.Jobs.RunAsync("two", Load(table, WriteDisposition.TruncateData, schema), file, Cancellation);
        Assert.Equal(7, bq.Count(table));
        Assert.Equal(["id", "old"], (await bq.Client.Tables.GetAsync(table, null, Cancellation)).Schema!.Fields.Select(f => f.Name));

        await bq.Client.Jobs.RunAsync("three", Load(table, WriteDisposition.Truncate, schema), file, Cancellation);
        Assert.Equal(7, bq.Count(table));
        Assert.Equal(["id"], (await bq.Client.Tables.GetAsync(table, null, Cancellation)).Schema!.Fields.Select(f => f.Name));

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("four", Load(table, WriteDisposition.Empty, schema), file, Cancellation));
        Assert.Equal("duplicate", error.Reason);
    }

    [Fact]
    public async Task A_load_without_a_schema_falls_into_the_trap_of_modes_and_one_with_it_does_not()
    {
        await using var bq = await StartAsync();
        var schema = new BigQuerySchema([Column("id", "INTEGER", "REQUIRED")]);
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = schema }, Cancellation)).TableReference;
        var file = bq.Parquet("SELECT i AS id FROM range(7) t(i)");

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("one", new() { Load = new() { DestinationTable = table } }, file, Cancellation));
        Assert.Contains("Field id has changed mode from REQUIRED to NULLABLE", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, bq.Count(table));

        await bq.Client.Jobs.RunAsync("two", Load(table, schema: schema), file, Cancellation);
        Assert.Equal(7, bq.Count(table));

        var nulls = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("three", Load(table, schema: schema), bq.Parquet("SELECT NULL::BIGINT AS id"), Cancellation));
        Assert.Contains("cannot be null", nulls.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_grows_only_where_that_is_allowed()
    {
        await using var bq = await StartAsync();
        var record = new BigQueryField { Name = "r", Type = "RECORD", Fields = [Column("a", "INTEGER")] };
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = new([Column("id", "INTEGER", "REQUIRED"), record]) }, Cancellation)).TableReference;
        await bq.Client.Jobs.RunAsync("first", Load(table, schema: new([Column("id", "INTEGER", "REQUIRED"), record])), bq.Parquet("SELECT 1 AS id, {'a': 5} AS r"), Cancellation);
        var wider = new BigQuerySchema([Column("id", "INTEGER"), record with { Fields = [Column("a", "INTEGER"), Column("b", "STRING")] }, Column("tags", "STRING", "REPEATED")]);
        var file = bq.Parquet("SELECT 2 AS id, {'a': 6, 'b': 'x'} AS r, ['p', 'q'] AS tags");

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("strict", Load(table, schema: wider), file, Cancellation));
        Assert.Equal("invalid", error.Reason);

        var load = Load(table, schema: wider);
        await bq.Client.Jobs.RunAsync("wide", load with { Load = load.Load! with { SchemaUpdateOptions = [SchemaUpdate.Addition, SchemaUpdate.Relaxation] } }, file, Cancellation);

        var read = await bq.Client.Tables.GetAsync(table, null, Cancellation);
        Assert.Equal(["id NULLABLE", "r NULLABLE", "tags REPEATED"], read.Schema!.Fields.Select(f => $"{f.Name} {f.Mode}"));
        var rows = await bq.Client.Rows.ReadAsync(table, cancellation: Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["1", "2"], rows.Select(r => r.Text(0)));
        Assert.Equal([null, "x"], rows.Select(r => r.Record(1).Text(1)));
        Assert.Equal(["", "p,q"], rows.Select(r => string.Join(',', r.Items(2))));
    }

    [Fact]
    public async Task Files_of_the_object_store_are_loaded_together()
    {
        var files = new List<string>();
        await using var bq = await StartAsync(new() { Storage = uri => uri == "gs://bucket/days/*.parquet" ? files : [] });
        files.AddRange([bq.Days(1), bq.Days(1, from: 1)]);
        var table = await bq.TableAsync();
        var load = Load(table);

        var run = await bq.Client.Jobs.RunAsync("both", load with { Load = load.Load! with { SourceUris = ["gs://bucket/days/*.parquet"] } }, cancellation: Cancellation);

        Assert.Equal((2L, 2000L), (run.Job.Statistics!.Load!.InputFiles, run.Job.Statistics.Load.OutputRows));
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("none", load with { Load = load.Load! with { SourceUris = ["gs://bucket/none.parquet"] } }, cancellation: Cancellation));
        Assert.True(error.IsNotFound);
    }

    [Fact]
    public async Task A_table_is_made_by_the_load_with_its_partitions_and_clusters()
    {
        await using var bq = await StartAsync();
        var table = bq.Dataset.Table("made");
        var load = Load(table);
        load = load with { Labels = new Dictionary<string, string> { ["job"] = "test" }, Load = load.Load! with { TimePartitioning = new() { Type = "DAY", Field = "day" }, Clustering = new(["id"]) } };

        await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("never", load with { Load = load.Load! with { CreateDisposition = CreateDisposition.Never } }, bq.Days(1), Cancellation));
        var run = await bq.Client.Jobs.RunAsync("make", load, bq.Days(2), Cancellation);

        var made = await bq.Client.Tables.GetAsync(table, null, Cancellation);
        Assert.Equal(("day", "id", 2000L), (made.TimePartitioning!.Field, Assert.Single(made.Clustering!.Fields), made.NumRows));
        Assert.Equal("test", run.Job.Configuration.Labels!["job"]);
        var other = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("other", load with { Load = load.Load! with { TimePartitioning = new() { Type = "MONTH", Field = "day" } } }, bq.Days(1), Cancellation));
        Assert.Contains("Incompatible table partitioning specification", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_by_the_time_of_loading_take_the_decorator_for_it()
    {
        await using var bq = await StartAsync();
        var schema = new BigQuerySchema([Column("id", "INTEGER")]);
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("loaded"), Schema = schema, TimePartitioning = new() { Type = "DAY" } }, Cancellation)).TableReference;
        var file = bq.Parquet("SELECT i AS id FROM range(4) t(i)");

        await bq.Client.Jobs.RunAsync("first", Load(table.Partition("20261001"), WriteDisposition.Truncate, schema), file, Cancellation);
        await bq.Client.Jobs.RunAsync("second", Load(table.Partition("20261002"), WriteDisposition.Truncate, schema), file, Cancellation);
        await bq.Client.Jobs.RunAsync("again", Load(table.Partition("20261001"), WriteDisposition.Truncate, schema), bq.Parquet("SELECT 9 AS id"), Cancellation);

        Assert.Equal(1, bq.Count(table, "_PARTITIONTIME = '2026-10-01 00:00:00+00'"));
        Assert.Equal(4, bq.Count(table, "_PARTITIONTIME = '2026-10-02 00:00:00+00'"));
        var rows = await bq.Client.Rows.ReadAsync(table.Partition("20261001"), cancellation: Cancellation).ToListAsync(Cancellation);
        Assert.Equal("9", Assert.Single(rows).Text(0));
    }

    [Fact]
    public async Task Integer_partitions_take_their_first_integer_for_a_decorator()
    {
        await using var bq = await StartAsync();
        var schema = new BigQuerySchema([Column("id", "INTEGER")]);
        var range = new IntegerRange(0, 100, 10);
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("ranged"), Schema = schema, RangePartitioning = new() { Field = "id", Range = range } }, Cancellation)).TableReference;
        await bq.Client.Jobs.RunAsync("all", Load(table, schema: schema), bq.Parquet("SELECT i AS id FROM range(100) t(i)"), Cancellation);

        await bq.Client.Jobs.RunAsync("one", Load(table.Partition(PartitionDecorator.Of(range, 47)), WriteDisposition.Truncate, schema), bq.Parquet("SELECT 42 AS id"), Cancellation);

        Assert.Equal((91L, 1L), (bq.Count(table), bq.Count(table, "id >= 40 AND id < 50")));
        await bq.Client.Tables.DeleteAsync(table.Partition("40"), Cancellation);
        Assert.Equal(90, bq.Count(table));
    }

    [Fact]
    public async Task A_file_without_rows_empties_a_partition()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("all", Load(table), bq.Days(2), Cancellation);

        var run = await bq.Client.Jobs.RunAsync("empty", Load(table.Partition("20261001"), WriteDisposition.Truncate), bq.Days(0), Cancellation);

        Assert.Equal(0, run.Job.Statistics!.Load!.OutputRows);
        Assert.Equal(1000, bq.Count(table));
    }
}
