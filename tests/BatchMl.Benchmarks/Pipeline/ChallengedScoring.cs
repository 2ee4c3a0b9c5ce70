using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.LightGbm;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>Two models in one pass over a table of 64 features, against a job for each, in turns; and what the memory peaks at.</summary>
sealed class ChallengedScoring : Benchmark
{
    const long Rows = 2_000_000;

    public override string Name => "challenger";

    public override string What => "Parquet → two LightGBM models (100 trees) → Parquet in one job, 64 features, 2 M rows in 10 partitions; a job for each model, one after the other";

    public override string Target => "at most 0.85x of two jobs, memory at most 1.2x";

    public override async Task<Outcome> RunAsync(string folder)
    {
        static LightGbmTrainer Trainer(int leaves) => new(new LightGbmOptions { MaxRounds = 100, EarlyStoppingRounds = 100, LearningRate = 0.02, Leaves = leaves, Metric = "binary_logloss" });
        var workload = ScoringWorkload.Wide(folder, Trainer(31), Trainer(24));
        await workload.TrainAsync();
        await workload.TrainOtherAsync();
        workload.WriteTable(Rows);
        await workload.RunAsync(workload.ScoreBoth);
        await workload.RunAsync(workload.Score);
        await workload.RunAsync(workload.ScoreOther);
        List<Seconds> both = [], one = [], other = [];
        List<double> memory = [];
        for (var round = 0; round < 3; round++)
        {
            OwnProcess.ResetPeak();
            both.Add(await Seconds.OfAsync(() => workload.RunAsync(workload.ScoreBoth, force: true)));
            var peak = OwnProcess.PeakMebibytes();
            OwnProcess.ResetPeak();
            one.Add(await Seconds.OfAsync(() => workload.RunAsync(workload.Score, force: true)));
            memory.Add(peak / OwnProcess.PeakMebibytes());
            other.Add(await Seconds.OfAsync(() => workload.RunAsync(workload.ScoreOther, force: true)));
        }
        Seconds[] two = [.. one.Zip(other, (a, b) => new Seconds(a.Wall + b.Wall, a.Cpu + b.Cpu))];
        var ratio = both.Zip(two, (a, b) => a.Wall / b.Wall).Order().ElementAt(1);
        var peaks = memory.Order().ElementAt(1);
        return new Outcome(
            Seconds.Median(both).ToString(), Seconds.Median(two).ToString(), Paired.Times(ratio), ratio <= 0.85 && peaks <= 1.2,
            string.Create(CultureInfo.InvariantCulture, $"{both.Zip(one, (a, b) => a.Wall / b.Wall).Order().ElementAt(1):0.00}x of one model alone; peak memory {peaks:0.00}x of one job's"));
    }
}
