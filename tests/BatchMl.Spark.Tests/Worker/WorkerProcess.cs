using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>The jobs program as Spark's executor starts it: a process with its arguments, environment and pipes.</summary>
sealed class WorkerProcess : IDisposable
{
    readonly Process process;
    readonly Task<string> errors;

    public WorkerProcess(string[] args, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Program, args) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHON_WORKER_FACTORY_SECRET"] = InProcessWorker.Secret;
        start.Environment["SPARK_REUSE_WORKER"] = "1";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        process = Process.Start(start)!;
        errors = process.StandardError.ReadToEndAsync();
    }

    public static string Program => Path.Combine(AppContext.BaseDirectory, "BatchMl.Jobs");

    public int Id => process.Id;

    public Stream Output => process.StandardOutput.BaseStream;

    public Stream Input => process.StandardInput.BaseStream;

    /// <summary>The very first bytes on standard output.</summary>
    public async Task<int> PortAsync()
    {
        var bytes = new byte[4];
        await Output.ReadExactlyAsync(bytes, InProcessWorker.Deadline());
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }

    public async Task<JvmSide> ConnectAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, await PortAsync(), InProcessWorker.Deadline());
        return new JvmSide(client);
    }

    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{Id}"]);
        kill.WaitForExit();
    }

    public async Task<(int ExitCode, string Error)> EndedAsync()
    {
        await process.WaitForExitAsync(InProcessWorker.Deadline());
        return (process.ExitCode, await errors);
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
