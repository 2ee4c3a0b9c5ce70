using BatchMl.Hosting;
using BatchMl.Jobs;
using BatchMl.Jobs.FlightDelays;
using BatchMl.Runs;
using BatchMl.Spark.Engine;
using BatchMl.Spark.Worker;

namespace BatchMl.SparkJobs;

/// <summary>The jobs program, composed of the same parts, with the jobs of tests besides its own, and with the as-of kernel as a function of its own in executors.</summary>
public static class Program
{
    /// <summary>The program as Spark's executors start it.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "BatchMl.SparkJobs");

    /// <summary>All jobs.</summary>
    public static IReadOnlyList<Job> Jobs() => [FlightDelays.Pipeline(), Store.Pipeline(), Churn.Pipeline()];

    static Task<int> Main(string[] args) => SparkWorker.IsWorker(args) ? SparkWorker.RunAsync(args, new Functions()) : BatchMlApplication.Create(Jobs).RunAsync(args);

    sealed class Functions : IWorkerFunctions
    {
        readonly NamedFunctions own = new(new Dictionary<string, WorkerFunction> { [ConformanceFunction.Name] = ConformanceFunction.RunAsync });
        readonly IWorkerFunctions jobs = new JobFunctions(Jobs, BatchMlApplication.Create(Jobs).TaskEnvironment).All;

        public WorkerFunction Find(ReadOnlyMemory<byte> command) => command.Span.SequenceEqual(NamedFunctions.Command(ConformanceFunction.Name)) ? own.Find(command) : jobs.Find(command);
    }
}
