using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace BatchMl.TestSupport.Spark;

/// <summary>
/// A Spark Connect server of a real Spark, in a scratch folder of its own. Only one runs at a time on a small machine: tests share it through the collections of their assembly. Where <c>shared/spark</c> or Java is
/// missing, the test is skipped with the reason.
/// </summary>
public sealed partial class LiveSpark : IDisposable
{
    static readonly TimeSpan startLimit = TimeSpan.FromMinutes(2);

    readonly TestFolder folder = new();
    readonly Process process;
    readonly StringBuilder log = new();
    readonly TaskCompletionSource<int> port = new(TaskCreationOptions.RunContinuationsAsynchronously);

    LiveSpark(string version, string home, string master, IReadOnlyDictionary<string, string>? confs, IReadOnlyDictionary<string, string>? environment)
    {
        (Version, Home) = (version, home);
        Directory.CreateDirectory(Folder);
        var all = new Dictionary<string, string>
        {
            ["spark.connect.grpc.binding.port"] = "0",
            ["spark.driver.host"] = "127.0.0.1",
            ["spark.ui.enabled"] = "false",
            ["spark.local.dir"] = folder.At("local"),
            ["spark.sql.warehouse.dir"] = folder.At("warehouse"),
            ["spark.sql.shuffle.partitions"] = "4",
        };
        foreach (var (key, value) in confs ?? new Dictionary<string, string>()) all[key] = value;
        var start = new ProcessStartInfo(Path.Combine(home, "bin", "spark-submit"),
        [
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", master, "--driver-memory", "1g", "--name", "batchml-tests",
            .. all.SelectMany(c => new[] { "--conf", $"{c.Key}={c.Value}" }),
            "--driver-java-options", $"-Dlog4j2.configurationFile=file:{home}/conf/log4j2-quiet.properties -Djava.io.tmpdir={folder.At("tmp")}", "spark-internal",
        ])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["SPARK_HOME"] = home, ["SPARK_LOCAL_IP"] = "127.0.0.1" },
        };
        Directory.CreateDirectory(folder.At("tmp"));
        foreach (var (key, value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.Exited += (_, _) => port.TrySetException(new InvalidOperationException("The server ended."));
        process.Start();
        AppDomain.CurrentDomain.ProcessExit += Kill;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>For example 4.1.</summary>
    public string Version { get; }

    /// <summary>Its SPARK_HOME.</summary>
    public string Home { get; }

    /// <summary>The connection string, <c>sc://127.0.0.1:port</c>.</summary>
    public string Remote => $"sc://127.0.0.1:{port.Task.Result}";

    /// <summary>Process number of the server, a JVM; with a local master also the executor.</summary>
    public int ProcessId => process.Id;

    /// <summary>What the server, and in local mode our worker under it, has said so far.</summary>
    public string Log
    {
        get
        {
            lock (log) return log.ToString();
        }
    }

    /// <summary>The server's working folder: scratch for a test too. Removed at the end.</summary>
    public string Folder => folder.At("work");

    /// <summary>Starts a server and waits until it answers.</summary>
    /// <param name="version">3.5, 4.1 or 4.3.</param>
    /// <param name="master">Spark's master.</param>
    /// <param name="confs">Confs besides those above.</param>
    /// <param name="environment">Variables of the server's process.</param>
    public static LiveSpark Start(string version, string master = "local[2]", IReadOnlyDictionary<string, string>? confs = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var server = new LiveSpark(version, HomeOf(version), master, confs, environment);
        try
        {
            if (!server.port.Task.Wait(startLimit)) Assert.Fail($"Spark {version} did not start within {startLimit}: {server.Log}");
        }
        catch (AggregateException)
        {
            server.Dispose();
            Assert.Fail($"Spark {version} did not start: {server.Log}");
        }
        return server;
    }

    /// <summary>The SPARK_HOME of a version, unpacked when it is first asked for.</summary>
    public static string HomeOf(string version)
    {
        var install = Path.Combine(Shared.Path("spark"), "install.sh");
        var java = Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home ? [Path.Combine(home, "bin")] : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        Shared.RequireOrSkip(java.Any(f => File.Exists(Path.Combine(f, "java"))), "There is no java on the PATH; Spark needs Java 17.");
        using var process = Process.Start(new ProcessStartInfo(install, ["--home", version]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var path = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && Directory.Exists(path), $"install.sh --home {version} ended with {process.ExitCode}: {errors.Result}");
        return path;
    }

    /// <summary>Stops the server and waits for its end; it can be called twice.</summary>
    public void Stop()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        if (process.HasExited) return;
        // SIGTERM: what it started is told to end too.
        using (var kill = Process.Start("kill", process.Id.ToString(CultureInfo.InvariantCulture))) kill.WaitForExit();
        if (!process.WaitForExit(TimeSpan.FromSeconds(20))) process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    public void Dispose()
    {
        Stop();
        process.Dispose();
        folder.Dispose();
    }

    void Kill(object? sender, EventArgs e)
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
    }

    void Read(string? line)
    {
        if (line is null) return;
        lock (log) log.AppendLine(line);
        if (Started().Match(line) is { Success: true } match) port.TrySetResult(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"Spark Connect server started at: .*:(\d+)\s*$")]
    private static partial Regex Started();
}
