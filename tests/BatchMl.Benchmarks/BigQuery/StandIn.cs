using System.Diagnostics;
using BatchMl.BigQuery.Client;
using BatchMl.Fakes;

namespace BatchMl.Benchmarks.BigQuery;

/// <summary>What stands in for BigQuery, in a process of its own, with an empty dataset <c>ml</c>. Its time counts in what is measured; its memory does not.</summary>
sealed class StandIn : IDisposable
{
    public const string Project = "test-project";

    readonly Process process;

    StandIn(Process process, Uri url) => (this.process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<StandIn> StartAsync()
    {
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(FakeBigQuery).Assembly.Location, "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true })!;
        var standIn = new StandIn(process, new Uri((await process.StandardOutput.ReadLineAsync())!));
        using var client = await standIn.ClientAsync();
        await client.Datasets.EnsureAsync(new BigQueryDataset { DatasetReference = client.Dataset("ml"), Location = "EU" });
        return standIn;
    }

    public BigQueryClientOptions Options => new() { Project = Project, Endpoint = Url, Credentials = BigQueryCredentials.None };

    public Task<BigQueryClient> ClientAsync() => BigQueryClient.OpenAsync(Options);

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
    }
}
