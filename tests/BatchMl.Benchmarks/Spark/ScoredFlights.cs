using System.Globalization;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Spark.Engine;
using BatchMl.TestSupport.Spark;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchMl.Benchmarks.Spark;

/// <summary>
/// <c>flight-delays/score</c> over 5 M flights, features and LightGBM: on Spark with two cores against this process with two threads; on two executors against one; and with one origin that half of all flights leave from. All give the same
/// content digests before any time counts.
/// </summary>
sealed class ScoredFlights : Benchmark
{
    const int Years = 3, KeysEach = 5;
    const long Rows = 336_776L * Years * KeysEach;

    /// <summary>The job, on all days.</summary>
    public static ScoreJob Job { get; } = Jobs.FlightDelays.FlightDelays.Pipeline().Steps.OfType<ScoreJob>().Single() is var job
        ? new ScoreJob("large/score", "Flights of three years", job.Query.Spine, job.Query.Service!, job.Model, [.. job.Keep]) : throw new InvalidOperationException();

    public override string Name => "spark-job";

    public override string What => "features and LightGBM of `flight-delays` over 5 M rows, Parquet to Parquet: Spark 4.1.4 local[2]; the local engine with two threads";

    public override string Target => "ratios and peak memory are reported";

    public override bool IsLong => true;

    public override async Task<Outcome> RunAsync(string folder)
    {
        await TrainAsync(folder);
        var even = Path.Combine(folder, "even");
        Write(even, hot: false);
        var (local, expected) = await RunAsync(folder, even, null);
        double spark, sparkPeak, hot, hotPeak, one, two;
        using (var server = Start("local[2]"))
        {
            (spark, sparkPeak) = await CheckedAsync(folder, even, server.Remote, expected);
            var uneven = Path.Combine(folder, "hot");
            Write(uneven, hot: true);
            var (_, expectedHot) = await RunAsync(folder, uneven, null);
            (hot, hotPeak) = await CheckedAsync(folder, uneven, server.Remote, expectedHot);
        }
        using (var server = Start("local-cluster[1,1,1536]")) (one, _) = await CheckedAsync(folder, even, server.Remote, expected);
        using (var server = Start("local-cluster[2,1,1536]")) (two, _) = await CheckedAsync(folder, even, server.Remote, expected);
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{spark:0} s, {Rows / spark / 1000:N0} k rows/s"), string.Create(CultureInfo.InvariantCulture, $"{local:0} s, {Rows / local / 1000:N0} k rows/s"), Paired.Times(spark / local), true,
            string.Create(CultureInfo.InvariantCulture, $"same content digests; a worker's memory at most {sparkPeak / (1 << 20):N0} MiB; an origin with half of all rows: {hot / spark:0.00}x of even keys, {hotPeak / (1 << 20):N0} MiB; two executors of one core against one: {two / one:0.00}x"));
    }

    static LiveSpark Start(string master) => LiveSpark.Start("4.1", master, new Dictionary<string, string> { ["spark.sql.shuffle.partitions"] = "64", ["spark.executor.memory"] = "1g" });

    static async Task<(double Seconds, double Peak)> CheckedAsync(string folder, string data, string remote, string expected)
    {
        using var watch = new WorkerMemory();
        var (seconds, digest) = await RunAsync(folder, data, remote);
        return digest == expected ? (seconds, watch.Peak) : throw new InvalidOperationException("Spark and the local engine made different rows.");
    }

    // Trained on the real flights, by the pipeline as it is.
    static async Task TrainAsync(string folder)
    {
        var pipeline = Jobs.FlightDelays.FlightDelays.Pipeline();
        var data = Path.Combine(AppContext.BaseDirectory, "flight-delays", "data");
        await RunAsync(folder, data, null, new PipelineJob("flight-delays", "Trains", [.. pipeline.Steps.Take(2)]));
    }

    static async Task<(double Seconds, string Digest)> RunAsync(string folder, string data, string? remote)
    {
        var seconds = await Seconds.OfAsync(() => RunAsync(folder, data, remote, Job));
        await using var catalog = new SqliteCatalog(new Workspace(Path.Combine(folder, "workspace")).CatalogPath);
        var ledger = await catalog.LedgerAsync("parquet", Job.Name, default);
        return (seconds.Wall, string.Join('\n', ledger.OrderBy(e => e.Key.Value, StringComparer.Ordinal).Select(e => e.Committed!.Staged.ContentDigest)));
    }

    static async Task RunAsync(string folder, string data, string? remote, Job job)
    {
        var workspace = Path.Combine(folder, "workspace");
        var settings = new Dictionary<string, string?> { ["data"] = data };
        await using var catalog = new SqliteCatalog(new Workspace(workspace).CatalogPath);
        var environment = Environment(workspace, settings) with { Catalog = catalog };
        SparkEngine? spark = remote is null ? null : new SparkEngine(new SparkEngineOptions { Remote = remote, Workspace = environment.Workspace.Root, Settings = settings, WorkerProgram = System.Environment.ProcessPath! });
        if (spark is not null) environment = environment with { Engine = spark };
        var summary = await new Runner(environment, new Silent()).RunAsync(job, new RunRequest { Force = true }, "run", default);
        if (spark is not null) await spark.DisposeAsync();
        if (summary.ExitCode != 0) throw new InvalidOperationException(summary.Error);
    }

    /// <summary>What the job runs in, here and in workers.</summary>
    public static JobEnvironment Environment(string workspace, IReadOnlyDictionary<string, string?> settings)
    {
        var at = new Workspace(workspace);
        return new JobEnvironment
        {
            Workspace = at, Catalog = new SqliteCatalog(at.CatalogPath), Sink = new ParquetSink(at.Datasets), Models = new ModelStore(at.Models), Sources = name => new ParquetSource(Path.Combine(settings["data"]!, name + ".parquet")),
            Engine = new LocalEngine(null), Scorers = new Dictionary<string, ScorerFactory> { [LightGbmScorer.Flavor] = LightGbmScorer.Load }, Clock = TimeProvider.System, Logging = NullLoggerFactory.Instance,
        };
    }

    static void Write(string to, bool hot)
    {
        Directory.CreateDirectory(to);
        var data = Path.Combine(AppContext.BaseDirectory, "flight-delays", "data");
        using var duck = new Duck(System.Environment.ProcessorCount);
        string Copies(string table, string keys, string times) => string.Create(CultureInfo.InvariantCulture, $"""
            SET preserve_insertion_order=true;
            COPY (SELECT * REPLACE ({keys}{times}) FROM (SELECT row_number() OVER () AS n, * FROM '{data}/{table}.parquet') t, range({(times.Length > 0 ? Years : 1)}) y(y), range({KeysEach}) k(k) ORDER BY y, n, k)
            TO '{to}/{table}.parquet' (FORMAT parquet, COMPRESSION zstd)
            """);
        const string year = ", time_hour + to_days(y::INT * 365) AS time_hour";
        var origin = hot ? "CASE WHEN (n + k) % 2 = 0 THEN 'JFK0' ELSE origin || k END AS origin" : "origin || k AS origin";
        duck.Execute(Copies("flights", $"{origin}, carrier || k AS carrier, tailnum || '-' || k AS tailnum, dest || k AS dest", year));
        duck.Execute(Copies("weather", "origin || k AS origin", year));
        duck.Execute(Copies("planes", "tailnum || '-' || k AS tailnum", ""));
    }

    sealed class Silent : RunListener;
}
