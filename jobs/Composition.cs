using System.Globalization;
using BatchMl.BigQuery;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.DuckDb;
using BatchMl.Engine;
using BatchMl.Hosting;
using BatchMl.LightGbm;
using BatchMl.Onnx;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Server;
using BatchMl.Server.Access;
using BatchMl.Server.Schedules;
using BatchMl.Spark.Engine;
using BatchMl.Spark.Worker;
using Microsoft.Extensions.Configuration;

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
        Jobs = jobs ?? FlightDelays.FlightDelays.Jobs,
        SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>
        {
            ["parquet"] = (b, _) => new ParquetSource(b.Path),
            ["csv"] = (b, _) => new CsvSource(b.Path, b.Types),
            ["json"] = (b, _) => new JsonSource(b.Path, b.Types),
            ["sql"] = (b, _) => new SqlSource(b.Sql!, b.Files, b.Path.Length > 0 ? b.Path : null),
            ["spark"] = SparkTable,
            ["postgres"] = PostgresTables.Open,
            [BigQueryAddress.Scheme] = BigQueryTable,
        },
        Sink = workspace => new ParquetSink(workspace.Datasets),
        ScoreSinks = new Dictionary<string, Func<Uri, SessionContext, IBatchSink>> { [BigQueryAddress.Scheme] = BigQuery },
        Catalog = c => c.Postgres is { } address ? new PostgresCatalog(address) : new SqliteCatalog(c.Workspace.CatalogPath),
        Operations = c => c.Postgres is { } address ? new PostgresOperations(address) : new SqliteOperations(c.Workspace.CatalogPath),
        Spill = (workspace, memory) => FileSpill.Factory(workspace.Spill, memory),
        Scorers = new Dictionary<string, ScorerFactory>
        {
            [LightGbmScorer.Flavor] = LightGbmScorer.Load,
            [OnnxScorer.Flavor] = OnnxScorer.Load,
        },
        Query = (workspace, sql) => new DatasetQuery(workspace.Datasets, sql),
        TableFiles = new Dictionary<string, TableFileFactory>
        {
            [".parquet"] = (path, schema) => new ParquetTableFile(path, schema),
            [".csv"] = (path, schema) => new CsvTableFile(path, schema),
        },
        Engines = new Dictionary<string, Func<SessionContext, IEngine>> { ["spark"] = Spark },
        MoreVerbs = [application => new ServeVerb(application, address => PostgresAddress.Parse(address).ConnectionString), application => new SchedulesVerb(application), application => new KeysVerb(application)],
        Clock = clock ?? TimeProvider.System,
        Out = output ?? Console.Out,
        Error = error ?? Console.Error,
    };

    /// <summary>What this program does as a worker in Spark's executors.</summary>
    public static IWorkerFunctions SparkFunctions()
    {
        var application = Application();
        return new JobFunctions(application.Jobs, application.TaskEnvironment).All;
    }

    // Rows are staged in the workspace, a folder for each table, and loaded from there.
    static BigQuerySink BigQuery(Uri address, SessionContext context)
    {
        var section = context.Configuration.GetSection(BigQueryAddress.Scheme);
        var options = BigQuerySettings.Read(address.OriginalString, section.AsEnumerable(makePathsRelative: true));
        var folder = Path.Combine(context.Workspace.Root, BigQueryAddress.Scheme, options.Table.ProjectId, options.Table.DatasetId, options.Table.TableId);
        return new BigQuerySink(options, new ParquetSink(folder, new ParquetLayout { Name = options.Name, ForOtherReaders = true }));
    }

    static BigQuerySource BigQueryTable(SourceBinding binding, SessionContext context)
    {
        var options = BigQuerySettings.ReadSource(binding.Name, binding.Table, binding.Sql, context.Workspace.Root, context.Configuration.GetSection(BigQueryAddress.Scheme).AsEnumerable(makePathsRelative: true));
        return new BigQuerySource(options with { PartitionBy = binding.PartitionBy, OnProgress = context.Tell }, folder => new ParquetSource(folder), ParquetFile.Write);
    }

    static SparkTableSource SparkTable(SourceBinding binding, SessionContext context)
    {
        if (binding.Table is null == binding.Sql is null) throw new DefinitionException($"Sources:{binding.Name} has format spark; it needs either Table or Sql.");
        return new SparkTableSource(
            new SparkTable
            {
                Name = binding.Name, Remote = Remote(context, $"The source {binding.Name}"), Workspace = context.Workspace.Root, Table = binding.Table, Sql = binding.Sql, PartitionBy = binding.PartitionBy, Confs = Confs(context),
                OnProgress = context.Tell,
            },
            folder => new ParquetSource(folder), TimeProvider.System);
    }

    static string Remote(SessionContext context, string who) => context.Configuration["Spark:Remote"] ?? Environment.GetEnvironmentVariable("SPARK_REMOTE")
        ?? throw new DefinitionException($"{who} needs a Spark Connect server: start the job with ./spark-submit.sh --master …, or name a server with --set Spark:Remote=sc://HOST:PORT or SPARK_REMOTE.");

    static Dictionary<string, string> Confs(SessionContext context) => context.Configuration.GetSection("Spark:Confs").GetChildren().Where(c => c.Value is not null).ToDictionary(c => c.Key, c => c.Value!);

    static SparkEngine Spark(SessionContext context)
    {
        var settings = context.Configuration.GetSection("Spark");
        return new SparkEngine(new SparkEngineOptions
        {
            Remote = Remote(context, "The engine spark"),
            Workspace = context.Workspace.Root,
            Settings = context.SourceSettings,
            WorkerProgram = settings["Worker"] ?? OwnProgram(),
            Ship = settings["Ship"] is { } ship && (bool.TryParse(ship, out var isShipped) ? isShipped : throw new DefinitionException($"Spark:Ship is '{ship}'; expected true or false.")),
            Confs = Confs(context),
            RowsPerTask = settings["RowsPerTask"] is { } rows ? RowsPerTask(rows) : 1 << 18,
            OnProgress = context.Tell,
        });
    }

    // Started as 'dotnet PROGRAM.dll' the process is dotnet, which is no worker; the program is beside it.
    static string OwnProgram()
    {
        var own = Path.Combine(AppContext.BaseDirectory, System.Reflection.Assembly.GetEntryAssembly()!.GetName().Name!);
        return File.Exists(own) ? own : Environment.ProcessPath!;
    }

    static long RowsPerTask(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rows) && rows > 0
        ? rows : throw new DefinitionException($"Spark:RowsPerTask is '{text}'; expected a number of at least 1, e.g. 262144.");
}
