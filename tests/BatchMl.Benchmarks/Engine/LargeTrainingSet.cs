using System.Diagnostics;
using System.Globalization;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Jobs;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchMl.Benchmarks.Engine;

/// <summary>
/// The training set of <c>flight-delays</c> over ten times as many airports, carriers and aircraft for nine years: 30 M rows, with memory to spare and with a budget of a tenth of the events, which are then spilled. Each in a process of its own.
/// </summary>
sealed class LargeTrainingSet : Benchmark
{
    const int Years = 9, KeysEach = 10;
    const long EventBytes = 64, Rows = 336_776L * Years * KeysEach;

    public override string Name => "training-set";

    public override string What => "training set of 30 M spine rows x 6 views of `flight-delays`, Parquet to Parquet; again with a memory budget of a tenth of the events";

    public override string Target => "finishes within the budget; rows/s and slow-down are reported";

    public override bool IsLong => true;

    public override Task<Outcome> RunAsync(string folder)
    {
        Write(folder);
        var (free, freeSeconds) = Measure(folder, "0");
        // The columns of an event that the views need, some 64 bytes of them in memory.
        var budget = Rows * EventBytes / 10;
        var (tight, tightSeconds) = Measure(folder, budget.ToString(CultureInfo.InvariantCulture));
        // What the program itself, its libraries and the batches on their way take is not events.
        var met = tight < budget + (1L << 30);
        return Task.FromResult(new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{Rows / freeSeconds / 1000:N0} k rows/s, peak {free / (1 << 20):N0} MiB"),
            string.Create(CultureInfo.InvariantCulture, $"budget {budget >> 20} MiB: {Rows / tightSeconds / 1000:N0} k rows/s, peak {tight / (1 << 20):N0} MiB"),
            Paired.Times(tightSeconds / freeSeconds), met, "no peer"));
    }

    static (double Peak, double Seconds) Measure(string folder, string memory)
    {
        var started = Stopwatch.GetTimestamp();
        var peak = OwnProcess.Peak("--training-set", folder, memory);
        return (peak, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>What the process of one budget does.</summary>
    public static async Task MakeAsync(string folder, long memory)
    {
        var query = Jobs.FlightDelays.FlightDelays.Pipeline().Steps.OfType<TrainingSetJob>().Single().Query;
        var job = new TrainingSetJob("large", "Nine years", query.Spine, query.Service!, query.Label!, new TimeSplit(new DateOnly(2020, 1, 1), new DateOnly(2021, 1, 1), new DateOnly(2022, 1, 1), "America/New_York"));
        var workspace = new Workspace(Path.Combine(folder, memory == 0 ? "free" : "tight"));
        await using var catalog = new SqliteCatalog(workspace.CatalogPath);
        var environment = new JobEnvironment
        {
            Workspace = workspace, Catalog = catalog, Sink = new ParquetSink(workspace.Datasets), Models = new ModelStore(workspace.Models), Sources = name => new ParquetSource(Path.Combine(folder, name + ".parquet")),
            Engine = new LocalEngine(FileSpill.Factory(workspace.Spill, memory == 0 ? 1L << 30 : memory)), Scorers = new Dictionary<string, ScorerFactory>(), Clock = TimeProvider.System, Logging = NullLoggerFactory.Instance,
        };
        var summary = await new Runner(environment, new Silent()).RunAsync(job, new RunRequest { Memory = memory, MaxParallel = 1 }, "run", default);
        if (summary.ExitCode != 0) throw new InvalidOperationException(summary.Error);
    }

    static void Write(string folder)
    {
        var data = Path.Combine(AppContext.BaseDirectory, "flight-delays", "data");
        using var duck = new Duck(Environment.ProcessorCount);
        string Copies(string table, string keys, string times) => string.Create(CultureInfo.InvariantCulture, $"""
            SET preserve_insertion_order=true;
            COPY (SELECT * REPLACE ({keys}{times}) FROM (SELECT row_number() OVER () AS n, * FROM '{data}/{table}.parquet') t, range({(times.Length > 0 ? Years : 1)}) y(y), range({KeysEach}) k(k) ORDER BY y, n, k)
            TO '{folder}/{table}.parquet' (FORMAT parquet, COMPRESSION zstd)
            """);
        const string year = ", time_hour + to_days(y::INT * 365) AS time_hour";
        duck.Execute(Copies("flights", "origin || k AS origin, carrier || k AS carrier, tailnum || '-' || k AS tailnum, dest || k AS dest", year));
        duck.Execute(Copies("weather", "origin || k AS origin", year));
        duck.Execute(Copies("planes", "tailnum || '-' || k AS tailnum", ""));
    }

    sealed class Silent : RunListener;
}
