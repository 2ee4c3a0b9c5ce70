using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace BatchMl.Jobs.Tests;

/// <summary>The jobs program as a process of its own, as a user starts it.</summary>
sealed class JobsProcess : IDisposable
{
    readonly Process process;
    readonly StringBuilder output = new(), error = new();
    readonly long started = TimeProvider.System.GetTimestamp();
    readonly List<(TimeSpan At, string Line)> progress = [];

    JobsProcess(string program, IEnumerable<string> args, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) => Append(output, e.Data);
        process.ErrorDataReceived += (_, e) =>
        {
            Append(error, e.Data);
            lock (progress) progress.Add((TimeProvider.System.GetElapsedTime(started), e.Data ?? ""));
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    static void Append(StringBuilder text, string? line)
    {
        lock (text) text.AppendLine(line);
    }

    public string Output { get { lock (output) return output.ToString(); } }

    public string Error { get { lock (error) return error.ToString(); } }

    /// <summary>How long after its start the process first wrote a line with this in it to its error stream; null: it has not.</summary>
    public TimeSpan? When(string text)
    {
        lock (progress) return progress.Where(p => p.Line.Contains(text, StringComparison.Ordinal)).Select(p => (TimeSpan?)p.At).FirstOrDefault();
    }

    /// <summary>How long ago it was started.</summary>
    public TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(started);

    /// <summary>The jobs program as Spark's executors start it.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "BatchMl.Jobs");

    public static JobsProcess Start(params string[] args) => new("BatchMl.Jobs.dll", args);

    /// <summary>The jobs program that stops itself (SIGSTOP) when it first reaches a point, as its own <c>Program.cs</c> says.</summary>
    public static JobsProcess StartStopping(string point, params string[] args) => new("BatchMl.StoppingJobs.dll", [point, .. args]);

    public static Task<JobsProcess> RunAsync(params string[] args) => RunAsync(new Dictionary<string, string>(), args);

    public static async Task<JobsProcess> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var run = new JobsProcess("BatchMl.Jobs.dll", args, environment);
        await run.process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return run;
    }

    public int Id => process.Id;

    public int ExitCode => process.ExitCode;

    public bool HasExited => process.HasExited;

    public Task WaitAsync() => process.WaitForExitAsync(TestContext.Current.CancellationToken);

    /// <summary>Asks it to end, as a service is stopped (SIGTERM).</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", [Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>kill -9.</summary>
    public void Kill() => process.Kill();

    /// <summary>Whether the process is stopped (state T of proc(5)).</summary>
    public bool IsStopped => File.ReadAllText($"/proc/{Id.ToString(CultureInfo.InvariantCulture)}/stat") is var stat && stat[stat.LastIndexOf(')') + 2] == 'T';

    /// <summary>Waits until the process stopped itself.</summary>
    public async Task StoppedAsync()
    {
        while (!HasExited && !IsStopped) await Task.Delay(20);
        Assert.False(HasExited, $"The process ended without reaching its point: {Output}{Error}");
    }

    /// <summary>Lets a stopped process go on (SIGCONT).</summary>
    public void Wake()
    {
        using var kill = Process.Start("kill", ["-CONT", Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
