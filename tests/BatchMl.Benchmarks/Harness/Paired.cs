using System.Diagnostics;
using System.Globalization;

namespace BatchMl.Benchmarks.Harness;

/// <summary>Seconds by the clock and of the processor, all threads together.</summary>
readonly record struct Seconds(double Wall, double Cpu)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Wall:0.000} s ({Cpu:0.00} CPU)");

    /// <summary>Runs once and takes the time.</summary>
    public static Seconds Of(Action work)
    {
        // What others left behind is not to be collected on this one's time.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        work();
        var wall = Stopwatch.GetElapsedTime(started);
        process.Refresh();
        return new Seconds(wall.TotalSeconds, (process.TotalProcessorTime - cpu).TotalSeconds);
    }

    public static async Task<Seconds> OfAsync(Func<Task> work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var process = Process.GetCurrentProcess();
        var cpu = process.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        await work();
        var wall = Stopwatch.GetElapsedTime(started);
        process.Refresh();
        return new Seconds(wall.TotalSeconds, (process.TotalProcessorTime - cpu).TotalSeconds);
    }

    public static Seconds Median(IEnumerable<Seconds> all)
    {
        var list = all.ToArray();
        return new Seconds(Of(list.Select(s => s.Wall)), Of(list.Select(s => s.Cpu)));

        static double Of(IEnumerable<double> values)
        {
            double[] sorted = [.. values.Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }
}

/// <summary>
/// Two things timed in turns, so that what else the machine does falls on both: one round of each unmeasured, then so many of each; medians, and the median of the rounds' ratios.
/// </summary>
sealed record Paired(Seconds Ours, Seconds Peer, double Ratio, double CpuRatio)
{
    public static Paired Run(int rounds, Action ours, Action peer)
    {
        ours();
        peer();
        List<Seconds> mine = [], theirs = [];
        for (var i = 0; i < rounds; i++)
        {
            mine.Add(Seconds.Of(ours));
            theirs.Add(Seconds.Of(peer));
        }
        var ratios = mine.Zip(theirs, (a, b) => new Seconds(a.Wall / b.Wall, a.Cpu / b.Cpu));
        var ratio = Seconds.Median(ratios);
        return new Paired(Seconds.Median(mine), Seconds.Median(theirs), ratio.Wall, ratio.Cpu);
    }

    /// <summary>The outcome where at most <paramref name="most"/> times the peer's time is asked for.</summary>
    public Outcome AtMost(double most, string notes = "") => new(Ours.ToString(), Peer.ToString(), Times(Ratio), Ratio <= most, notes);

    public static string Times(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00}x");
}
