using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>The worker as Spark starts it, arguments, environment, standard streams and sockets included, but in this process, so that tests can give it functions and time.</summary>
sealed class InProcessWorker : IAsyncDisposable
{
    public const string Secret = "a-secret-of-the-tests";

    readonly Pipe input = new();
    readonly Pipe output = new();
    readonly CancellationTokenSource stop = new();

    InProcessWorker(WorkerEnvironment environment, IWorkerFunctions functions, TimeProvider clock)
    {
        Shared = new SharedValues(clock, TimeSpan.FromSeconds(30));
        Ended = Task.Run(() => SparkWorker.RunAsync(new WorkerContext(environment, functions, Shared, clock, new WorkerLog(TextWriter.Synchronized(Log))), input.Reader.AsStream(), output.Writer.AsStream(), stop));
    }

    public StringWriter Log { get; } = new();

    public SharedValues Shared { get; }

    /// <summary>Completes when the worker has ended by itself.</summary>
    public Task Ended { get; }

    public int Port { get; private set; }

    public PipeWriter StandardInput => input.Writer;

    public static async Task<InProcessWorker> StartAsync(WorkerFunction function, IReadOnlyDictionary<string, string>? environment = null, string[]? args = null, TimeProvider? clock = null)
    {
        var variables = new Dictionary<string, string> { ["PYTHON_WORKER_FACTORY_SECRET"] = Secret, ["SPARK_REUSE_WORKER"] = "1" };
        foreach (var (name, value) in environment ?? variables) variables[name] = value;
        if (environment is not null && !environment.ContainsKey("SPARK_REUSE_WORKER")) variables.Remove("SPARK_REUSE_WORKER");
        args ??= ["-m", "pyspark.daemon", "pyspark.worker"];
        Assert.True(SparkWorker.IsWorker(args));
        var worker = new InProcessWorker(WorkerEnvironment.Read(args, variables.GetValueOrDefault), new OneFunction(function), clock ?? TimeProvider.System);
        if (args[1].EndsWith("daemon", StringComparison.Ordinal))
        {
            var port = new byte[4];
            await worker.output.Reader.AsStream().ReadExactlyAsync(port, Deadline());
            worker.Port = BinaryPrimitives.ReadInt32BigEndian(port);
        }
        return worker;
    }

    /// <summary>A connection on which nothing was said yet.</summary>
    public JvmSide Connect()
    {
        var client = new TcpClient { NoDelay = true };
        client.Connect(IPAddress.Loopback, Port);
        return new JvmSide(client);
    }

    /// <summary>Half a minute from now: only ever reached by a worker that hangs.</summary>
    public static CancellationToken Deadline() => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    public async ValueTask DisposeAsync()
    {
        await input.Writer.CompleteAsync();
        await Ended.WaitAsync(Deadline());
        await Shared.DisposeAsync();
        stop.Dispose();
    }

    sealed class OneFunction(WorkerFunction function) : IWorkerFunctions
    {
        public WorkerFunction Find(ReadOnlyMemory<byte> command) => function;
    }
}
