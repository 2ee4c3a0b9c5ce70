using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using static BatchMl.BigQuery.Tests.Sink.SinkFixture;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>What becomes of rows that are in the table.</summary>
public sealed class ModesTests
{
    const string First = "2013-10-01", Second = "2013-10-02";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_is_made_as_the_rows_are()
    {
        await using var at = await StartAsync(o => o with { Clustering = ["id", "name"], PartitionExpiration = TimeSpan.FromDays(36_500), RequirePartitionFilter = true, Labels = new Dictionary<string, string> { ["team"] = "air" } });
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        var table = await at.Client.Tables.GetAsync(at.Table, cancellation: Cancellation);
        Assert.Equal(
            [("id", "INTEGER", "REQUIRED"), ("name", "STRING", "NULLABLE"), ("score", "FLOAT", "REQUIRED"), ("scored_at", "TIMESTAMP", "REQUIRED"), ("run_id", "STRING", "REQUIRED"), ("flight_date", "DATE", "REQUIRED")],
            table.Schema!.Fields.Select(f => (f.Name, f.Type, f.Mode ?? "NULLABLE")));
        Assert.Equal("Output of the model", table.Schema.Fields[2].Description);
        Assert.Equal(("DAY", "flight_date", 36_500 * 86_400_000L), (table.TimePartitioning!.Type, table.TimePartitioning.Field, table.TimePartitioning.ExpirationMs));
        Assert.Equal(["id", "name"], table.Clustering!.Fields);
        Assert.True(table.RequirePartitionFilter);
        Assert.Equal([("batchml_job", "flight-delays_score"), ("batchml_partition", "2013-10-01"), ("batchml_run", "r1"), ("team", "air")], table.Labels!.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => (l.Key, l.Value)));
        var (id, _) = Assert.Single(at.Fake.Jobs);
        var job = await at.Client.Jobs.GetAsync(at.Client.Jobs.Reference(id, "EU"), Cancellation);
        Assert.Equal(("air", "r1", "flight-delays_score"), (job.Configuration.Labels!["team"], job.Configuration.Labels["batchml_run"], job.Configuration.Labels["batchml_job"]));
    }

    [Fact]
    public async Task A_partition_is_overwritten_and_the_others_stay()
    {
        await using var at = await StartAsync();
        await at.PutAsync(First, Rows(First, Ids(100)), 1);
        await at.PutAsync(Second, Rows(Second, Ids(50)), 1);
        await at.PutAsync(First, Rows(First, Ids(30, 10), 5, "r2"), 2, run: "r2");
        Assert.Equal([.. Expected(First, Ids(30, 10), 5, "r2"), .. Expected(Second, Ids(50))], at.Held());
        Assert.Equal(3, at.Uploads);
    }

    [Fact]
    public async Task Publishing_again_loads_nothing_again()
    {
        await using var at = await StartAsync();
        var manifest = await at.PutAsync(First, Rows(First, Ids(10)), 1);
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(First, Ids(10)), at.Held());
        Assert.Equal((1, 1), (at.Uploads, at.Fake.Jobs.Count));
    }

    [Fact]
    public async Task A_partition_without_rows_empties_its_partition()
    {
        await using var at = await StartAsync();
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        await at.PutAsync(Second, Rows(Second, Ids(10)), 1);
        await at.PutAsync(First, Rows(First, []), 2);
        Assert.Equal(Expected(Second, Ids(10)), at.Held());
    }

    [Fact]
    public async Task Each_partition_is_appended_once_and_rows_that_are_there_stay()
    {
        await using var at = await StartAsync(Mode(BigQueryMode.Append));
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        await at.PutAsync(Second, Rows(Second, Ids(5)), 1);
        var sink = at.Sink();
        Assert.Contains("appended", (await Assert.ThrowsAsync<BatchMlException>(() => at.StageAsync(sink, First, Rows(First, Ids(9)), 2))).Message, StringComparison.Ordinal);
        var planned = new PlannedOutput("flight-delays/score", SinkFixture.Schema, "flight_date", [new(at.Key(First), 10)]);
        Assert.Contains("twice", (await Assert.ThrowsAsync<DefinitionException>(() => sink.CheckAsync(planned, Cancellation))).Message, StringComparison.Ordinal);
        Assert.Equal([.. Expected(First, Ids(10)), .. Expected(Second, Ids(5))], at.Held());
    }

    [Fact]
    public async Task What_was_appended_from_another_workspace_is_found_by_its_content()
    {
        await using var at = await StartAsync(Mode(BigQueryMode.Append));
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        await at.PutAsync(First, Rows(First, Ids(10), run: "r2"), 7, sink: at.Sink(root: at.Root + "-other"), run: "r2");
        Assert.Equal(Expected(First, Ids(10)), at.Held());
    }

    [Fact]
    public async Task Rows_are_merged_by_their_keys_and_those_that_are_gone_go()
    {
        await using var at = await StartAsync(o => o with { Mode = BigQueryMode.Merge, Keys = ["id"] });
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        // 5 to 9 move to the second day; 10 to 14 are new.
        await at.PutAsync(Second, Rows(Second, Ids(10, 5), 1), 1);
        // Of the first day 0 and 1 are left, and 20 is new.
        await at.PutAsync(First, Rows(First, [0, 1, 20], 2), 2);
        Assert.Equal([.. Expected(First, [0, 1, 20], 2), .. Expected(Second, Ids(10, 5), 1)], at.Held());
        Assert.Equal(["scores"], await at.TablesAsync());
    }

    [Fact]
    public async Task A_merge_with_the_partition_among_its_keys_reads_that_partition_alone_and_may_be_limited()
    {
        await using var at = await StartAsync(o => o with { Mode = BigQueryMode.Merge, Keys = ["flight_date", "id"], RequirePartitionFilter = true, MaxBytesBilled = 100 << 20 });
        await at.PutAsync(First, Rows(First, Ids(10)), 1);
        await at.PutAsync(First, Rows(First, Ids(12), 1), 2);
        Assert.Equal(Expected(First, Ids(12), 1), at.Held());
        var merge = at.Fake.Requests.Last(r => r.Json?["configuration"]?["query"] is not null).Json!["configuration"]!["query"]!;
        Assert.Contains("ON T.`flight_date` = DATE '2013-10-01' AND", (string)merge["query"]!, StringComparison.Ordinal);
        Assert.Equal((100L << 20).ToString(System.Globalization.CultureInfo.InvariantCulture), merge["maximumBytesBilled"]!.ToString());
    }

    [Fact]
    public async Task A_merge_that_would_cost_more_than_allowed_fails_and_changes_nothing()
    {
        await using var at = await StartAsync(o => o with { Mode = BigQueryMode.Merge, Keys = ["id"], MaxBytesBilled = 1 });
        var sink = at.Sink();
        var manifest = await at.StageAsync(sink, First, Rows(First, Ids(10)), 1);
        var error = await Assert.ThrowsAsync<BigQueryException>(() => sink.PublishAsync(manifest, Cancellation));
        Assert.Contains("Raise the limit", error.Message, StringComparison.Ordinal);
        Assert.Empty(at.Held());
        await at.Sink(more: o => o with { MaxBytesBilled = null }).PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(First, Ids(10)), at.Held());
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Several_files_get_in_by_one_step(BigQueryMode mode)
    {
        await using var at = await StartAsync(Mode(mode));
        if (mode == BigQueryMode.OverwritePartitions) await at.PutAsync(First, Rows(First, Ids(500), 9), 1);
        var sink = at.Sink();
        // Of two staged versions one is made, with the files of both.
        var (a, b) = (await at.StageAsync(sink, First, Rows(First, Ids(10)), 3), await at.StageAsync(sink, First, Rows(First, Ids(5, 10)), 4));
        var file = b.Partition.Files[0];
        File.Move(Path.Combine(at.Root, b.Partition.Folder, file.Name), Path.Combine(at.Root, a.Partition.Folder, file.Name));
        var both = a with { Partition = a.Partition with { Files = [.. a.Partition.Files, file], Rows = 15 } };
        await sink.PublishAsync(both, Cancellation);
        Assert.Equal(Expected(First, Ids(15)), at.Held());
        Assert.Equal(["scores"], await at.TablesAsync());
    }

    [Fact]
    public async Task Dead_letters_are_in_a_table_beside_and_go_with_their_partition()
    {
        await using var at = await StartAsync();
        await at.PutAsync(First, Rows(First, Ids(10)), 1, deadLetters: 2);
        await at.PutAsync(Second, Rows(Second, Ids(10)), 1, deadLetters: 1);
        Assert.Equal(
        [
            """2013-10-01|0|score|too "odd"|{"id":0}|m@1|r1""", """2013-10-01|1|score|too "odd"|{"id":1}|m@1|r1""", """2013-10-02|0|score|too "odd"|{"id":0}|m@1|r1""",
        ], at.DeadLetters());
        await at.PutAsync(First, Rows(First, Ids(12)), 2);
        Assert.Equal(["""2013-10-02|0|score|too "odd"|{"id":0}|m@1|r1"""], at.DeadLetters());
        Assert.Equal(["scores", "scores_dead_letters"], await at.TablesAsync());
    }

    static RecordBatch Bucket(long bucket, int rows)
    {
        var (id, buckets) = (new Int64Array.Builder(), new Int64Array.Builder());
        for (var i = 0; i < rows; i++)
        {
            id.Append(i);
            buckets.Append(bucket);
        }
        return new RecordBatch(
            new Apache.Arrow.Schema([new Apache.Arrow.Field("id", Columns.ArrowType(ColumnType.Int64), false), new Apache.Arrow.Field("bucket", Columns.ArrowType(ColumnType.Int64), false)], null), [id.Build(), buckets.Build()], rows);
    }

    [Fact]
    public async Task Partitions_of_single_integers_are_overwritten_in_a_table_that_has_them()
    {
        await using var at = await StartAsync();
        var sink = at.Sink();
        async Task PutAsync(long bucket, int rows, long fence)
        {
            var key = new PartitionKey(at.Options.Name, "buckets", "bucket", $"{bucket}");
            await using var stage = await sink.StageAsync(key, fence, Bucket(bucket, rows).Schema, default);
            await stage.WriteAsync(Bucket(bucket, rows), default);
            await sink.PublishAsync(new PartitionManifest(1, await stage.CompleteAsync(default), "r1", "f1", DateTimeOffset.UnixEpoch), default);
        }

        Assert.Contains("RANGE_BUCKET(bucket", (await Assert.ThrowsAsync<DefinitionException>(() => PutAsync(40, 5, 1))).Message, StringComparison.Ordinal);
        Assert.Empty(await at.TablesAsync());
        var made = new BigQueryTable { TableReference = at.Table, Schema = DescribedSchema.Of(Bucket(1, 0).Schema), RangePartitioning = new RangePartitioning { Field = "bucket", Range = new IntegerRange(0, 1000, 1) } };
        await at.Client.Tables.InsertAsync(made, Cancellation);
        await PutAsync(40, 5, 2);
        await PutAsync(41, 4, 1);
        await PutAsync(40, 3, 3);
        Assert.Equal([(40L, 3L), (41L, 4L)], at.Fake.Look($"SELECT bucket, count(*) FROM {Sql("scores")} GROUP BY bucket ORDER BY bucket").Select(r => ((long)r[0]!, (long)r[1]!)));
    }

    [Fact]
    public async Task Partitions_side_by_side_make_and_change_one_table_together()
    {
        await using var at = await StartAsync(o => o with { SchemaEvolution = SchemaEvolution.Add });
        string[] days = [.. Enumerable.Range(1, 8).Select(d => $"2013-10-{d:00}")];
        await Task.WhenAll(days.Select(d => Task.Run(() => at.PutAsync(d, Rows(d, Ids(20)), 1), Cancellation)));
        Assert.Equal(days.SelectMany(d => Expected(d, Ids(20))), at.Held());
        // The next version has a column more.
        static RecordBatch Wider(RecordBatch rows) => new(
            new Apache.Arrow.Schema([.. rows.Schema.FieldsList, new Apache.Arrow.Field("more", Columns.ArrowType(ColumnType.Int64), true)], null), [.. rows.Arrays, Columns.Take(new Int64Array.Builder().Append(7).Build(), new int[rows.Length])], rows.Length);
        await Task.WhenAll(days.Select(d => Task.Run(() => at.PutAsync(d, Wider(Rows(d, Ids(10), 1)), 2), Cancellation)));
        Assert.Equal(days.SelectMany(d => Expected(d, Ids(10), 1)), at.Held());
        Assert.Equal(80L, at.Fake.Look($"SELECT count(*) FROM {Sql("scores")} WHERE more = 7")[0][0]);
    }

    [Fact]
    public async Task Staging_asks_BigQuery_nothing()
    {
        await using var at = await StartAsync();
        var before = at.Fake.Requests.Count;
        await at.StageAsync(at.Sink(more: o => o with { Client = o.Client with { Credentials = BigQueryCredentials.ServiceAccount("/nowhere/key.json") } }), First, Rows(First, Ids(10)), 1);
        Assert.Equal(before, at.Fake.Requests.Count);
    }
}
