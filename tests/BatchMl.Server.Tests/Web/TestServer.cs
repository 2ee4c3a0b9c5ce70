using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Hosting;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace BatchMl.Server.Tests.Web;

/// <summary>A real server on a free port, over a workspace with a job of texts: <c>demo/score</c>, of which a day failed, a day has dead letters, some are there and some are not.</summary>
sealed class TestServer : IAsyncDisposable
{
    readonly TestFolder folder = new();
    readonly ServerContext context;
    readonly WebApplication server;

    TestServer(IReadOnlyDictionary<string, string?> settings, string urls, string? schedules)
    {
        Job = new TextJob("demo/score").With([.. Enumerable.Range(1, 9).Select(d => $"2013-10-{d:00}")]);
        Application = new BatchMlApplication
        {
            Jobs = () => [Job],
            SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>(),
            Sink = w => new FolderSink(w.Datasets),
            Catalog = c => new SqliteCatalog(c.Workspace.CatalogPath),
            Operations = c => new SqliteOperations(c.Workspace.CatalogPath),
            Scorers = new Dictionary<string, Scoring.ScorerFactory>(),
            Out = Out,
            Error = TextWriter.Synchronized(Said),
        };
        context = new ServerContext(Application, new ServerOptions(urls, Workspace, schedules is null ? null : Directory.CreateDirectory(folder.At("schedules")).FullName, settings, null, 1));
        if (schedules is not null) File.WriteAllText(Path.Combine(context.Options.Schedules!, "nightly.yaml"), schedules);
        server = WebServer.Build(context);
    }

    public TextJob Job { get; }
    public StringWriter Out { get; } = new();
    public StringWriter Said { get; } = new();
    public BatchMlApplication Application { get; }
    public string Workspace => folder.At("workspace");
    public JobEnvironment Environment => context.Session.Environment;
    public IServiceProvider Services => server.Services;
    public IOperations Operations => server.Services.GetRequiredService<IOperations>();

    /// <summary>Where it listens, e.g. <c>http://127.0.0.1:40123</c>.</summary>
    public string Url => server.Urls.First();

    /// <summary>A server that runs.</summary>
    public static async Task<TestServer> StartAsync(IReadOnlyDictionary<string, string?>? settings = null, string urls = "http://127.0.0.1:0", string? schedules = null, Func<TestServer, Task>? before = null)
    {
        var made = new TestServer(settings ?? new Dictionary<string, string?>(), urls, schedules);
        try
        {
            if (before is not null) await before(made);
            await made.server.StartAsync();
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Days 1 to 4 of October are published, of them the 3rd with dead letters; the 5th failed; the 6th to 9th are not there. Gives the run.</summary>
    public async Task<RunSummary> FillAsync()
    {
        Job.DeadLetters = day => day == "2013-10-03" ? 2 : 0;
        Job.Making = (unit, _) => unit.Attempts[0].Partition.Key.Value == "2013-10-05" ? throw new DataException("flights.parquet row 7: <b>distance</b> is not a number") : Task.CompletedTask;
        var later = Enumerable.Range(6, 4).Select(d => $"2013-10-0{d}").ToArray();
        foreach (var day in later) Job.Inputs.Remove(day, out _);
        try
        {
            return await new Runner(Environment, new Silent()).RunAsync(Job, new RunRequest(), "run", CancellationToken.None);
        }
        finally
        {
            Job.With(later);
            Job.Making = (_, _) => Task.CompletedTask;
        }
    }

    /// <summary>A client that follows no redirects and keeps no cookies.</summary>
    public HttpClient Client() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(Url) };

    /// <summary>Makes a key and gives its text.</summary>
    public async Task<string> KeyAsync(string name, AccessRole role)
    {
        var key = Access.KeyText.New();
        Assert.True(await Operations.AddKeyAsync(new ApiKey(name, Access.KeyText.HashOf(key), role, DateTimeOffset.UnixEpoch, null), CancellationToken.None));
        return key;
    }

    public async ValueTask DisposeAsync()
    {
        await server.StopAsync();
        await server.DisposeAsync();
        await context.DisposeAsync();
        folder.Dispose();
    }

    sealed class Silent : RunListener;
}
