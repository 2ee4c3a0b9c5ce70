using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace BatchMl.Spark.Worker;

/// <summary>
/// This program in the place of the Python that Spark's executors start: the protocol of Spark 3.5 to 4.3 between an executor and its Python worker, with mapInArrow functions. Set
/// <c>spark.sql.execution.pyspark.python</c> to the program.
/// </summary>
public static class SparkWorker
{
    /// <summary>How long tasks have to clean up when the executor is gone.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Whether Spark started the program: <c>-m pyspark.daemon [pyspark.worker]</c> or <c>-m pyspark.worker</c>, or a question about the interpreter in a worker's environment.</summary>
    /// <param name="args">The program's arguments.</param>
    public static bool IsWorker(IReadOnlyList<string> args) => WorkerEnvironment.IsWorker(args) || WorkerEnvironment.IsQuestion(args, Environment.GetEnvironmentVariable);

    /// <summary>
    /// Serves Spark until it closes the program's standard input, terminates it, or has not been connected for two minutes. To be called before anything of the program writes to standard output: its first bytes are
    /// the port, and what others print goes to the error stream from here on.
    /// </summary>
    /// <param name="args">The program's arguments, for which <see cref="IsWorker"/> holds.</param>
    /// <param name="functions">What tasks can be asked to do.</param>
    /// <param name="clock">"Now"; by default the system's.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>0, or 1 if Spark asks for what is not offered; the reason is then on the error stream.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, IWorkerFunctions functions, TimeProvider? clock = null, CancellationToken cancel = default)
    {
        clock ??= TimeProvider.System;
        var output = Console.OpenStandardOutput();
        if (!WorkerEnvironment.IsWorker(args))
        {
            Console.Out.WriteLine($"BatchMl {typeof(SparkWorker).Assembly.GetName().Version} on .NET {Environment.Version}, in the place of Python");
            return 0;
        }
        Console.SetOut(Console.Error);
        var log = new WorkerLog(Console.Error);
        var environment = WorkerEnvironment.Read(args, Environment.GetEnvironmentVariable);
        if (environment.Refusal is { } refusal)
        {
            log.Write(refusal);
            return 1;
        }
        // Functions may keep threads busy for long; what reads and writes for them must not wait until the pool believes that it is starved.
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, 4 * Environment.ProcessorCount + 8), ports);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        await using var shared = new SharedValues(clock, WorkerContext.SharedIdle);
        await RunAsync(new WorkerContext(environment, functions, shared, clock, log), Console.OpenStandardInput(), output, stop);
        return 0;
    }

    /// <summary>The same over given streams, which tests use.</summary>
    internal static async Task RunAsync(WorkerContext context, Stream input, Stream output, CancellationTokenSource stop)
    {
        if (context.Environment.IsDaemon) StopAtEnd(input, stop);
        var serving = context.Environment.IsDaemon ? new Daemon(context).RunAsync(output, stop.Token) : ConnectAsync(context, stop.Token);
        var stopped = new TaskCompletionSource();
        await using var registration = stop.Token.Register(stopped.SetResult);
        // Whoever does not heed the cancellation is left behind: the process ends.
        if (await Task.WhenAny(serving, stopped.Task) != serving) await Task.WhenAny(serving, Task.Delay(Grace, context.Clock));
        if (serving.IsFaulted) await serving;
    }

    // What arrives are requests to kill one worker by its process id. Ours is that of all, so they are ignored: Spark also closes the connection, which does the same. The end means that the executor is gone.
    static void StopAtEnd(Stream input, CancellationTokenSource stop) => new Thread(() =>
    {
        var bytes = new byte[64];
        try
        {
            while (input.Read(bytes) > 0)
            {
            }
        }
        catch (IOException)
        {
            // As good as its end.
        }
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It had ended already.
        }
    }) { IsBackground = true, Name = "standard input" }.Start();

    static async Task ConnectAsync(WorkerContext context, CancellationToken stop)
    {
        var address = context.Environment.PrefersIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, context.Environment.Port, stop);
        await using var stream = new NetworkStream(socket);
        await new Connection(stream, context).OpenedAsync(stop);
    }
}
