using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchMl.Benchmarks.Harness;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Benchmarks.Server;

/// <summary>What a server takes to begin a run when its time has come, and how many runs it gets done that find nothing to do.</summary>
/// <param name="name">The line.</param>
/// <param name="storage">Where queue and catalog are.</param>
/// <param name="start">Starts what they need.</param>
sealed class Dispatching(string name, string storage, Func<Task<string>> start) : Benchmark
{
    const int Seconds = 30, Schedules = 1_000, Jobs = 8;

    public override string Name => name;

    public override string What => string.Create(CultureInfo.InvariantCulture, $"queue and catalog in {storage}: from a schedule's instant to the begin of its run ({Seconds} instants, one a second); {Schedules:n0} schedules of {Jobs} jobs that fire at once, up to date, one worker");

    public override string Target => "latency and runs/s are reported";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var address = await start();
        var milliseconds = await LatencyAsync(Path.Combine(folder, "latency"), address);
        var perSecond = await ThroughputAsync(Path.Combine(folder, "throughput"), address);
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{milliseconds[milliseconds.Length / 2]:0} ms, {perSecond:0} runs/s"), "", string.Create(CultureInfo.InvariantCulture, $"{milliseconds[milliseconds.Length / 2]:0} ms, {perSecond:0} runs/s"), true,
            string.Create(CultureInfo.InvariantCulture, $"{milliseconds[0]:0} to {milliseconds[^1]:0} ms; each run plans, reads the ledger and is recorded with its lineage"));
    }

    static async Task<double[]> LatencyAsync(string folder, string address)
    {
        Write(folder, "often", "job: text0\ncron: '* * * * * *'\n");
        await using var server = await TextServer.StartAsync(folder, [new TextJob("text0").With("1")], "--storage", address);
        // The first few still find code to be compiled.
        var runs = await OverAsync(server, Seconds + 5);
        return [.. runs.OrderBy(r => At(r, "occurrence")).Skip(5).Take(Seconds).Select(r => (At(r, "started_at") - At(r, "occurrence")).TotalMilliseconds).Order()];
    }

    static async Task<double> ThroughputAsync(string folder, string address)
    {
        foreach (var i in Enumerable.Range(0, Schedules)) Write(folder, $"s{i:d4}", $"job: text{i % Jobs}\ncron: 0 6 * * *\n");
        var jobs = Enumerable.Range(0, Jobs).Select(i => new TextJob($"text{i}").With("1")).ToArray();
        foreach (var job in jobs)
        {
            var code = await TextServer.Application(jobs).RunAsync(["run", job.Name, "--workspace", Path.Combine(folder, "workspace"), "--set", $"Storage={address}"]);
            if (code != 0) throw new InvalidOperationException($"{job.Name} ended with {code}.");
        }
        await using var server = await TextServer.StartAsync(folder, jobs, "--storage", address, "--now", "2013-10-01T05:59:55Z");
        var runs = await OverAsync(server, Schedules);
        return runs.Count / (runs.Max(r => At(r, "finished_at")) - runs.Min(r => At(r, "started_at"))).TotalSeconds;
    }

    // Looks seldom, so that looking costs little.
    static async Task<IReadOnlyList<JsonObject>> OverAsync(TextServer server, int count)
    {
        while (true)
        {
            await Task.Delay(500);
            var queue = await server.Client.GetFromJsonAsync<JsonObject[]>("api/v1/queue?state=succeeded&limit=1000");
            if (queue!.Length >= count) return queue;
        }
    }

    static DateTimeOffset At(JsonObject run, string name) => run[name].Deserialize<DateTimeOffset>();

    static void Write(string folder, string schedule, string text)
    {
        Directory.CreateDirectory(Path.Combine(folder, "schedules"));
        File.WriteAllText(Path.Combine(folder, "schedules", schedule + ".yaml"), text);
    }

    public static Dispatching Memory() => new("serve-memory", "memory and a file of SQLite", () => Task.FromResult("memory"));

    public static Dispatching Postgres() => new("serve-postgres", "PostgreSQL", async () => (await PostgresServer.StartAsync()).Address());
}
