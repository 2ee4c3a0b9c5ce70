using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Onnx;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>A model over a table of features, trained and scored by jobs as anyone would write them, in a workspace of its own.</summary>
sealed class ScoringWorkload
{
    const int TrainingRows = 60_000, TrainingDays = 60, ScoredDays = 10;

    readonly string folder;
    readonly Workspace workspace;
    readonly TrainingSetJob trainingSet;
    readonly TrainJob train;
    readonly TrainJob trainOther;

    ScoringWorkload(string folder, int features, ITrainer trainer, ITrainer other, Spine history, Spine scored)
    {
        (this.folder, Features) = (folder, features);
        workspace = new Workspace(Path.Combine(folder, "workspace"));
        var service = FeatureService.Of("table", version: 1).FromSpine([.. Enumerable.Range(0, features).Select(f => $"f{f:00}")]);
        var label = features == 8
            ? Label.Of<NarrowRow, bool?>("late", r => r.Late, knownAt: r => r.At) : Label.Of<WideRow, bool?>("late", r => r.Late, knownAt: r => r.At);
        trainingSet = new TrainingSetJob("table/training-set", "Rows with labels", history, service, label, new TimeSplit(new DateOnly(2024, 2, 1), new DateOnly(2024, 2, 15), new DateOnly(2024, 3, 1), "UTC"));
        train = new TrainJob("table/train", "Trains", "table", trainingSet, trainer);
        trainOther = new TrainJob("table/train-other", "Trains another one", "other", trainingSet, other);
        Score = new ScoreJob("table/score", "Scores", scored, service, "table");
        ScoreOther = new ScoreJob("table/score-other", "Scores with the other one", scored, service, "other");
        ScoreBoth = new ScoreJob("table/score-both", "Scores with both", scored, service, "table") { Challenger = "other" };
    }

    public int Features { get; }

    public ScoreJob Score { get; }

    public ScoreJob ScoreOther { get; }

    public ScoreJob ScoreBoth { get; }

    public static ScoringWorkload Narrow(string folder, ITrainer trainer) => new(folder, 8, trainer, trainer, NarrowSpine("history"), NarrowSpine("table"));

    public static ScoringWorkload Wide(string folder, ITrainer trainer, ITrainer? other = null) => new(folder, 64, trainer, other ?? trainer, WideSpine("history"), WideSpine("table"));

    static Spine NarrowSpine(string source) => Spine.From(Source.Bind<NarrowRow>(source)).Key(r => r.Id)
        .Select(r => new { r.F00, r.F01, r.F02, r.F03, r.F04, r.F05, r.F06, r.F07 }).AsOf(r => r.At).PartitionBy("day", r => r.Day);

    static Spine WideSpine(string source) => Spine.From(Source.Bind<WideRow>(source)).Key(r => r.Id)
        .Select(r => new
        {
            r.F00, r.F01, r.F02, r.F03, r.F04, r.F05, r.F06, r.F07,
            r.F08, r.F09, r.F10, r.F11, r.F12, r.F13, r.F14, r.F15,
            r.F16, r.F17, r.F18, r.F19, r.F20, r.F21, r.F22, r.F23,
            r.F24, r.F25, r.F26, r.F27, r.F28, r.F29, r.F30, r.F31,
            r.F32, r.F33, r.F34, r.F35, r.F36, r.F37, r.F38, r.F39,
            r.F40, r.F41, r.F42, r.F43, r.F44, r.F45, r.F46, r.F47,
            r.F48, r.F49, r.F50, r.F51, r.F52, r.F53, r.F54, r.F55,
            r.F56, r.F57, r.F58, r.F59, r.F60, r.F61, r.F62, r.F63,
        }).AsOf(r => r.At).PartitionBy("day", r => r.Day);

    /// <summary>Writes a small table of the training rows and trains.</summary>
    public async Task TrainAsync()
    {
        ScoringTables.Write(PathOf("history"), TrainingRows, Features, TrainingDays);
        await RunAsync(new PipelineJob("table", "Trains", trainingSet, train));
    }

    /// <summary>Trains the other model, too.</summary>
    public Task TrainOtherAsync() => RunAsync(trainOther);

    /// <summary>Writes the table to be scored.</summary>
    public void WriteTable(long rows) => ScoringTables.Write(PathOf("table"), rows, Features, ScoredDays);

    string PathOf(string source) => Path.Combine(folder, source + ".parquet");

    public async Task<RunSummary> RunAsync(Job job, bool force = false)
    {
        await using var catalog = new SqliteCatalog(workspace.CatalogPath);
        var summary = await new Runner(Environment(catalog), new Silent()).RunAsync(job, new RunRequest { Force = force }, "run", default);
        return summary.ExitCode == 0 ? summary : throw new InvalidOperationException(summary.Error);
    }

    JobEnvironment Environment(SqliteCatalog catalog) => new()
    {
        Workspace = workspace, Catalog = catalog, Sink = Sink, Models = new ModelStore(workspace.Models), Sources = Open, Engine = new LocalEngine(FileSpill.Factory(workspace.Spill, 1L << 30)),
        Scorers = Scorers, Clock = TimeProvider.System, Logging = NullLoggerFactory.Instance,
    };

    public ParquetSink Sink => new(workspace.Datasets);

    public IBatchSource Open(string name) => new ParquetSource(PathOf(name));

    public ModelPackage Model() => ModelPackage.Open(new ModelStore(workspace.Models).FolderOf("table", "1"));

    public static readonly IReadOnlyDictionary<string, ScorerFactory> Scorers =
        new Dictionary<string, ScorerFactory> { [LightGbmScorer.Flavor] = LightGbmScorer.Load, [OnnxScorer.Flavor] = OnnxScorer.Load };

    sealed class Silent : RunListener;
}
