using System.Text.Json;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Runs;

/// <summary>A process died: nothing of it comes any more.</summary>
sealed class DeathException() : Exception("died");

/// <summary>A workspace on disk with a real catalog, in which several "processes" run jobs.</summary>
sealed class RunnerHarness : IAsyncDisposable
{
    readonly TestFolder folder = new();
    readonly List<ICatalog> catalogs = [];

    public RunnerHarness(TimeProvider? clock = null)
    {
        Clock = clock ?? TimeProvider.System;
        Workspace = new Workspace(folder.Path);
        Catalog = Connect();
        Sink = new FolderSink(Workspace.Datasets);
    }

    public TimeProvider Clock { get; set; }
    public Workspace Workspace { get; }
    public ICatalog Catalog { get; }
    public FolderSink Sink { get; }
    public RecordingListener Listener { get; } = new();

    public ICatalog Connect()
    {
        catalogs.Add(new SqliteCatalog(Workspace.CatalogPath));
        return catalogs[^1];
    }

    /// <summary>A process: what it reaches is told, and may throw or block; processes that it knows to be gone are named.</summary>
    public Runner Process(string name = "p1", Action<string>? reached = null, string gone = "", RunListener? listener = null, Func<string, bool>? isGone = null, Func<PartitionKey, Task>? publishing = null, PublicationPace? pace = null)
    {
        var at = reached ?? (_ => { });
        var environment = new JobEnvironment
        {
            Workspace = Workspace,
            Catalog = new FaultyCatalog(Connect(), at),
            Sink = new FolderSink(Workspace.Datasets, at) { Publishing = publishing ?? (_ => Task.CompletedTask), Pace = pace ?? PublicationPace.Local },
            Models = new ModelStore(Workspace.Models),
            Sources = name => throw new NotSupportedException($"Jobs of texts have no sources, so none is called {name}."),
            Engine = null!,
            Scorers = new Dictionary<string, BatchMl.Scoring.ScorerFactory>(),
            Clock = Clock,
            Logging = NullLoggerFactory.Instance,
        };
        return new Runner(environment, listener ?? Listener, new RunnerSettings { Holder = name, IsGone = isGone ?? gone.Split(' ').Contains, Look = TimeSpan.FromMilliseconds(20) });
    }

    public Task<RunSummary> RunAsync(Job job, RunRequest? request = null, string name = "p1", string gone = "") =>
        PumpAsync(Process(name, gone: gone).RunAsync(job, request ?? new RunRequest(), "run", default));

    /// <summary>Lets a fake clock run until the task is over.</summary>
    public async Task<T> PumpAsync<T>(Task<T> task)
    {
        while (Clock is FakeTimeProvider fake && !task.IsCompleted)
        {
            fake.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1);
        }
        return await task;
    }

    public sealed record Event(string Type, string RunId, string Job, string? Partition, string? Parent);

    public IReadOnlyList<Event> Events()
    {
        var events = new List<Event>();
        string[] files = Directory.Exists(Workspace.Lineage) ? Directory.GetFiles(Workspace.Lineage) : [];
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadAllLines(file))
            {
                var e = JsonDocument.Parse(line).RootElement;
                var run = e.GetProperty("run");
                var parent = run.GetProperty("facets").TryGetProperty("parent", out var p) ? p.GetProperty("run").GetProperty("runId").GetString() : null;
                var partition = e.GetProperty("outputs") is var outputs && outputs.GetArrayLength() > 0 && outputs[0].GetProperty("outputFacets").TryGetProperty("subset", out var subset)
                    ? subset.GetProperty("outputCondition").GetProperty("partitions")[0].GetProperty("identifier").GetString() : null;
                events.Add(new Event(e.GetProperty("eventType").GetString()!, run.GetProperty("runId").GetString()!, e.GetProperty("job").GetProperty("name").GetString()!, partition, parent));
            }
        }
        return events;
    }

    /// <summary>All is as if nothing had ever gone wrong: nothing held, nothing unpublished, nothing staged; each event run has its START and one end; each version was committed once.</summary>
    public async Task AssertWholeAsync(string dataset, IReadOnlyDictionary<string, string> texts, bool clockJumps = false)
    {
        Assert.Equal(texts, await Sink.TextsAsync(dataset));
        Assert.Empty(Sink.Staging(dataset));
        Assert.Empty(await Catalog.OpenAttemptsAsync(default));
        Assert.Empty(await Catalog.UnpublishedAsync(default));
        Assert.Empty(await Catalog.UnfinishedRunsAsync(default));
        Assert.All(await Catalog.LedgerAsync("folder", dataset, default), e => Assert.Null(e.Lease));
        var events = Events();
        foreach (var run in events.GroupBy(e => e.RunId))
        {
            Assert.Equal(2, run.Count());
            Assert.Single(run, e => e.Type == "START");
            Assert.Single(run, e => e.Type is "COMPLETE" or "FAIL" or "ABORT");
            // Files are named by month: only a clock that jumps back can put the end before the begin.
            if (!clockJumps) Assert.Equal("START", run.First().Type);
            Assert.Single(run.Select(e => (e.Job, e.Parent)).Distinct());
        }
        var runs = await Catalog.RecentRunsAsync(1000, default);
        var committed = new List<string>();
        foreach (var run in runs)
        {
            Assert.Contains(events, e => e.RunId == run.RunId && e.Parent is null);
            committed.AddRange((await Catalog.AttemptsAsync(run.RunId, default)).Where(a => a.State is AttemptState.Committed or AttemptState.Published).Select(a => a.AttemptId));
        }
        Assert.Equal(committed.Order(), events.Where(e => e is { Type: "COMPLETE", Parent: not null }).Select(e => e.RunId).Order());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var catalog in catalogs) await catalog.DisposeAsync();
        folder.Dispose();
    }
}

/// <summary>Keeps what it is told.</summary>
sealed class RecordingListener : RunListener
{
    readonly Lock gate = new();
    readonly List<string> lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (gate) return [.. lines];
        }
    }

    void Add(string line)
    {
        lock (gate) lines.Add(line);
    }

    public override void StepPlanned(JobPlan plan, IReadOnlyList<PartitionDecision> decisions)
    {
        foreach (var d in decisions) Add($"{d.Partition.Key.Value} {d.Kind}: {d.Reason}");
    }

    public override void PartitionCommitted(PlannedPartition partition, PartitionResult result) => Add($"{partition.Key.Value} committed");
    public override void PartitionFailed(PlannedPartition partition, Exception error, TimeSpan? retryIn) => Add($"{partition.Key.Value} {(retryIn is null ? "failed" : "again")}: {error.Message}");
    public override void WaitingFor(PlannedPartition partition, LeaseInfo lease) => Add($"{partition.Key.Value} waits for {lease.Holder}");
    public override void WaitingForInputs(IReadOnlyList<PartitionDecision> waiting, TimeSpan left) => Add($"{string.Join(' ', waiting.Select(w => w.Partition.Key.Value))} wait");
    public override void Note(string line) => Add(line);
}
