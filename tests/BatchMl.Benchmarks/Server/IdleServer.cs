using System.Diagnostics;
using System.Globalization;
using BatchMl.Benchmarks.Harness;

namespace BatchMl.Benchmarks.Server;

/// <summary>What a server keeps in memory that has nothing to do but to look.</summary>
sealed class IdleServer : Benchmark
{
    const int Wait = 60;

    public override string Name => "idle-server";

    public override string What => string.Create(CultureInfo.InvariantCulture, $"resident memory of the published program's `serve` with the shipped schedules, {Wait} s after its pages were looked at");

    public override string Target => "under 250 MB";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var jobs = PublishedJobs.Make(folder);
        using var client = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:5987") };
        using var server = Process.Start(new ProcessStartInfo(jobs.Program, ["serve", "--urls", client.BaseAddress.ToString(), "--workspace", jobs.Workspace]) { RedirectStandardError = true })!;
        try
        {
            _ = server.StandardError.ReadToEndAsync();
            while (true)
            {
                try
                {
                    foreach (var page in new[] { "", "datasets", "runs", "models", "drift", "schedules" }) (await client.GetAsync(page)).EnsureSuccessStatusCode();
                    break;
                }
                catch (HttpRequestException e) when (e.StatusCode is null && !server.HasExited)
                {
                    await Task.Delay(100);
                }
            }
            await Task.Delay(TimeSpan.FromSeconds(Wait));
            // proc(5): VmRSS, "resident set size", in KiB.
            double Kib(string name) => long.Parse(File.ReadLines($"/proc/{server.Id}/status").First(l => l.StartsWith(name, StringComparison.Ordinal))[(name.Length + 1)..^3].Trim(), CultureInfo.InvariantCulture);
            var (now, peak) = (Kib("VmRSS") * 1024 / 1e6, Kib("VmHWM") * 1024 / 1e6);
            return new Outcome(
                string.Create(CultureInfo.InvariantCulture, $"{now:0} MB"), "", string.Create(CultureInfo.InvariantCulture, $"{now:0} MB"), now < 250, string.Create(CultureInfo.InvariantCulture, $"at most {peak:0} MB until then"));
        }
        finally
        {
            server.Kill();
        }
    }
}
