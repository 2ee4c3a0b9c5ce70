using System.Diagnostics;
using System.Text;

namespace BatchMl.Jobs.Tests;

/// <summary>The jobs program as a process of its own, as a user starts it.</summary>
sealed class JobsProcess : IDisposable
{
    readonly Process process;
    readonly StringBuilder output = new(), error = new();

    JobsProcess(IEnumerable<string> args, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "BatchMl.Jobs.dll"));
        foreach (var arg in args) start.ArgumentList.Add(arg);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) => Append(output, e.Data);
        process.ErrorDataReceived += (_, e) => Append(error, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    static void Append(StringBuilder text, string? line)
    {
        lock (text) text.AppendLine(line);
    }

    public string Output { get { lock (output) return output.ToString(); } }

    public string Error { get { lock (error) return error.ToString(); } }

    public static JobsProcess Start(params string[] args) => new(args);

    public static Task<JobsProcess> RunAsync(params string[] args) => RunAsync(new Dictionary<string, string>(), args);

    public static async Task<JobsProcess> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var run = new JobsProcess(args, environment);
        await run.process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return run;
    }

    public int ExitCode => process.ExitCode;

    public bool HasExited => process.HasExited;

    public Task WaitAsync() => process.WaitForExitAsync(TestContext.Current.CancellationToken);

    /// <summary>kill -9.</summary>
    public void Kill() => process.Kill();

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
