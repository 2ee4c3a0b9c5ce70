using System.Diagnostics;
using System.Globalization;

namespace BatchMl.Benchmarks.Harness;

/// <summary>Parts of a line that need a process of their own.</summary>
static class OwnProcess
{
    /// <summary>Runs this program and returns the bytes of memory that it had resident at most.</summary>
    public static double Peak(params string[] args) => double.Parse(Output(args), CultureInfo.InvariantCulture);

    /// <summary>Runs this program and returns what it tells.</summary>
    public static string Output(params string[] args)
    {
        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, args) { RedirectStandardOutput = true })!;
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', args)} ended with {child.ExitCode}.");
        return output;
    }

    /// <summary>Begins to measure this process's own peak anew.</summary>
    public static void ResetPeak()
    {
        GC.Collect();
        // proc(5): 5 resets the peak resident set size to the current one.
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>This process's peak of resident memory, MiB.</summary>
    public static double PeakMebibytes() => PeakBytes() / 1048576.0;

    /// <summary>Tells the process that waits.</summary>
    public static void TellPeak() => Console.Write(PeakBytes());

    static long PeakBytes()
    {
        // proc(5): VmHWM, "peak resident set size", in KiB.
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 9).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
