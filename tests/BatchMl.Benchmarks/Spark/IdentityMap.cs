using System.Globalization;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Spark.Connect;
using BatchMl.Spark.Worker;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Benchmarks.Spark;

/// <summary>What it costs to take rows out of Spark into the worker and back: Spark's own scan of the same file is the measure, PySpark's worker took 8.0 times as long.</summary>
sealed class IdentityMap : Benchmark
{
    const int Rows = 10_000_000, Rounds = 3;

    public override string Name => "spark-identity";

    public override string What => "Spark 4.1.4, local[2]: mapInArrow identity over 10 M rows x 8 columns, Parquet to `noop`; Spark's plain scan of the file to `noop`";

    public override string Target => "at most 5.3x (PySpark's worker: 8.0x)";

    public override bool IsLong => true;

    public override async Task<Outcome> RunAsync(string folder)
    {
        var path = Path.Combine(folder, "rows.parquet");
        using (var duck = new Duck(Environment.ProcessorCount))
        {
            duck.Execute(string.Create(CultureInfo.InvariantCulture, $"""
                COPY (SELECT i AS id, (i % 1000)::INT AS n, i::DOUBLE * 0.5::DOUBLE AS a, sin(i) AS b, cos(i) AS c, sqrt(i) AS d, 'text number ' || (i % 300) AS s, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_seconds(i) AS at FROM range({Rows}) t(i))
                TO '{path}' (FORMAT parquet)
                """));
        }
        using var server = LiveSpark.Start("4.1", "local[2]");
        await using var spark = await SparkSession.ConnectAsync(SparkRemote.Parse(server.Remote));
        await spark.SetAsync(new Dictionary<string, string> { ["spark.sql.execution.pyspark.python"] = Environment.ProcessPath!, ["spark.sql.session.timeZone"] = "UTC" });
        var rows = SparkRelation.Parquet(path);
        string[] columns = ["id", "n", "a", "b", "c", "d", "s", "at"];
        const string ddl = "id BIGINT, n INT, a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE, s STRING, at TIMESTAMP";
        SparkRelation Map(string function) => rows.Map(new SparkFunction(NamedFunctions.Command(function), columns, ddl, function));
        await CompareAsync(spark, rows, Map(NamedFunctions.IdentityName));
        Task Write(SparkRelation relation) => spark.WriteAsync(relation, new SparkWrite { Format = "noop", Mode = SparkWriteMode.Overwrite });
        List<double> scan = [], identity = [], sink = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var (plain, through, into) = ((await Seconds.OfAsync(() => Write(rows))).Wall, (await Seconds.OfAsync(() => Write(Map(NamedFunctions.IdentityName)))).Wall, (await Seconds.OfAsync(() => Write(Map(SparkFunctions.SinkName)))).Wall);
            // The first round compiles.
            if (round == 0) continue;
            scan.Add(plain);
            identity.Add(through);
            sink.Add(into);
        }
        double Median(IEnumerable<double> all) => all.Order().ElementAt(Rounds / 2);
        var ratio = Median(identity.Zip(scan, (a, b) => a / b));
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{Median(identity):0.0} s"), string.Create(CultureInfo.InvariantCulture, $"{Median(scan):0.0} s"), Paired.Times(ratio), ratio <= 5.3,
            string.Create(CultureInfo.InvariantCulture, $"into the worker and nothing back: {Median(sink):0.0} s; so {Median(sink) - Median(scan):0.0} s are the way in, {Median(identity) - Median(sink):0.0} s the way back"));
    }

    // The same rows, by their sums, before any time is taken.
    static async Task CompareAsync(SparkSession spark, SparkRelation plain, SparkRelation mapped)
    {
        async Task<string> SumsAsync(SparkRelation relation)
        {
            var sums = relation.GroupBy().Agg("count(*)", "sum(id)", "sum(n)", "bit_xor(xxhash64(id, n, a, b, c, d, s, at))");
            await foreach (var batch in spark.CollectAsync(sums)) return string.Join(' ', batch.Arrays.Select(a => BatchMl.Data.Columns.ValueAt(a, 0)));
            return "";
        }

        var (expected, got) = (await SumsAsync(plain), await SumsAsync(mapped));
        if (expected != got) throw new InvalidOperationException($"The identity gave {got}, the scan {expected}.");
    }
}
