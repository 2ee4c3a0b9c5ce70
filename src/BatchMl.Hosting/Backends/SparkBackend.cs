using System.Globalization;
using System.Reflection;
using BatchMl.Parquet;
using BatchMl.Spark.Engine;
using BatchMl.Spark.Worker;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting.Backends;

/// <summary>Spark as engine and source, as the section <c>Spark</c> says, and this program as a worker of its executors.</summary>
static class SparkBackend
{
    /// <summary>What this program does in executors.</summary>
    public static IWorkerFunctions Functions(BatchMlApplication application) => new JobFunctions(application.Jobs, application.TaskEnvironment).All;

    public static SparkTableSource Table(SourceBinding binding, SessionContext context)
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

    public static SparkEngine Engine(SessionContext context)
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

    static string Remote(SessionContext context, string who) => context.Configuration["Spark:Remote"] ?? Environment.GetEnvironmentVariable("SPARK_REMOTE")
        ?? throw new DefinitionException($"{who} needs a Spark Connect server: start the job with ./spark-submit.sh --master …, or name a server with --set Spark:Remote=sc://HOST:PORT or SPARK_REMOTE.");

    static Dictionary<string, string> Confs(SessionContext context) => context.Configuration.GetSection("Spark:Confs").GetChildren().Where(c => c.Value is not null).ToDictionary(c => c.Key, c => c.Value!);

    // Started as 'dotnet PROGRAM.dll' the process is dotnet, which is no worker; the program is beside it.
    static string OwnProgram()
    {
        var own = Path.Combine(AppContext.BaseDirectory, Assembly.GetEntryAssembly()!.GetName().Name!);
        return File.Exists(own) ? own : Environment.ProcessPath!;
    }

    static long RowsPerTask(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var rows) && rows > 0
        ? rows : throw new DefinitionException($"Spark:RowsPerTask is '{text}'; expected a number of at least 1, e.g. 262144.");
}
