using System.Text;
using Apache.Arrow;
using BatchMl.Spark.Connect;
using BatchMl.Spark.Tests.Connect;
using BatchMl.Spark.Worker;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>The worker in a real Spark's executor; the versions below.</summary>
public abstract class LiveWorkerContract(SharedSpark spark)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_type_goes_through_the_worker_and_back()
    {
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        var rows = SparkRelation.Local(AllTypes.Create());
        var function = new SparkFunction(NamedFunctions.Command("identity"), [.. AllTypes.Schema.FieldsList.Select(f => f.Name)], SparkTypes.ToDdl(AllTypes.Schema), "identity");
        var back = new List<string>();
        await foreach (var batch in session.CollectAsync(rows.Map(function), cancel: Cancel)) back.AddRange(AllTypes.Rows(batch));
        Assert.Equal(AllTypes.Rows(AllTypes.Create()), back);
    }

    [Fact]
    public async Task Many_batches_in_several_partitions_come_back_whole()
    {
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        var mapped = SparkRelation.Range(0, 300_000, partitions: 4).Map(LiveWorker.Numbers("identity")).GroupBy().Agg("concat(count(*), ' ', sum(id), ' ', count(DISTINCT id)) AS s");
        Assert.Equal(["300000 44999850000 300000"], await LiveWorker.TextsAsync(session, mapped));
    }

    [Fact]
    public async Task A_limit_ends_the_task_and_the_session_goes_on()
    {
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        for (var i = 0; i < 2; i++)
        {
            var rows = 0;
            await foreach (var batch in session.CollectAsync(SparkRelation.Range(0, 3_000_000, partitions: 1).Map(LiveWorker.Numbers("identity")).Limit(3), cancel: Cancel)) rows += batch.Length;
            Assert.Equal(3, rows);
        }
    }

    [Fact]
    public async Task An_error_reaches_the_client_with_its_type_kind_and_message()
    {
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        var failing = SparkRelation.Range(0, 100_000, partitions: 1).Map(LiveWorker.Numbers("fail", "row 7 | is\nbad: ü"));
        var error = await Assert.ThrowsAsync<SparkException>(() => LiveWorker.TextsAsync(session, failing));
        Assert.Equal("BatchMl.DataException", error.WorkerType);
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Contains("row 7 | is\nbad: ü", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_of_a_session_are_served_by_one_process_which_knows_the_session()
    {
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        await session.SetAsync(new Dictionary<string, string> { ["spark.batchml.test"] = "a setting" }, Cancel);
        var told = new List<string>();
        for (var i = 0; i < 2; i++) told.AddRange(await LiveWorker.TextsAsync(session, SparkRelation.Range(0, 10, partitions: 2).Map(LiveWorker.Tell)));
        Assert.Equal(4, told.Count);
        var process = Assert.Single(told.Select(t => t.Split(';')[0]).Distinct());
        Assert.All(told, t => Assert.Equal($"{process};{spark.Version};0;;5;a setting;True", t));
    }

    [Fact]
    public async Task Cancelling_the_job_stops_the_function()
    {
        using var folder = new TestFolder();
        await using var session = await LiveWorker.ConnectAsync(spark.Server);
        var waiting = LiveWorker.TextsAsync(session, SparkRelation.Range(0, 1_000_000, partitions: 1).Map(LiveWorker.Numbers("wait", folder.Path)));
        await FileAsync(folder.At("begun"), waiting);
        await session.InterruptAllAsync(Cancel);
        await Assert.ThrowsAnyAsync<Exception>(() => waiting);
        await FileAsync(folder.At("stopped"), Task.Delay(TimeSpan.FromSeconds(60), Cancel));
    }

    static async Task FileAsync(string path, Task atMost)
    {
        while (!File.Exists(path))
        {
            Assert.False(atMost.IsCompleted, $"'{path}' never came to be.");
            await Task.Delay(20, Cancel);
        }
    }
}

[Collection(nameof(Spark35))]
public sealed class Spark35Worker(Spark35 spark) : LiveWorkerContract(spark);

[Collection(nameof(Spark41))]
public sealed class Spark41Worker(Spark41 spark) : LiveWorkerContract(spark);

[Collection(nameof(Spark43))]
public sealed class Spark43Worker(Spark43 spark) : LiveWorkerContract(spark);

/// <summary>Sessions whose executors start the tests' worker.</summary>
static class LiveWorker
{
    public static readonly SparkFunction Tell = new(NamedFunctions.Command("tell"), ["id"], "`told` STRING", "tell");

    public static SparkFunction Numbers(string name, string argument = "") => new(NamedFunctions.Command(name, Encoding.UTF8.GetBytes(argument)), ["id"], "`id` BIGINT", name);

    public static async Task<SparkSession> ConnectAsync(LiveSpark server)
    {
        var session = await SparkSession.ConnectAsync(SparkRemote.Parse(server.Remote), cancel: TestContext.Current.CancellationToken);
        await session.SetAsync(new Dictionary<string, string>
        {
            ["spark.sql.execution.pyspark.python"] = Path.Combine(AppContext.BaseDirectory, "BatchMl.TestWorker"),
            ["spark.sql.session.timeZone"] = "UTC",
        }, TestContext.Current.CancellationToken);
        return session;
    }

    public static async Task<List<string>> TextsAsync(SparkSession session, SparkRelation relation)
    {
        var texts = new List<string>();
        await foreach (var batch in session.CollectAsync(relation, cancel: TestContext.Current.CancellationToken))
            for (var row = 0; row < batch.Length; row++) texts.Add(batch.Column(0) is StringArray text ? text.GetString(row) : ArrowText.Of(batch.Column(0), row));
        return texts;
    }
}
