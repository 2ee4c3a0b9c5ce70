using System.Diagnostics;
using System.Text;

namespace BatchMl.Packages.Tests;

/// <summary>The command line of .NET as a user has it, except that nothing of it stays: neither packages nor templates nor servers.</summary>
static class Dotnet
{
    /// <summary>Runs a command.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="environment">What is set besides.</param>
    /// <param name="args">The command.</param>
    public static Task<Result> RunAsync(string folder, IReadOnlyDictionary<string, string> environment, params string[] args) => StartAsync("dotnet", folder, environment, args);

    /// <summary>Runs a program.</summary>
    public static async Task<Result> StartAsync(string program, string folder, IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // What the build that runs this test says to its own processes is not for those.
        foreach (var name in start.Environment.Keys.Where(n => n.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || n.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)).ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["DOTNET_NOLOGO"] = "1", ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_CLI_UI_LANGUAGE"] = "en", ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false",
        }.Concat(environment)) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (said, cancel) = (new StringBuilder(), TestContext.Current.CancellationToken);
        void Append(object sender, DataReceivedEventArgs e)
        {
            lock (said) said.AppendLine(e.Data);
        }
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return new Result($"{program} {string.Join(' ', args)}", process.ExitCode, said.ToString());
    }
}

/// <summary>What a command said.</summary>
sealed record Result(string Command, int Code, string Said)
{
    /// <summary>It, unless it failed.</summary>
    public Result Succeeded()
    {
        Assert.True(Code == 0, $"{Command} ended with {Code}:\n{Said}");
        return this;
    }
}
