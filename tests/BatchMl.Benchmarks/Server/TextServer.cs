using BatchMl.Hosting;
using BatchMl.Runs;
using BatchMl.Server;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Benchmarks.Server;

/// <summary>The server of the jobs program, in this process, over jobs whose partitions are texts: what runs cost beside what they do.</summary>
sealed class TextServer : IAsyncDisposable
{
    readonly CancellationTokenSource stop = new();
    readonly Task<int> serving;

    TextServer(Task<int> serving, HttpClient client, CancellationTokenSource stop) => (this.serving, Client, this.stop) = (serving, client, stop);

    /// <summary>Talks to it.</summary>
    public HttpClient Client { get; }

    /// <summary>The program around the jobs.</summary>
    public static BatchMlApplication Application(IReadOnlyList<Job> jobs) =>
        BatchMlApplication.Create(() => jobs).WithServer() with { Sink = w => new FolderSink(w.Datasets), Out = TextWriter.Null, Error = TextWriter.Null };

    /// <summary>Starts it over a folder: its workspace, and its schedules.</summary>
    public static async Task<TextServer> StartAsync(string folder, IReadOnlyList<Job> jobs, params string[] more)
    {
        Directory.CreateDirectory(Path.Combine(folder, "schedules"));
        var url = $"http://127.0.0.1:{Ports.Free()}";
        var stop = new CancellationTokenSource();
        var serving = Application(jobs).RunAsync(["serve", "--urls", url, "--workspace", Path.Combine(folder, "workspace"), "--schedules", Path.Combine(folder, "schedules"), .. more], stop.Token);
        var server = new TextServer(serving, new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(10) }, stop);
        while (true)
        {
            try
            {
                using var answer = await server.Client.GetAsync("healthz/live");
                return server;
            }
            catch (HttpRequestException) when (!serving.IsCompleted)
            {
                await Task.Delay(10);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        var code = await serving;
        Client.Dispose();
        stop.Dispose();
        if (code != 0) throw new InvalidOperationException($"The server ended with {code}.");
    }
}
