using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BatchMl.Benchmarks.BigQuery;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Benchmarks.Engine;
using BatchMl.Benchmarks.Expressions;
using BatchMl.Benchmarks.Kernel;
using BatchMl.Benchmarks.Ledger;
using BatchMl.Benchmarks.Pipeline;
using BatchMl.Benchmarks.Server;
using BatchMl.Benchmarks.Spark;
using BatchMl.Kernel;
using BatchMl.LightGbm;
using BatchMl.Spark.Worker;

namespace BatchMl.Benchmarks;

/// <summary>
/// <c>dotnet run -c Release --project tests/BatchMl.Benchmarks -- [NAME …] [--dry]</c>: runs the lines that are named, or all but the long ones, each in a process of its own, and
/// writes results.json and the README's table; with <c>--dry</c> only prints.
/// </summary>
static class Program
{
    static readonly IReadOnlyList<Benchmark> all =
    [
        new LatestValue("latest", 3_000_000, 3_000_000, 8, 0.2),
        new LatestValue("latest-million-keys", 20_000_000, 1_000_000, 300, 0.4),
        new TrailingWindows(),
        new TrailingWindowsPerRowLag(),
        new OrderedWindows("distinct", "distinct count of a text", new AggregateSpec(AggregateKind.DistinctCount, 2)),
        new OrderedWindows("quantile", "a quantile", new AggregateSpec(AggregateKind.Quantile, 0, 0.9)),
        new DerivedColumns(),
        new PipelineFloor("lightgbm", "LightGBM (100 trees)", () => new LightGbmTrainer(new LightGbmOptions { MaxRounds = 100, EarlyStoppingRounds = 100, LearningRate = 0.02, Metric = "binary_logloss" })),
        new PipelineFloor("onnx", "ONNX perceptron (64-256-256-1)", () => new Perceptron()),
        new ChallengedScoring(),
        new CommitCost(),
        new Rerun(),
        new StartUp(),
        new PeakMemory(),
        new LargeTrainingSet(),
        new IdentityMap(),
        new OneRowTask(),
        new ScoredFlights(),
        Dispatching.Memory(),
        Dispatching.Postgres(),
        new HomePage(),
        new IdleServer(),
        new NothingDue(),
        new DatabasePlans(),
        new LoadedRows(),
        new LoadedPartitions(),
    ];

    static async Task<int> Main(string[] args)
    {
        // As a worker of Spark's executors.
        if (SparkWorker.IsWorker(args)) return await SparkWorker.RunAsync(args, SparkFunctions.All(ScoredFlights.Environment));
        if (args is ["--line", var name, var output]) return await RunLineAsync(all.Single(b => b.Name == name), output);
        if (args is ["--score", var folder])
        {
            await PeakMemory.ScoreAsync(folder);
            OwnProcess.TellPeak();
            return 0;
        }
        if (args is ["--training-set", var at, var memory])
        {
            await LargeTrainingSet.MakeAsync(at, long.Parse(memory, CultureInfo.InvariantCulture));
            OwnProcess.TellPeak();
            return 0;
        }
        if (args is ["--bigquery-load", var files, var url])
        {
            await LoadedRows.RunInItsProcessAsync(files, url);
            return 0;
        }
        if (args is ["--first-row", var workspace])
        {
            await StartUp.RunToFirstRowAsync(workspace);
            return 1;
        }
        var names = args.Where(a => a != "--dry").ToArray();
        if (names.FirstOrDefault(n => all.All(b => b.Name != n)) is { } unknown)
        {
            Console.Error.WriteLine($"There is no line '{unknown}'. There are: {string.Join(", ", all.Select(b => b.IsLong ? $"{b.Name} (long)" : b.Name))}.");
            return 2;
        }
        var failed = 0;
        foreach (var benchmark in names.Length > 0 ? all.Where(b => names.Contains(b.Name)) : all.Where(b => !b.IsLong))
        {
            if (RunChild(benchmark) is not { } result) failed++;
            else if (args.Contains("--dry")) continue;
            else Results.Save(all, [result]);
        }
        return failed == 0 ? 0 : 1;
    }

    static Result? RunChild(Benchmark benchmark)
    {
        var output = Path.GetTempFileName();
        try
        {
            Console.WriteLine($"{benchmark.Name}: {benchmark.What}");
            using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["--line", benchmark.Name, output]))!;
            child.WaitForExit();
            if (child.ExitCode != 0) return null;
            var result = JsonSerializer.Deserialize<Result>(File.ReadAllText(output))!;
            Console.WriteLine($"  ours {result.Outcome.Ours}; against {result.Outcome.Against}; {result.Outcome.Result}; target {result.Target}: {(result.Outcome.Met ? "met" : "MISSED")}. {result.Outcome.Notes}");
            return result;
        }
        finally
        {
            File.Delete(output);
        }
    }

    static async Task<int> RunLineAsync(Benchmark benchmark, string output)
    {
        var folder = Directory.CreateTempSubdirectory("batchml-benchmark-").FullName;
        try
        {
            File.WriteAllText(output, JsonSerializer.Serialize(Results.Of(benchmark, await benchmark.RunAsync(folder))));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
