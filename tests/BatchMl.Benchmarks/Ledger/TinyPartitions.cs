using System.Globalization;
using BatchMl.Benchmarks.Data;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchMl.Benchmarks.Ledger;

/// <summary>A telephone call.</summary>
public sealed record Call(long Id, DateTimeOffset? At, string Day, double X, double Y, bool? Answered);

/// <summary>Many partitions of ten rows each, so that what a partition costs is nearly all there is.</summary>
sealed class TinyPartitions
{
    readonly string folder;
    readonly Workspace workspace;
    readonly PipelineJob training;

    public TinyPartitions(string folder, int partitions)
    {
        this.folder = folder;
        workspace = new Workspace(Path.Combine(folder, "workspace"));
        var features = FeatureService.Of("calls", version: 1).FromSpine("x", "y").Derive("ratio", row => row.Number("x") / row.Number("y"));
        var trainingSet = new TrainingSetJob(
            "calls/training-set", "Calls", Spine.From(Source.Bind<Call>("history")).Key(c => c.Id).Select(c => new { c.X, c.Y }).AsOf(c => c.At).PartitionBy("date", c => c.At.DateIn("UTC")), features,
            Label.Of<Call, bool?>("answered", c => c.Answered, knownAt: c => c.At.AddMinutes(5)), new TimeSplit(new DateOnly(2024, 2, 1), new DateOnly(2024, 2, 10), new DateOnly(2024, 2, 20), "UTC"));
        training = new PipelineJob("calls", "Trains", trainingSet, new TrainJob("calls/train", "Trains", "calls", trainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 })));
        Score = new ScoreJob(
            "calls/score", "Scores", Spine.From(Source.Bind<Call>("calls")).Key(c => c.Id).Select(c => new { c.X, c.Y }).AsOf(c => c.At).PartitionBy("day", c => c.Day), features, "calls");
        using var duck = new Duck(1);
        Write(duck, "history", 2_400, "'all'");
        Write(duck, "calls", partitions * 10, "'d' || lpad((i // 10)::VARCHAR, 6, '0')");
    }

    public ScoreJob Score { get; }

    public string ScoredFolder => Path.Combine(workspace.Datasets, Score.Name);

    void Write(Duck duck, string name, int rows, string day) => duck.Execute(string.Create(CultureInfo.InvariantCulture, $"""
        COPY (SELECT i AS id, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_minutes(i * 30) AS at, {day} AS day, (i % 13)::DOUBLE AS x, (i % 7 + 1)::DOUBLE AS y, (i * 7919) % 13 < 6 AS answered
              FROM range({rows}) t(i) ORDER BY i) TO '{folder}/{name}.parquet' (FORMAT parquet)
        """));

    public Task TrainAsync() => RunAsync(training);

    public async Task<RunSummary> RunAsync(Job job, bool force = false)
    {
        await using var catalog = new SqliteCatalog(workspace.CatalogPath);
        var environment = new JobEnvironment
        {
            Workspace = workspace, Catalog = catalog, Sink = new ParquetSink(workspace.Datasets), Models = new ModelStore(workspace.Models), Sources = name => new ParquetSource(Path.Combine(folder, name + ".parquet")),
            Engine = new LocalEngine(null), Scorers = new Dictionary<string, ScorerFactory> { [LightGbmScorer.Flavor] = LightGbmScorer.Load }, Clock = TimeProvider.System, Logging = NullLoggerFactory.Instance,
        };
        var summary = await new Runner(environment, new Silent()).RunAsync(job, new RunRequest { Force = force }, "run", default);
        return summary.ExitCode == 0 ? summary : throw new InvalidOperationException(summary.Error);
    }

    sealed class Silent : RunListener;
}
