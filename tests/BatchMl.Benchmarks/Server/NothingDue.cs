using System.Globalization;
using BatchMl.Benchmarks.Harness;

namespace BatchMl.Benchmarks.Server;

/// <summary>What a cron job costs every minute in which there is nothing to do.</summary>
sealed class NothingDue : Benchmark
{
    public override string Name => "due";

    public override string What => "the published program, `run flight-delays --due` with nothing to do (92 partitions, a training set and a model are looked at), start to end";

    public override string Target => "under 2 s";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var jobs = PublishedJobs.Make(folder);
        void Due() => PublishedJobs.Run(jobs.Program, "run", "flight-delays", "--due", "--workspace", jobs.Workspace);
        Due();
        List<Seconds> runs = [];
        for (var i = 0; i < 5; i++) runs.Add(Seconds.Of(Due));
        var median = Seconds.Median(runs).Wall;
        return await Task.FromResult(new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{median:0.00} s"), "", string.Create(CultureInfo.InvariantCulture, $"{median:0.00} s"), median < 2,
            string.Create(CultureInfo.InvariantCulture, $"{runs.Min(r => r.Wall):0.00} to {runs.Max(r => r.Wall):0.00} s")));
    }
}
