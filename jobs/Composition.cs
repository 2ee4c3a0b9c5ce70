using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.DuckDb;
using BatchMl.Hosting;
using BatchMl.LightGbm;
using BatchMl.Onnx;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Spark.Worker;

namespace BatchMl.Jobs;

/// <summary>The composition root: which jobs there are, and which implementation stands behind each seam.</summary>
public static class Composition
{
    /// <summary>The application over given jobs; by default all of this project.</summary>
    /// <param name="jobs">Makes the jobs.</param>
    /// <param name="output">Where results are written to; by default the console.</param>
    /// <param name="error">Where progress and errors are written to; by default the console's error stream.</param>
    /// <param name="clock">"Now"; by default the system's.</param>
    public static BatchMlApplication Application(Func<IReadOnlyList<Job>>? jobs = null, TextWriter? output = null, TextWriter? error = null, TimeProvider? clock = null) => new()
    {
        Jobs = jobs ?? (() => [FlightDelays.FlightDelays.Pipeline()]),
        SourceFormats = new Dictionary<string, Func<SourceBinding, IBatchSource>>
        {
            ["parquet"] = b => new ParquetSource(b.Path),
            ["csv"] = b => new CsvSource(b.Path, b.Types),
            ["json"] = b => new JsonSource(b.Path, b.Types),
            ["sql"] = b => new SqlSource(b.Sql!, b.Files, b.Path.Length > 0 ? b.Path : null),
        },
        Sink = workspace => new ParquetSink(workspace.Datasets),
        Catalog = workspace => new SqliteCatalog(workspace.CatalogPath),
        Spill = (workspace, memory) => FileSpill.Factory(workspace.Spill, memory),
        Scorers = new Dictionary<string, ScorerFactory>
        {
            [LightGbmScorer.Flavor] = LightGbmScorer.Load,
            [OnnxScorer.Flavor] = OnnxScorer.Load,
        },
        Clock = clock ?? TimeProvider.System,
        Out = output ?? Console.Out,
        Error = error ?? Console.Error,
    };

    /// <summary>What this program does as a worker in Spark's executors.</summary>
    public static IWorkerFunctions SparkFunctions() => new NamedFunctions(new Dictionary<string, WorkerFunction> { [NamedFunctions.IdentityName] = NamedFunctions.Identity });
}
