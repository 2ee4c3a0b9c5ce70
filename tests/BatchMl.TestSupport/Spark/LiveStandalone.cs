using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace BatchMl.TestSupport.Spark;

/// <summary>A standalone cluster of a real Spark on this machine: a master and workers, each a process of its own. Skipped as <see cref="LiveSpark"/> is.</summary>
public sealed partial class LiveStandalone : IDisposable
{
    static readonly TimeSpan startLimit = TimeSpan.FromMinutes(2);

    readonly TestFolder folder = new();
    readonly List<Process> processes = [];
    readonly StringBuilder log = new();

    LiveStandalone(string home, int workers, int cores, string memory)
    {
        Url = Start(home, MasterStarted(), "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0");
        for (var i = 0; i < workers; i++)
        {
            Start(
                home, Registered(), "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", cores.ToString(CultureInfo.InvariantCulture), "--memory", memory,
                "--webui-port", "0", "--work-dir", folder.At($"worker-{i}"), Url);
        }
    }

    /// <summary>The master, <c>spark://127.0.0.1:port</c>.</summary>
    public string Url { get; }

    /// <summary>Process numbers of the workers; executors are below them.</summary>
    public IReadOnlyList<int> Workers => [.. processes.Skip(1).Select(p => p.Id)];

    /// <summary>Starts a cluster and waits until all workers belong to it.</summary>
    /// <param name="version">As for <see cref="LiveSpark.Start"/>.</param>
    /// <param name="workers">How many workers.</param>
    /// <param name="cores">Cores of each.</param>
    /// <param name="memory">Memory that executors of each may have.</param>
    public static LiveStandalone Start(string version, int workers, int cores = 1, string memory = "1g") => new(LiveSpark.HomeOf(version), workers, cores, memory);

    string Start(string home, Regex started, params string[] args)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Read(string? line)
        {
            if (line is null) return;
            lock (log) log.AppendLine(line);
            if (started.Match(line) is { Success: true } match) found.TrySetResult(match.Value);
        }

        var start = new ProcessStartInfo(Path.Combine(home, "bin", "spark-class"), args)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Directory.CreateDirectory(folder.At($"process-{processes.Count}")).FullName,
            Environment = { ["SPARK_HOME"] = home, ["SPARK_LOCAL_IP"] = "127.0.0.1", ["SPARK_DAEMON_MEMORY"] = "256m", ["SPARK_MASTER_OPTS"] = "-Dspark.master.rest.enabled=false" },
        };
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.Exited += (_, _) => found.TrySetException(new InvalidOperationException("The process ended."));
        process.Start();
        processes.Add(process);
        AppDomain.CurrentDomain.ProcessExit += Kill;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            if (found.Task.Wait(startLimit)) return found.Task.Result;
        }
        catch (AggregateException)
        {
            // What it said tells why.
        }
        Dispose();
        Assert.Fail($"{args[0]} did not start: {log}");
        return "";
    }

    void Kill(object? sender, EventArgs e)
    {
        foreach (var process in processes.Where(p => !p.HasExited)) process.Kill(entireProcessTree: true);
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        foreach (var process in processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        folder.Dispose();
    }

    [GeneratedRegex(@"spark://127\.0\.0\.1:\d+(?=\s*$)")]
    private static partial Regex MasterStarted();

    [GeneratedRegex("Successfully registered with master")]
    private static partial Regex Registered();
}
