using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.Spark.Connect;
using BatchMl.Spark.Worker;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Benchmarks.Spark;

/// <summary>What a task costs beside its rows: through a worker that runs already, and through one that has to start.</summary>
sealed class OneRowTask : Benchmark
{
    const int Rounds = 15;

    public override string Name => "spark-task";

    public override string What => "Spark 4.1.4, local[2]: a job of one row through Connect, in a worker that runs already; the same without a worker";

    public override string Target => "within 50 ms (PySpark warm: 0.64 s)";

    public override bool IsLong => true;

    public override async Task<Outcome> RunAsync(string folder)
    {
        using var server = LiveSpark.Start("4.1", "local[2]");
        await using var spark = await OpenAsync(server);
        var row = SparkRelation.Range(0, 1, 1, 1);
        var mapped = row.Map(new SparkFunction(NamedFunctions.Command(NamedFunctions.IdentityName), ["id"], "id BIGINT", "identity"));
        var plain = row.Select("id + 1 AS id");
        await TimeAsync(spark, plain);
        var cold = await TimeAsync(spark, mapped);
        List<double> without = [], warm = [];
        for (var round = 0; round < Rounds; round++)
        {
            without.Add(await TimeAsync(spark, plain));
            warm.Add(await TimeAsync(spark, mapped));
        }
        // Another session has a worker process of its own.
        await using var other = await OpenAsync(server);
        await TimeAsync(other, plain);
        var coldAgain = await TimeAsync(other, mapped);
        double Median(List<double> all) => all.Order().ElementAt(Rounds / 2);
        var more = Median([.. warm.Zip(without, (a, b) => a - b)]);
        return new Outcome(
            Milliseconds(Median(warm)), Milliseconds(Median(without)), $"{Milliseconds(more)} more", more <= 0.05,
            $"with a worker that has to start {Milliseconds(cold)} the first time, {Milliseconds(coldAgain)} in another session");
    }

    static string Milliseconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0} ms");

    static async Task<SparkSession> OpenAsync(LiveSpark server)
    {
        var spark = await SparkSession.ConnectAsync(SparkRemote.Parse(server.Remote));
        await spark.SetAsync(new Dictionary<string, string> { ["spark.sql.execution.pyspark.python"] = Environment.ProcessPath! });
        return spark;
    }

    static async Task<double> TimeAsync(SparkSession spark, SparkRelation relation) => (await Seconds.OfAsync(async () =>
    {
        var rows = 0;
        await foreach (var batch in spark.CollectAsync(relation)) rows += batch.Length;
        if (rows != 1) throw new InvalidOperationException($"{rows} rows came back of one.");
    })).Wall;
}
