using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Runs;
using BatchMl.Spark.Engine;
using BatchMl.Spark.Worker;

namespace BatchMl.Benchmarks.Spark;

/// <summary>What this program does as a worker of the Spark lines.</summary>
static class SparkFunctions
{
    /// <summary>A function that takes all rows and gives none.</summary>
    public const string SinkName = "sink";

    public static IWorkerFunctions All(Func<string, IReadOnlyDictionary<string, string?>, JobEnvironment> environment) => new WithSink(new JobFunctions(() => [ScoredFlights.Job], environment).All);

    sealed class WithSink(IWorkerFunctions jobs) : IWorkerFunctions
    {
        public WorkerFunction Find(ReadOnlyMemory<byte> command) => command.Span.SequenceEqual(NamedFunctions.Command(SinkName)) ? SinkAsync : jobs.Find(command);
    }

    static async IAsyncEnumerable<RecordBatch> SinkAsync(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel)) batch.Dispose();
        yield break;
    }
}
