using BatchMl.Benchmarks.Harness;

namespace BatchMl.Benchmarks.Ledger;

/// <summary>A run that finds nothing to do.</summary>
sealed class Rerun : Benchmark
{
    public override string Name => "rerun";

    public override string What => "rerun without changes, 10,000 partitions";

    public override string Target => "under 3 s";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var tiny = new TinyPartitions(folder, 10_000);
        await tiny.TrainAsync();
        await tiny.RunAsync(tiny.Score);
        List<Seconds> reruns = [];
        for (var round = 0; round < 3; round++)
        {
            reruns.Add(await Seconds.OfAsync(async () =>
            {
                var summary = await tiny.RunAsync(tiny.Score);
                if (summary.Steps[0].Skipped != 10_000) throw new InvalidOperationException($"{summary.Steps[0].Skipped} partitions were up to date.");
            }));
        }
        var median = Seconds.Median(reruns);
        return new Outcome(median.ToString(), "", median.ToString(), median.Wall < 3);
    }
}
