using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.Sink.SinkFixture;
using Field = Apache.Arrow.Field;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>What can be wrong: said before a row moves, or without one having moved, with what to do; and nothing is doubled afterwards.</summary>
public sealed class BadInputTests
{
    const string Day = "2013-10-01";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static PlannedOutput Planned(SinkFixture at, Schema? schema = null, string column = "flight_date", int count = 1) => new(
        "flight-delays/score", schema ?? SinkFixture.Schema, column, [.. Enumerable.Range(0, count).Select(i => new PlannedOutput.Partition(at.Key($"{new DateOnly(2013, 10, 1).AddDays(i):yyyy-MM-dd}"), 1000))]);

    /// <summary>What the plan refuses; BigQuery was asked to change nothing.</summary>
    static async Task<IReadOnlyList<string>> RefusedAsync(SinkFixture at, Func<BigQuerySinkOptions, BigQuerySinkOptions>? more = null, Schema? schema = null, string column = "flight_date")
    {
        var before = at.Fake.Requests.Count;
        var error = await Assert.ThrowsAsync<DefinitionException>(() => at.Sink(more: more).CheckAsync(Planned(at, schema, column), Cancellation));
        Assert.All(at.Fake.Requests.Skip(before), r => Assert.Equal("GET", r.Method == "POST" && r.Path == "/token" ? "GET" : r.Method));
        return error.Problems;
    }

    static Task<BigQueryTable> TableAsync(SinkFixture at, Func<BigQueryTable, BigQueryTable>? with = null) => at.Client.Tables.InsertAsync((with ?? (t => t))(new BigQueryTable
    {
        TableReference = at.Table, Schema = DescribedSchema.Of(SinkFixture.Schema), TimePartitioning = new TimePartitioning { Type = "DAY", Field = "flight_date" },
    }), Cancellation);

    static BigQuerySchema With(params BigQueryField[] fields) => new([.. DescribedSchema.Of(SinkFixture.Schema).Fields.Where(f => fields.All(g => g.Name != f.Name)), .. fields]);

    [Fact]
    public async Task No_credentials()
    {
        await using var at = await StartAsync();
        var problem = Assert.Single(await RefusedAsync(at, o => o with { Client = o.Client with { Credentials = BigQueryCredentials.ServiceAccount("/nowhere/key.json") } }));
        Assert.Contains("/nowhere/key.json", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_not_taken()
    {
        await using var at = await StartAsync(options: new FakeBigQueryOptions { RequireToken = true }, location: null);
        Assert.Contains("renew it", Assert.Single(await RefusedAsync(at, o => o with { Client = o.Client with { Credentials = BigQueryCredentials.AccessToken(() => "old", "env:TOKEN") } })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_that_is_wrong()
    {
        await using var at = await StartAsync(options: new FakeBigQueryOptions { RequireToken = true }, location: null);
        var key = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(key, at.Fake.ServiceAccountKey(), Cancellation);
        try
        {
            at.Fake.Faults.Add(new Fault { Match = "/token", Status = 400, Body = """{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}""", Times = 100 });
            Assert.Contains("machine's clock", Assert.Single(await RefusedAsync(at, o => o with { Client = o.Client with { Credentials = BigQueryCredentials.ServiceAccount(key) } })), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(key);
        }
    }

    [Fact]
    public async Task A_dataset_or_project_that_there_is_not()
    {
        await using var at = await StartAsync();
        Assert.Contains("There is no dataset test-project:other", Assert.Single(await RefusedAsync(at, o => o with { Table = o.Table with { DatasetId = "other" } })), StringComparison.Ordinal);
        Assert.Contains("wrong-project:ml", Assert.Single(await RefusedAsync(at, o => o with { Table = o.Table with { ProjectId = "wrong-project" }, Client = o.Client with { Project = "wrong-project" } })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dataset_in_another_location()
    {
        await using var at = await StartAsync();
        Assert.Contains("is in EU; BigQuery:Location is us-east1", Assert.Single(await RefusedAsync(at, o => o with { Client = o.Client with { Location = "us-east1" } })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MONTH", "flight_date", "partitioned by MONTH of flight_date")]
    [InlineData("DAY", "scored_at", "partitioned by DAY of scored_at")]
    [InlineData(null, null, "not partitioned")]
    public async Task A_table_with_another_partitioning(string? type, string? field, string said)
    {
        await using var at = await StartAsync();
        await TableAsync(at, t => t with { TimePartitioning = type is null ? null : new TimePartitioning { Type = type, Field = field } });
        var problem = Assert.Single(await RefusedAsync(at));
        Assert.Contains(said, problem, StringComparison.Ordinal);
        Assert.Contains("append", problem, StringComparison.Ordinal);
        // Where partitions are not replaced it does not matter.
        Assert.NotEmpty(await at.Sink(more: Mode(BigQueryMode.Append)).CheckAsync(Planned(at), Cancellation));
    }

    [Fact]
    public async Task A_view()
    {
        await using var at = await StartAsync();
        await at.Client.Tables.InsertAsync(new BigQueryTable { TableReference = at.Table with { TableId = "x" }, Schema = DescribedSchema.Of(SinkFixture.Schema) }, Cancellation);
        await at.Client.Tables.InsertAsync(new BigQueryTable { TableReference = at.Table, View = new ViewDefinition("SELECT * FROM `test-project.ml.x`") }, Cancellation);
        Assert.Contains(await RefusedAsync(at), p => p.Contains("is a VIEW", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Another_schema_with_all_that_differs_at_once()
    {
        await using var at = await StartAsync();
        await TableAsync(at, t => t with
        {
            Schema = With(new BigQueryField { Name = "score", Type = "STRING" }, new BigQueryField { Name = "name", Type = "STRING", Mode = "REQUIRED" }, new BigQueryField { Name = "more", Type = "INTEGER" }),
        });
        var problems = await RefusedAsync(at);
        Assert.Equal(3, problems.Count);
        Assert.Contains(problems, p => p.Contains("score of type STRING; the rows have it of type REQUIRED FLOAT", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Contains("requires a value in name", StringComparison.Ordinal) && p.Contains("relax", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Contains("more (INTEGER), which the rows have not", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_and_types_that_BigQuery_forbids()
    {
        await using var at = await StartAsync();
        var schema = new Schema([.. SinkFixture.Schema.FieldsList, new Field("_PARTITION_x", Columns.ArrowType(ColumnType.Int64), true), new Field("Score", Columns.ArrowType(ColumnType.Int64), true), new Field("a.b", Columns.ArrowType(ColumnType.Int64), true)], null);
        Assert.Equal(3, (await RefusedAsync(at, schema: schema)).Count);
        await Assert.ThrowsAsync<DefinitionException>(() => at.Sink().StageAsync(at.Key(Day), 1, schema, Cancellation));
        var half = new Schema([.. SinkFixture.Schema.FieldsList, new Field("half", Apache.Arrow.Types.HalfFloatType.Default, true)], null);
        Assert.Contains("Convert it to float", Assert.Single(await RefusedAsync(at, schema: half)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Partitions_of_a_text()
    {
        await using var at = await StartAsync();
        Assert.Contains("a date or an integer only", Assert.Single(await RefusedAsync(at, column: "name")), StringComparison.Ordinal);
        Assert.NotEmpty(await at.Sink(more: o => o with { Mode = BigQueryMode.Merge, Keys = ["id"] }).CheckAsync(Planned(at, column: "name"), Cancellation));
    }

    [Fact]
    public async Task Keys_clustering_and_filter_that_do_not_fit()
    {
        await using var at = await StartAsync();
        Assert.Contains("names nothing, which is no column", Assert.Single(await RefusedAsync(at, o => o with { Mode = BigQueryMode.Merge, Keys = ["nothing"] })), StringComparison.Ordinal);
        Assert.Contains("score, of type FLOAT", Assert.Single(await RefusedAsync(at, o => o with { Mode = BigQueryMode.Merge, Keys = ["score"] })), StringComparison.Ordinal);
        Assert.Contains("Add flight_date to the keys", Assert.Single(await RefusedAsync(at, o => o with { Mode = BigQueryMode.Merge, Keys = ["id"], RequirePartitionFilter = true })), StringComparison.Ordinal);
        Assert.Contains("Clustering names score", Assert.Single(await RefusedAsync(at, o => o with { Clustering = ["score"] })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_outside_of_its_partition()
    {
        await using var at = await StartAsync();
        var error = await Assert.ThrowsAsync<DataException>(() => at.StageAsync(at.Sink(), Day, Rows("2013-10-02", Ids(3)), 1));
        Assert.Contains("expected 2013-10-01 in every row", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_their_keys_do_not_tell_apart()
    {
        await using var at = await StartAsync(o => o with { Mode = BigQueryMode.Merge, Keys = ["name"] });
        Assert.Contains("has no value in name", (await Assert.ThrowsAsync<DataException>(() => at.StageAsync(at.Sink(), Day, Rows(Day, [1, 7]), 1))).Message, StringComparison.Ordinal);
        Assert.Contains("the same name as a row before it: näme 3", (await Assert.ThrowsAsync<DataException>(() => at.StageAsync(at.Sink(), Day, Rows(Day, [1, 3, 3]), 1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_staged_file_that_was_changed_is_not_loaded()
    {
        await using var at = await StartAsync();
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(100)), 1);
        var path = Path.Combine(at.Root, manifest.Partition.Folder, manifest.Partition.Files[0].Name);
        var bytes = await File.ReadAllBytesAsync(path, Cancellation);
        bytes[200] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        Assert.Contains("Nothing was loaded", (await Assert.ThrowsAsync<DataException>(() => at.Sink().PublishAsync(manifest, Cancellation))).Message, StringComparison.Ordinal);
        Assert.Equal(0, at.Uploads);
    }

    [Fact]
    public async Task A_quota_that_is_used_up_and_later_is_not()
    {
        await using var at = await StartAsync();
        at.Fake.Quotas.PartitionModificationsPerTable = 0;
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        var error = await Assert.ThrowsAsync<BigQueryException>(() => at.Sink().PublishAsync(manifest, Cancellation));
        Assert.Contains("wait ten minutes", error.Message, StringComparison.Ordinal);
        at.Fake.Quotas.PartitionModificationsPerTable = 30_000;
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
    }

    [Theory]
    [InlineData("stopped", "It was cancelled. Run again")]
    [InlineData("invalid", "failed")]
    public async Task A_job_that_failed_uses_up_its_id_and_the_next_run_takes_another(string reason, string said)
    {
        await using var at = await StartAsync();
        at.Fake.Faults.Add(new JobFault("-load-", reason));
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        Assert.Contains(said, (await Assert.ThrowsAsync<BigQueryException>(() => at.Sink().PublishAsync(manifest, Cancellation))).Message, StringComparison.Ordinal);
        Assert.Empty(at.Held());
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
        Assert.Equal([("a1", reason), ("a2", "DONE")], at.Fake.Jobs.OrderBy(j => j.Key, StringComparer.Ordinal).Select(j => (j.Key[^2..], j.Value)));
    }

    [Fact]
    public async Task Rows_that_are_not_as_many_as_were_staged()
    {
        await using var at = await StartAsync();
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        var file = manifest.Partition.Files[0];
        var wrong = manifest with { Partition = manifest.Partition with { Rows = 11, Files = [file with { Rows = 11 }] } };
        Assert.Contains("put 10 rows into", (await Assert.ThrowsAsync<BatchMlException>(() => at.Sink().PublishAsync(wrong, Cancellation))).Message, StringComparison.Ordinal);
        Assert.Null(await at.Sink().ReadManifestAsync(at.Key(Day), Cancellation));
    }

    [Theory]
    [InlineData(SchemaEvolution.Add)]
    [InlineData(SchemaEvolution.Relax)]
    public async Task Columns_that_differ_are_mended_as_far_as_is_allowed(SchemaEvolution policy)
    {
        await using var at = await StartAsync(o => o with { SchemaEvolution = policy });
        var isRelaxed = policy == SchemaEvolution.Relax;
        // The table has no score yet, a column that is not ours, and where that may be relaxed a requirement.
        var fields = DescribedSchema.Of(SinkFixture.Schema).Fields.Where(f => f.Name != "score").Select(f => f.Name == "name" && isRelaxed ? f with { Mode = "REQUIRED" } : f);
        await TableAsync(at, t => t with { Schema = new BigQuerySchema([.. fields, new BigQueryField { Name = "note", Type = "STRING" }]) });
        var lines = await at.Sink().CheckAsync(Planned(at), Cancellation);
        Assert.Contains(lines, l => l.Contains("will be changed", StringComparison.Ordinal) && l.Contains("new column score (FLOAT)", StringComparison.Ordinal) && l.Contains("name becomes nullable", StringComparison.Ordinal) == isRelaxed);
        await at.PutAsync(Day, Rows(Day, Ids(10)), 1);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
        Assert.Equal(10L, at.Fake.Look($"SELECT count(*) FROM {Sql("scores")} WHERE note IS NULL")[0][0]);
        // Done once, it is done.
        await at.PutAsync("2013-10-02", Rows("2013-10-02", Ids(1)), 1);
        Assert.Single(at.Fake.Requests, r => r.Method == "PATCH");
    }

    [Fact]
    public async Task A_plan_says_what_there_is_and_what_will_be()
    {
        await using var at = await StartAsync(o => o with { Clustering = ["id"] });
        Assert.Equal(
        [
            "test-project.ml.scores in EU, mode overwrite_partitions, billed to test-project, as no credentials",
            "will be made: partitioned by DAY of flight_date, clustered by id, 6 columns",
            "to load: 2 partitions, 2,000 rows, about 152 kB as BigQuery counts them; loads are free",
        ], await at.Sink().CheckAsync(Planned(at, count: 2), Cancellation));
        await at.PutAsync(Day, Rows(Day, Ids(10)), 1);
        Assert.StartsWith("is there: partitioned by DAY of flight_date, clustered by id, 10 rows, ", (await at.Sink().CheckAsync(Planned(at), Cancellation))[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions, 23_999, 0)]
    [InlineData(BigQueryMode.OverwritePartitions, 24_001, 2)]
    [InlineData(BigQueryMode.OverwritePartitions, 10_001, 1)]
    [InlineData(BigQueryMode.Merge, 24_001, 0)]
    public async Task A_plan_warns_of_quotas(BigQueryMode mode, int count, int warnings)
    {
        await using var at = await StartAsync(Mode(mode));
        var lines = await at.Sink().CheckAsync(Planned(at, count: count), Cancellation);
        Assert.Equal(mode == BigQueryMode.OverwritePartitions && count == 23_999 ? 1 : warnings, lines.Count(l => l.StartsWith("WARNING", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_plan_warns_of_partitions_that_expire_at_once()
    {
        await using var at = await StartAsync(o => o with { PartitionExpiration = TimeSpan.FromDays(30) });
        Assert.Contains(await at.Sink().CheckAsync(Planned(at, count: 3), Cancellation), l => l.StartsWith("WARNING: 3 of them are of days so long ago", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_plan_warns_of_loads_into_a_table_without_partitions()
    {
        await using var at = await StartAsync(Mode(BigQueryMode.Append));
        await TableAsync(at, t => t with { TimePartitioning = null });
        Assert.Contains(await at.Sink().CheckAsync(Planned(at, count: 1_300), Cancellation), l => l.StartsWith("WARNING: BigQuery takes 1,500 loads", StringComparison.Ordinal));
    }
}
