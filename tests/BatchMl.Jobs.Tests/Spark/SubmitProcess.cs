using System.Diagnostics;
using System.Globalization;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>
/// <c>spark-submit.sh</c> as a user starts it, by default with a Spark and a driver that are scripts: they write down how they were started, and do what a test wants. Everything that it starts has the folder of the test in its
/// environment, by which what is left over is found.
/// </summary>
sealed class SubmitProcess : IDisposable
{
    /// <summary>What a server of 4.x says; it serves until it is stopped.</summary>
    public const string Serves = "echo '12:00:00 INFO SparkConnectServer: Spark Connect server started at: [::]:40123'; exec sleep 600";

    readonly Process process;
    readonly Task<string> output, error;

    SubmitProcess(Process process) => (this.process, output, error) = (process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());

    public int Id => process.Id;

    public string Output => output.Result;

    public string Error => error.Result;

    public static string Script { get; } = Path.Combine(Shared.RepositoryRoot, "spark-submit.sh");

    /// <summary>The program beside the tests.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "BatchMl.Jobs");

    /// <summary>Starts it in a folder, with the scripts as Spark and driver.</summary>
    /// <param name="folder">The test's folder.</param>
    /// <param name="server">What Spark does, in bash; <c>$FAKE</c> is the folder of what is written down.</param>
    /// <param name="driver">What the driver does, in bash.</param>
    /// <param name="args">Arguments of the script.</param>
    public static SubmitProcess Fake(TestFolder folder, string server, string driver, params string[] args)
    {
        WriteScript(folder.At("home", "bin", "spark-submit"), $"printf '%s\\0' \"$@\" > \"$FAKE/submitted\"; pwd > \"$FAKE/server-folder\"; printf %s \"$SPARK_CONNECT_AUTHENTICATE_TOKEN\" > \"$FAKE/token\"; echo $$ > \"$FAKE/server-pid\"\n{server}\n");
        WriteScript(folder.At("driver"), $"printf '%s\\0' \"$@\" > \"$FAKE/driven\"; printf %s \"$BATCHML_Spark__Remote\" > \"$FAKE/remote\"; printf %s \"$BATCHML_Spark__Ship\" > \"$FAKE/ship\"; echo $$ > \"$FAKE/driver-pid\"\n{driver}\n");
        return Start(folder, new Dictionary<string, string> { ["SPARK_HOME"] = folder.At("home"), ["BATCHML_PROGRAM"] = folder.At("driver") }, args);
    }

    /// <summary>Starts it in a folder.</summary>
    public static SubmitProcess Start(TestFolder folder, IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        Directory.CreateDirectory(folder.At("tmp"));
        Directory.CreateDirectory(folder.At("user's folder"));
        var start = new ProcessStartInfo(Script, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.At("user's folder") };
        foreach (var name in new[] { "SPARK_HOME", "SPARK_REMOTE", "BATCHML_Spark__Remote", "BATCHML_Spark__Ship" }) start.Environment.Remove(name);
        start.Environment["TMPDIR"] = folder.At("tmp");
        start.Environment["FAKE"] = folder.Path;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new SubmitProcess(Process.Start(start)!);
    }

    static void WriteScript(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "#!/usr/bin/env bash\n" + text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    /// <summary>Waits until a script wrote a file down, and returns what is in it.</summary>
    public async Task<string> WrittenAsync(TestFolder folder, string name)
    {
        while (!process.HasExited && !(File.Exists(folder.At(name)) && File.ReadAllText(folder.At(name)).EndsWith('\n'))) await Task.Delay(20, TestContext.Current.CancellationToken);
        if (process.HasExited) Assert.Fail($"It ended before '{name}' was written: {Output}{Error}");
        return File.ReadAllText(folder.At(name)).TrimEnd('\n');
    }

    public static void Signal(string signal, string id)
    {
        using var kill = Process.Start("kill", [$"-{signal}", id]);
        kill.WaitForExit();
    }

    public void Signal(string signal) => Signal(signal, Id.ToString(CultureInfo.InvariantCulture));

    /// <summary>The processes that it started, it itself among them, that are still there.</summary>
    public static IReadOnlyList<string> Left(TestFolder folder) =>
        [.. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(id => int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _) && Has(id!, folder.Path)).Select(id => $"{id} {Read(id!, "cmdline")}")];

    static bool Has(string id, string text) => Read(id, "environ").Contains(text, StringComparison.Ordinal);

    // Empty for one that has ended, which its parent has not asked about yet.
    static string Read(string id, string what)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{what}").Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>Holds that nothing is left: no process and no file of the server's.</summary>
    public static void AssertNothingLeft(TestFolder folder)
    {
        Assert.Empty(Left(folder));
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("tmp")));
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
