using System.Diagnostics;
using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.LightGbm;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>Peak resident memory of a scoring job as its table grows, each size in a process of its own. There are always ten partitions, so they grow too.</summary>
sealed class PeakMemory : Benchmark
{
    public override string Name => "memory";

    public override string What => "peak memory of scoring 1 M, 5 M, 20 M and 100 M rows of 8 features (LightGBM, 20 trees) in 10 partitions";

    public override string Target => "100 M at most 1.2x of 5 M, under 1.5 GiB";

    public override bool IsLong => true;

    public override async Task<Outcome> RunAsync(string folder)
    {
        var workload = Workload(folder);
        await workload.TrainAsync();
        var peaks = new List<(long Millions, double Bytes, double Seconds)>();
        foreach (var millions in (long[])[1, 5, 20, 100])
        {
            workload.WriteTable(millions * 1_000_000);
            var started = Stopwatch.GetTimestamp();
            peaks.Add((millions, OwnProcess.Peak("--score", folder), Stopwatch.GetElapsedTime(started).TotalSeconds));
        }
        var ratio = peaks[3].Bytes / peaks[1].Bytes;
        return new Outcome(
            string.Join(", ", peaks.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Millions} M: {p.Bytes / (1 << 20):N0} MiB"))), "", Paired.Times(ratio), ratio <= 1.2 && peaks[3].Bytes < 1.5 * (1L << 30),
            string.Create(CultureInfo.InvariantCulture, $"100 M rows in {peaks[3].Seconds:0} s, {100_000 / peaks[3].Seconds:N0} k rows/s from the start of the process to its end"));
    }

    /// <summary>What the process of one size does.</summary>
    public static Task ScoreAsync(string folder)
    {
        var workload = Workload(folder);
        return workload.RunAsync(workload.Score, force: true);
    }

    static ScoringWorkload Workload(string folder) => ScoringWorkload.Narrow(folder, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 }));
}
