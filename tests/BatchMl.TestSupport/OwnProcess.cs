using System.Diagnostics;
using Xunit;

namespace BatchMl.TestSupport;

/// <summary>Runs the body of a test in a process of its own, so that a crash of native code is one failed test and not the end of all.</summary>
public static class OwnProcess
{
    const string Marker = "BATCHML_OWN_PROCESS";

    /// <summary>Starts this assembly again for the current test alone, where the body runs; fails with its output if it does not end well within the time.</summary>
    public static void Run(TimeSpan limit, Action body)
    {
        if (Environment.GetEnvironmentVariable(Marker) == "1")
        {
            body();
            return;
        }
        var test = TestContext.Current.TestMethod ?? throw new InvalidOperationException("There is no current test.");
        var assembly = TestContext.Current.TestAssembly!.AssemblyPath;
        var start = new ProcessStartInfo("dotnet", ["exec", assembly, "-method", $"{TestContext.Current.TestClass!.TestClassName}.{test.MethodName}", "-noLogo", "-noColor"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Marker] = "1" },
        };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The test did not end within {limit}; it said: {output.Result}");
        }
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Result.Contains("Total: 1", StringComparison.Ordinal), $"The test's own process ended with {process.ExitCode}: {output.Result}{errors.Result}");
    }
}
