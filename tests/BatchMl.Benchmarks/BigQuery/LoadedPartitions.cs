using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.Hosting;
using BatchMl.Jobs;

namespace BatchMl.Benchmarks.BigQuery;

/// <summary>The real job's 92 days into what stands in for BigQuery, and into Parquet.</summary>
sealed class LoadedPartitions : Benchmark
{
    const int Days = 92;

    public override string Name => "bigquery-partitions";

    public override string What => "`run flight-delays/score --force`, 92 days, with `--sink` of the stand-in for BigQuery; the same into Parquet";

    public override string Target => "overhead per partition is reported";

    public override async Task<Outcome> RunAsync(string folder)
    {
        using var standIn = await StandIn.StartAsync();
        var workspace = Path.Combine(folder, "workspace");
        await RunAsync("run", "flight-delays", "--workspace", workspace);
        string[] sink = ["--sink", $"bigquery://{StandIn.Project}/ml/scores", "--set", $"BigQuery:Endpoint={standIn.Url}", "--set", "BigQuery:Credentials=none"];
        // Makes the table.
        await RunAsync(["run", "flight-delays/score", "--workspace", workspace, .. sink]);
        List<Seconds> ours = [], files = [];
        for (var round = 0; round < 3; round++)
        {
            ours.Add(await Seconds.OfAsync(() => RunAsync(["run", "flight-delays/score", "--force", "--workspace", workspace, .. sink])));
            files.Add(await Seconds.OfAsync(() => RunAsync("run", "flight-delays/score", "--force", "--workspace", workspace)));
        }
        var (bigQuery, parquet) = (Seconds.Median(ours), Seconds.Median(files));
        var overhead = (bigQuery.Wall - parquet.Wall) / Days * 1e3;
        return new Outcome(
            bigQuery.ToString(), parquet.ToString(), string.Create(CultureInfo.InvariantCulture, $"{overhead:0} ms a partition"), true,
            "a job, an upload and at least one question after half a second for each partition; several are loaded side by side. The stand-in's own time is in it");
    }

    static async Task RunAsync(params string[] args)
    {
        var code = await (BatchMlApplication.Create(Jobs.FlightDelays.FlightDelays.Jobs) with { Out = TextWriter.Null, Error = TextWriter.Null }).RunAsync(args);
        if (code != 0) throw new InvalidOperationException($"{string.Join(' ', args)} ended with {code}.");
    }
}
