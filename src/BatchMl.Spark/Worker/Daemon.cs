using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace BatchMl.Spark.Worker;

/// <summary>Accepts a connection per task slot of the executor and serves all of them in this one process, so that tasks share what is loaded. Ends when nobody has been connected for a while; Spark starts it again on demand.</summary>
sealed class Daemon(WorkerContext context)
{
    readonly Lock gate = new();
    readonly HashSet<Task> live = [];

    /// <summary>Listens, tells the port, and serves until it is stopped or idle.</summary>
    internal async Task RunAsync(Stream output, CancellationToken stop)
    {
        var address = context.Environment.PrefersIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen(1024);
        using var idle = context.Clock.CreateTimer(_ => CloseIfIdle(listener), null, WorkerContext.DaemonIdle, WorkerContext.DaemonIdle);
        await TellPortAsync(output, ((IPEndPoint)listener.LocalEndPoint!).Port, stop);
        while (await AcceptAsync(listener, stop) is { } socket) Serve(socket, idle, stop);
        await Task.WhenAll(Live());
    }

    static async Task TellPortAsync(Stream output, int port, CancellationToken stop)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, port);
        await output.WriteAsync(bytes, stop);
        await output.FlushAsync(stop);
    }

    // Null when no more are taken.
    static async Task<Socket?> AcceptAsync(Socket listener, CancellationToken stop)
    {
        try
        {
            return await listener.AcceptAsync(stop);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || e is SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            return null;
        }
    }

    void Serve(Socket socket, ITimer idle, CancellationToken stop)
    {
        // On another thread at once: the JVM holds a lock until it knows the process id.
        var serving = Task.Run(async () =>
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await new Connection(stream, context).AcceptedAsync(stop);
        }, CancellationToken.None);
        lock (gate) live.Add(serving);
        serving.ContinueWith(done =>
        {
            if (done.Exception is { } e) context.Log.Write($"a connection ended with a defect of the worker: {e.InnerException}");
            lock (gate) live.Remove(done);
            idle.Change(WorkerContext.DaemonIdle, WorkerContext.DaemonIdle);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    void CloseIfIdle(Socket listener)
    {
        // First stop to listen: whoever comes then is refused, and Spark starts a new daemon; a connection that was accepted and dropped would fail its task.
        try
        {
            if (Live().Length > 0 || listener.Poll(0, SelectMode.SelectRead)) return;
        }
        catch (ObjectDisposedException)
        {
            return;
        }
        context.Log.Write("no connections, ends");
        listener.Close();
    }

    Task[] Live()
    {
        lock (gate) return [.. live];
    }
}
