using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Dispatch;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace BatchMl.Server.Tests;

/// <summary>A whole server within this process: real catalog, real Hangfire, real HTTP. Its waits are short.</summary>
sealed class TestServer : IAsyncDisposable
{
    readonly ServerContext context;
    readonly WebApplication server;
    readonly StringWriter error;

    TestServer(ServerContext context, WebApplication server, StringWriter error) => (this.context, this.server, this.error) = (context, server, error);

    public static DispatchSettings Quick { get; } = new()
    {
        Workers = new Dictionary<string, int> { [Queues.Train] = 1, [Queues.Score] = 4, [Queues.Monitor] = 1 }, Heartbeat = TimeSpan.FromMilliseconds(50), Look = TimeSpan.FromMilliseconds(50), StopWithin = TimeSpan.FromSeconds(10),
        FirstRetry = TimeSpan.FromMilliseconds(50), InputsAgain = TimeSpan.FromMilliseconds(50), Ttl = TimeSpan.FromSeconds(3),
    };

    /// <summary>Starts one over a folder: its workspace, and its schedules.</summary>
    public static async Task<TestServer> StartAsync(TestFolder folder, IReadOnlyList<Job> jobs, DateTimeOffset? now = null, DispatchSettings? settings = null, string? storage = null)
    {
        Directory.CreateDirectory(folder.At("schedules"));
        var error = new StringWriter();
        var given = new Dictionary<string, string?> { ["Storage"] = storage ?? "memory" };
        var context = new ServerContext(
            TestApplication.Of(jobs, new StringWriter(), error), new ServerOptions("http://127.0.0.1:0", folder.At("workspace"), folder.At("schedules"), given, now, 1));
        var server = WebServer.Build(context, settings ?? Quick);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(context, server, error);
    }

    public IOperations Operations => server.Services.GetRequiredService<IOperations>();

    public RunDesk Desk => server.Services.GetRequiredService<RunDesk>();

    public ICatalog Catalog => context.Session.Environment.Catalog;

    public Workspace Workspace => context.Session.Environment.Workspace;

    public FolderSink Sink => (FolderSink)context.Session.Environment.Sink;

    public string Url => server.Urls.First();

    /// <summary>Warnings so far.</summary>
    public string Error => error.ToString();

    public T Get<T>() where T : notnull => server.Services.GetRequiredService<T>();

    /// <summary>All queued runs, those asked for first first.</summary>
    public async Task<IReadOnlyList<QueuedRun>> QueueAsync() => [.. (await Operations.QueueAsync(new QueueFilter([], Limit: int.MaxValue), TestContext.Current.CancellationToken)).Reverse()];

    /// <summary>Waits until the queue is as wanted, and returns it.</summary>
    public async Task<IReadOnlyList<QueuedRun>> UntilAsync(Func<IReadOnlyList<QueuedRun>, bool> isSo)
    {
        while (true)
        {
            var queue = await QueueAsync();
            if (isSo(queue)) return queue;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a run is over, and returns it.</summary>
    public async Task<QueuedRun> OverAsync(string id) => (await UntilAsync(q => q.Single(r => r.Id == id).IsOver)).Single(r => r.Id == id);

    /// <summary>Stops it as Ctrl-C does.</summary>
    public async ValueTask DisposeAsync()
    {
        await server.StopAsync();
        await server.DisposeAsync();
        await context.DisposeAsync();
    }
}
