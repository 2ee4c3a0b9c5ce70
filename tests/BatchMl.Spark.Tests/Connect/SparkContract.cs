using System.Collections.Concurrent;
using System.Security.Cryptography;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Connect;
using BatchMl.TestSupport;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>What the client promises, against a real Spark; the versions below.</summary>
public abstract class SparkContract(SharedSpark spark)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    Task<SparkSession> ConnectAsync() => SparkSession.ConnectAsync(SparkRemote.Parse(spark.Server.Remote), cancel: Cancel);

    static async Task<List<long>> NumbersAsync(SparkSession session, SparkRelation relation, SparkExecution? execution = null)
    {
        var numbers = new List<long>();
        await foreach (var batch in session.CollectAsync(relation, execution, Cancel)) numbers.AddRange(((Int64Array)batch.Column(0)).Values);
        return numbers;
    }

    static async Task<List<string>> RowsAsync(SparkSession session, SparkRelation relation)
    {
        var rows = new List<string>();
        await foreach (var batch in session.CollectAsync(relation, cancel: Cancel)) rows.AddRange(AllTypes.Rows(batch));
        return rows;
    }

    [Fact]
    public async Task The_version_is_known()
    {
        await using var session = await ConnectAsync();
        Assert.Equal(spark.Version, $"{session.Version.Major}.{session.Version.Minor}");
        Assert.True(session.Version.RunsFunctions);
    }

    [Fact]
    public async Task Confs_are_kept()
    {
        await using var session = await ConnectAsync();
        await session.SetAsync(new Dictionary<string, string> { ["spark.batchml.mine"] = "a = b", ["spark.sql.session.timeZone"] = "UTC" }, Cancel);
        Assert.Equal("a = b", await session.GetAsync("spark.batchml.mine", Cancel));
        Assert.Equal("UTC", await session.GetAsync("spark.sql.session.timeZone", Cancel));
        Assert.Null(await session.GetAsync("spark.batchml.other", Cancel));
    }

    [Fact]
    public async Task All_types_and_nulls_come_back_as_they_went()
    {
        await using var session = await ConnectAsync();
        await session.SetAsync(new Dictionary<string, string> { ["spark.sql.session.timeZone"] = "UTC" }, Cancel);
        var sent = AllTypes.Create();
        var relation = SparkRelation.Local(sent);
        Assert.Equal(AllTypes.Rows(sent), await RowsAsync(session, relation));
        Assert.Equal(SparkTypes.ToDdl(AllTypes.Schema), SparkTypes.ToDdl(await session.SchemaAsync(relation, Cancel)));
    }

    [Fact]
    public async Task Our_ddl_is_sparks()
    {
        await using var session = await ConnectAsync();
        using var folder = new TestFolder();
        var ddl = SparkTypes.ToDdl(AllTypes.Schema);
        var read = await session.SchemaAsync(SparkRelation.Read("parquet", [folder.Path], ddl), Cancel);
        Assert.Equal(ddl, SparkTypes.ToDdl(read));
        Assert.Equal(ddl, SparkTypes.ToDdl(SparkTypes.FromDdl(ddl)));
    }

    [Fact]
    public async Task Batches_come_as_they_are_cut_and_in_order()
    {
        await using var session = await ConnectAsync();
        await session.SetAsync(new Dictionary<string, string> { ["spark.sql.execution.arrow.maxRecordsPerBatch"] = "100" }, Cancel);
        var sizes = new List<int>();
        var next = 0L;
        await foreach (var batch in session.CollectAsync(SparkRelation.Range(0, 1_050, partitions: 2), cancel: Cancel))
        {
            sizes.Add(batch.Length);
            foreach (var value in ((Int64Array)batch.Column(0)).Values) Assert.Equal(next++, value);
        }
        Assert.Equal(1_050, next);
        Assert.Equal([100, 100, 100, 100, 100, 25, 100, 100, 100, 100, 100, 25], sizes);
    }

    [Fact]
    public async Task No_rows_are_no_batches()
    {
        await using var session = await ConnectAsync();
        Assert.Empty(await NumbersAsync(session, SparkRelation.Range(0, 10).Where("id < 0")));
    }

    [Fact]
    public async Task Relations_compute_what_they_say()
    {
        await using var session = await ConnectAsync();
        var ten = SparkRelation.Range(0, 10);
        Assert.Equal([12, 14], await NumbersAsync(session, ten.Where("id IN (6, 7)").Select("id * 2 AS `the double`").SelectColumns("the double").Sort("`the double`")));
        Assert.Equal([9, 8], await NumbersAsync(session, ten.Sort(new SparkOrder("id", Descending: true)).Limit(2)));
        Assert.Equal([0, 0, 1, 1], await NumbersAsync(session, ten.Limit(2).Union(SparkRelation.Range(0, 2)).Sort("id")));
        Assert.Equal([1, 2], await NumbersAsync(session, SparkRelation.Sql("SELECT 1L AS a, 2L AS b").Union(SparkRelation.Sql("SELECT 9L AS b, 2L AS a"), byName: true).Sort("a")));
        Assert.Equal(["0 | 20", "1 | 25"], await RowsAsync(session, ten.GroupBy("id % 2").Agg("sum(id)").Sort("1", "2")));
        Assert.Equal(["45"], await RowsAsync(session, ten.GroupBy().Agg("sum(id) AS total")));
        var joined = ten.As("l").Join(SparkRelation.Range(8, 12).As("r"), "l.id = r.id", SparkJoinKind.LeftAnti);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], await NumbersAsync(session, joined.Sort("id")));
        Assert.Equal(["8", "9"], await RowsAsync(session, ten.Join(SparkRelation.Range(8, 12), ["id"]).Sort("id")));
    }

    [Fact]
    public async Task Partitions_are_what_was_asked_for()
    {
        await using var session = await ConnectAsync();
        var rows = SparkRelation.Range(0, 1_000, partitions: 1);
        Assert.Equal([7], await NumbersAsync(session, rows.Repartition(7).Select("CAST(spark_partition_id() AS BIGINT) AS p").GroupBy().Agg("count(DISTINCT p)")));
        var placed = rows.Repartition(5, "id % 10").Select("id % 10 AS k", "spark_partition_id() AS p").GroupBy("k").Agg("count(DISTINCT p) AS n").Select("max(n)");
        Assert.Equal([1], await NumbersAsync(session, placed));
        var sorted = rows.Repartition(3).SortWithinPartitions(new SparkOrder("id", Descending: true)).Select("id", "CAST(spark_partition_id() AS BIGINT) AS p");
        var last = new Dictionary<long, long>();
        await foreach (var batch in session.CollectAsync(sorted, cancel: Cancel))
        {
            for (var i = 0; i < batch.Length; i++)
            {
                var (id, partition) = (((Int64Array)batch.Column(0)).GetValue(i)!.Value, ((Int64Array)batch.Column(1)).GetValue(i)!.Value);
                if (last.TryGetValue(partition, out var before)) Assert.True(id < before);
                last[partition] = id;
            }
        }
        Assert.Equal(3, last.Count);
    }

    [Fact]
    public async Task Arguments_are_values_and_never_code()
    {
        await using var session = await ConnectAsync();
        await session.SetAsync(new Dictionary<string, string> { ["spark.sql.session.timeZone"] = "UTC" }, Cancel);
        var arguments = new Dictionary<string, object?>
        {
            ["text"] = "'; DROP TABLE x", ["long"] = long.MinValue, ["double"] = 0.1, ["day"] = new DateOnly(1969, 12, 31),
            ["at"] = new DateTimeOffset(2024, 1, 1, 1, 0, 0, TimeSpan.FromHours(1)), ["none"] = null, ["dec"] = 1.50m, ["bytes"] = new byte[] { 1 },
        };
        const string columns = ":text = '\\'; DROP TABLE x' AS a, :long = -9223372036854775808 AS b, :double = 0.1D AS c, :day = DATE '1969-12-31' AS d, :at = TIMESTAMP '2024-01-01 00:00:00' AS e, :none IS NULL AS f, :dec = 1.50BD AS g, :bytes = X'01' AS h";
        Assert.Equal(["True | True | True | True | True | True | True | True"], await RowsAsync(session, SparkRelation.Sql($"SELECT {columns}", arguments)));
    }

    [Fact]
    public async Task Files_are_written_and_read()
    {
        await using var session = await ConnectAsync();
        using var folder = new TestFolder();
        var write = new SparkWrite { Path = folder.At("out"), PartitionColumns = ["k"] };
        var rows = SparkRelation.Range(0, 100).Select("id", "id % 4 AS k");
        await session.WriteAsync(rows, write, cancel: Cancel);
        Assert.Equal(4, Directory.GetDirectories(folder.At("out"), "k=*").Length);
        var refused = await Assert.ThrowsAsync<SparkException>(() => session.WriteAsync(rows, write, cancel: Cancel));
        Assert.Contains("already exists", refused.Message, StringComparison.Ordinal);
        await session.WriteAsync(rows, write with { Mode = SparkWriteMode.Append }, cancel: Cancel);
        var read = SparkRelation.Parquet(folder.At("out"));
        Assert.Equal([200], await NumbersAsync(session, read.GroupBy().Agg("count(*)")));
        await session.WriteAsync(rows, write with { Mode = SparkWriteMode.Overwrite }, cancel: Cancel);
        Assert.Equal([100], await NumbersAsync(session, read.GroupBy().Agg("count(*)")));
        Assert.All(await session.InputFilesAsync(read, Cancel), f => Assert.StartsWith("file:", f, StringComparison.Ordinal));
        await session.WriteAsync(rows, new SparkWrite { Format = "noop", Mode = SparkWriteMode.Overwrite }, cancel: Cancel);
    }

    [Fact]
    public async Task Views_and_commands()
    {
        await using var session = await ConnectAsync();
        await session.CreateViewAsync(SparkRelation.Range(0, 3), "mine", Cancel);
        await session.CreateViewAsync(SparkRelation.Range(0, 4), "mine", Cancel);
        Assert.Equal([0, 1, 2, 3], await NumbersAsync(session, SparkRelation.Table("mine").Sort("id")));
        var tables = await session.SqlAsync("SHOW VIEWS LIKE 'mine'", cancel: Cancel);
        Assert.Contains("mine", Assert.Single(await RowsAsync(session, tables!)), StringComparison.Ordinal);
        var query = await session.SqlAsync("SELECT id FROM mine WHERE id = :id", new Dictionary<string, object?> { ["id"] = 2L }, cancel: Cancel);
        Assert.Equal([2], await NumbersAsync(session, query!));
    }

    [Fact]
    public async Task A_plan_is_explained()
    {
        await using var session = await ConnectAsync();
        var relation = SparkRelation.Range(0, 10).Where("id > 3");
        Assert.Contains("Range", await session.ExplainAsync(relation, SparkExplainMode.Simple, Cancel), StringComparison.Ordinal);
        Assert.Contains("Analyzed Logical Plan", await session.ExplainAsync(relation, SparkExplainMode.Extended, Cancel), StringComparison.Ordinal);
        Assert.Contains("(1) Range", await session.ExplainAsync(relation, SparkExplainMode.Formatted, Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_column_is_a_permanent_error_with_its_class()
    {
        await using var session = await ConnectAsync();
        var error = await Assert.ThrowsAsync<SparkException>(() => session.SchemaAsync(SparkRelation.Range(0, 1).Select("nothing_there"), Cancel));
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Contains("nothing_there", error.Message, StringComparison.Ordinal);
        Assert.Contains("AnalysisException", error.JavaClass, StringComparison.Ordinal);
        Assert.Contains("AnalysisException", error.ToString(), StringComparison.Ordinal);
        if (session.Version.Major < 4) return;
        Assert.Equal(("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"), (error.ErrorClass, error.SqlState));
    }

    [Fact]
    public async Task An_error_while_computing_is_told_whole()
    {
        await using var session = await ConnectAsync();
        var text = $"begin {new string('x', 5_000)} end";
        var relation = SparkRelation.Range(0, 10).Select($"IF(id = 7, raise_error('{text}'), id) AS x");
        var error = await Assert.ThrowsAsync<SparkException>(() => RowsAsync(session, relation));
        Assert.Contains("begin xxx", error.Message, StringComparison.Ordinal);
        if (session.Version.Major < 4) return;
        Assert.Contains("x end", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("    at org.apache.spark", error.JavaStack, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_stops_the_execution_in_spark()
    {
        await using var session = await ConnectAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var seen = new List<long>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var batch in session.CollectAsync(Endless(), cancel: stop.Token))
            {
                seen.AddRange(((Int64Array)batch.Column(0)).Values);
                await stop.CancelAsync();
            }
        });
        Assert.Equal([7], seen);
        Assert.Empty(await session.InterruptAllAsync(Cancel));
    }

    [Fact]
    public async Task What_runs_is_interrupted_by_tag_from_another_object()
    {
        await using var session = await ConnectAsync();
        await using var other = await SparkSession.ConnectAsync(SparkRemote.Parse($"{spark.Server.Remote}/;session_id={session.Id}"), cancel: Cancel);
        var reading = NumbersAsync(session, Slow(), new SparkExecution { Tags = ["by-tag"] });
        IReadOnlyList<string> stopped = [];
        while (stopped.Count == 0 && !reading.IsCompleted)
        {
            stopped = await other.InterruptTagAsync("by-tag", Cancel);
            await Task.Delay(50, Cancel);
        }
        Assert.Single(stopped);
        var error = await Assert.ThrowsAsync<SparkException>(() => reading);
        Assert.Contains("OPERATION_CANCELED", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(await other.InterruptTagAsync("another", Cancel));
    }

    [Fact]
    public async Task An_execution_outlives_the_streams_that_spark_ends()
    {
        await using var session = await ConnectAsync();
        Assert.Equal("1s", await session.GetAsync("spark.connect.execute.reattachable.senderMaxStreamDuration", Cancel));
        // Three seconds at least, a row of each partition after the other.
        Assert.Equal([0, 1, 2, 3, 4, 5], await NumbersAsync(session, SparkRelation.Range(0, 6, partitions: 6).Select($"{Pause(1_000)} + id AS id")));
    }

    [Fact]
    public async Task Stopping_to_read_stops_the_execution()
    {
        await using var session = await ConnectAsync();
        await foreach (var batch in session.CollectAsync(Endless(), cancel: Cancel))
        {
            Assert.Equal(7, ((Int64Array)batch.Column(0)).GetValue(0));
            break;
        }
        Assert.Empty(await session.InterruptAllAsync(Cancel));
    }

    [Fact]
    public async Task An_artifact_is_sent_once_and_never_replaced()
    {
        await using var session = await ConnectAsync();
        var content = new byte[100_000];
        new Random(1).NextBytes(content);
        var name = $"files/model-{Convert.ToHexStringLower(SHA256.HashData(content))}.bin";
        await session.AddArtifactAsync(name, content, Cancel);
        await session.AddArtifactAsync(name, content, Cancel);
        // Another object in the same session does not know what was sent.
        await using var other = await SparkSession.ConnectAsync(SparkRemote.Parse($"{spark.Server.Remote}/;session_id={session.Id}"), cancel: Cancel);
        await other.AddArtifactAsync(name, content, Cancel);
        using var folder = new TestFolder();
        await File.WriteAllBytesAsync(folder.At("small"), [1], Cancel);
        await session.AddArtifactAsync("files/small.bin", folder.At("small"), Cancel);
        await Assert.ThrowsAsync<SparkException>(() => session.AddArtifactAsync("files/small.bin", [2], Cancel));
        var replaced = await Assert.ThrowsAsync<SparkException>(() => other.AddArtifactAsync("files/small.bin", [3], Cancel));
        if (session.Version.Major >= 4) Assert.Contains("small.bin", replaced.Message, StringComparison.Ordinal);
        await session.AddArtifactAsync("files/empty.bin", [], Cancel);
    }

    [Fact]
    public async Task Progress_and_metrics_are_told()
    {
        await using var session = await ConnectAsync();
        var progress = new ConcurrentQueue<SparkProgress>();
        SparkMetrics? metrics = null;
        await session.SetAsync(new Dictionary<string, string> { ["spark.connect.progress.reportInterval"] = "50ms" }, Cancel);
        var execution = new SparkExecution { OnProgress = progress.Enqueue, OnMetrics = m => metrics = m };
        Assert.Equal([3], await NumbersAsync(session, SparkRelation.Range(0, 3, partitions: 3).Select($"{Pause(150)} + id AS id").GroupBy().Agg("sum(id) AS s"), execution));
        Assert.Contains(metrics!.Nodes, n => n.Values.Values.Any(v => v.Value == 3));
        if (session.Version.Major < 4) Assert.Empty(progress);
        else Assert.Contains(progress, p => p.Tasks >= 3 && p.TasksDone <= p.Tasks);
    }

    [Fact]
    public async Task A_local_relation_of_a_type_that_spark_lacks_is_refused_by_name()
    {
        var batch = new RecordBatch(new Schema([new Field("u", UInt64Type.Default, false)], null), [new UInt64Array.Builder().Append(1).Build()], 1);
        Assert.Contains("'u'", Assert.Throws<DefinitionException>(() => SparkRelation.Local(batch)).Message, StringComparison.Ordinal);
        await using var session = await ConnectAsync();
        var interval = SparkRelation.Sql("SELECT 1 AS ok, make_ym_interval(1, 2) AS odd");
        Assert.Contains("'odd'", (await Assert.ThrowsAsync<DefinitionException>(() => session.SchemaAsync(interval, Cancel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_ended_says_so()
    {
        var session = await ConnectAsync();
        var reading = NumbersAsync(session, Slow());
        await session.DisposeAsync();
        // Whichever is there first: Spark's word that it was stopped, or our own end.
        Assert.True(await Record.ExceptionAsync(() => reading) is ObjectDisposedException or SparkException);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => NumbersAsync(session, SparkRelation.Range(0, 1)));
    }

    // 0 after so many milliseconds, in every row.
    static string Pause(int milliseconds) => $"CAST(length(coalesce(reflect('java.lang.Thread', 'sleep', CAST({milliseconds} AS BIGINT)), '')) * 0 AS BIGINT)";

    // The first partition comes at once, the second never.
    static SparkRelation Endless() => SparkRelation.Range(0, 2, partitions: 2).Select($"IF(id = 0, 7L, {Pause(3_600_000)}) AS id");

    static SparkRelation Slow() => SparkRelation.Range(0, 1_000, partitions: 2).Select($"{Pause(1_000)} + id AS id");
}

[Collection(nameof(Spark35))]
public sealed class Spark35Contract(Spark35 spark) : SparkContract(spark);

[Collection(nameof(Spark41))]
public sealed class Spark41Contract(Spark41 spark) : SparkContract(spark);

[Collection(nameof(Spark43))]
public sealed class Spark43Contract(Spark43 spark) : SparkContract(spark);
