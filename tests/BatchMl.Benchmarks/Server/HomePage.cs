using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using BatchMl.Benchmarks.Harness;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Benchmarks.Server;

/// <summary>The home page over a hundred thousand published partitions.</summary>
sealed class HomePage : Benchmark
{
    const int Datasets = 20, Days = 5_000;

    public override string Name => "home-page";

    public override string What => string.Create(CultureInfo.InvariantCulture, $"home page with {Datasets * Days:n0} partitions ({Datasets} datasets of {Days:n0} days), request to last byte: the first, those after it, and after a run");

    public override string Target => "under 1 s";

    // Making the partitions takes minutes.
    public override bool IsLong => true;

    public override async Task<Outcome> RunAsync(string folder)
    {
        var first = new DateOnly(2013, 1, 1);
        string[] days = [.. Enumerable.Range(0, Days).Select(d => first.AddDays(d).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))];
        var jobs = Enumerable.Range(0, Datasets).Select(i => new TextJob($"text{i}") { UnitSize = 100 }.With(days)).ToArray();
        foreach (var job in jobs)
        {
            var code = await TextServer.Application(jobs).RunAsync(["run", job.Name, "--workspace", Path.Combine(folder, "workspace")]);
            if (code != 0) throw new InvalidOperationException($"{job.Name} ended with {code}.");
        }
        await using var server = await TextServer.StartAsync(folder, jobs);
        // Plans are made in the background once the server is up; the page shows what there is meanwhile.
        var atFirst = await GetAsync(server);
        while (!(await server.Client.GetStringAsync("")).Contains($"{Days:n0}", StringComparison.Ordinal)) await Task.Delay(100);
        List<double> warm = [], changed = [];
        for (var i = 0; i < 11; i++) warm.Add(await GetAsync(server));
        for (var i = 0; i < 5; i++)
        {
            jobs[i].Inputs[days[i]] = "another";
            using var asked = await server.Client.PostAsJsonAsync("api/v1/runs", new { job = jobs[i].Name, force = true, partitions = new[] { days[i] } });
            asked.EnsureSuccessStatusCode();
            var id = (await asked.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("id").GetString();
            while ((await server.Client.GetFromJsonAsync<System.Text.Json.JsonElement>($"api/v1/queue/{id}")).GetProperty("finished_at").ValueKind == System.Text.Json.JsonValueKind.Null) await Task.Delay(20);
            changed.Add(await GetAsync(server));
        }
        changed.Sort();
        warm.Sort();
        var worst = Math.Max(atFirst, Math.Max(warm[^1], changed[^1]));
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{atFirst:0} ms, {warm[5]:0} ms, {changed[2]:0} ms"), "", string.Create(CultureInfo.InvariantCulture, $"{worst:0} ms at most"), worst < 1_000);
    }

    static async Task<double> GetAsync(TextServer server)
    {
        var started = Stopwatch.GetTimestamp();
        await server.Client.GetStringAsync("");
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }
}
