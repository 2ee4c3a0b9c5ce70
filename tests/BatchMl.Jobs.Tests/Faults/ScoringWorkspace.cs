using System.Security.Cryptography;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A workspace in which only scoring is left to do, for tests that disturb it; and what must hold of it once a run came to its end, whatever happened before.</summary>
sealed class ScoringWorkspace : IDisposable
{
    public const string Job = "flight-delays/score";

    readonly TestFolder? folder;
    readonly string job = Job, dataset = Job;
    readonly Func<Task<IReadOnlyDictionary<string, string>>> content;
    readonly string? postgres;
    readonly HashSet<string> runsBefore;

    /// <summary>A copy of a finished run's workspace without its scores, in a folder of its own or in a given one; its catalog a file, or in PostgreSQL.</summary>
    public ScoringWorkspace(FlightDelaysRun uninterrupted, string? path = null, string? postgres = null)
    {
        this.postgres = postgres;
        content = () => Workspaces.ContentAsync(uninterrupted.Workspace, Job);
        folder = path is null ? new TestFolder() : null;
        Path = path ?? folder!.At("workspace");
        Workspaces.CopyWithoutScores(uninterrupted.Workspace, Path);
        runsBefore = [.. Workspaces.Events(Path).Select(RunOf)];
    }

    /// <summary>A copy of a workspace in which another job is about to make a dataset.</summary>
    /// <param name="from">That workspace.</param>
    /// <param name="job">The job.</param>
    /// <param name="dataset">The dataset, nothing of which is there.</param>
    /// <param name="content">What will be in it: content digests by partition.</param>
    public ScoringWorkspace(string from, string job, string dataset, IReadOnlyDictionary<string, string> content)
    {
        (this.job, this.dataset, this.content) = (job, dataset, () => Task.FromResult(content));
        folder = new TestFolder();
        Path = folder.At("workspace");
        Workspaces.Copy(from, Path);
        runsBefore = [.. Workspaces.Events(Path).Select(RunOf)];
    }

    public string Path { get; }

    /// <summary>The command line that scores in this workspace.</summary>
    public string[] Run(params IReadOnlyList<string> more) => ["run", job, "--workspace", Path, .. postgres is null ? (string[])[] : ["--set", $"Storage={postgres}"], .. more];

    /// <summary>Its catalog.</summary>
    public ICatalog Catalog() => Workspaces.Catalog(Path, postgres);

    static string RunOf(System.Text.Json.JsonElement e) => e.GetProperty("run").GetProperty("runId").GetString()!;

    /// <summary>
    /// The content is that of an uninterrupted run; every partition was committed once, is published, and has the files that its manifest says and no others; one COMPLETE per commit; each lineage run has one
    /// START and one end; nothing is held, open or left.
    /// </summary>
    /// <param name="partitions">The partitions that were asked for; null: all.</param>
    public async Task AssertWholeAsync(params IReadOnlyList<string>? partitions)
    {
        var expected = await content();
        partitions ??= [.. expected.Keys];
        Assert.Equal(partitions.Select(p => (p, expected[p])), (await Workspaces.ContentAsync(Path, dataset, postgres)).Select(c => (c.Key, c.Value)));
        await using var catalog = Catalog();
        foreach (var entry in await catalog.LedgerAsync("parquet", dataset, default))
        {
            Assert.Null(entry.Lease);
            Assert.True(entry.IsPublished, $"{entry.Key} is not published");
            await AssertFilesAsync(entry);
        }
        Assert.Empty(await catalog.UnfinishedRunsAsync(default));
        Assert.Empty(await catalog.OpenAttemptsAsync(default));
        Assert.Empty(Workspaces.Leftovers(Path));
        var committed = (await AttemptsAsync(catalog, dataset)).Where(a => a.State is AttemptState.Committed or AttemptState.Published).ToArray();
        Assert.Equal(partitions, committed.Select(a => a.Key.Value).Order(StringComparer.Ordinal));
        AssertLineage(committed);
    }

    async Task AssertFilesAsync(LedgerEntry entry)
    {
        var sink = new ParquetSink(new Workspace(Path).Datasets);
        var manifest = (await sink.ReadManifestAsync(entry.Key, default))!;
        Assert.Equal(entry.Committed!.Staged.Fence, manifest.Partition.Fence);
        foreach (var file in manifest.Partition.Files) Assert.Equal(file.Sha256, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(sink.PathOf(manifest, file)))));
        var folder = System.IO.Path.GetDirectoryName(sink.PathOf(manifest, manifest.Partition.Files[0]))!;
        Assert.Equal(manifest.Partition.Files.Select(f => f.Name).Append("_manifest.json").Order(), Directory.EnumerateFiles(folder).Select(f => System.IO.Path.GetFileName(f)).Order());
    }

    void AssertLineage(IReadOnlyList<AttemptRecord> committed)
    {
        var events = Workspaces.Events(Path).Select(e => (Run: RunOf(e), Type: e.GetProperty("eventType").GetString()!, Of: e)).Where(e => !runsBefore.Contains(e.Run)).ToArray();
        Assert.All(events.GroupBy(e => e.Run), run =>
        {
            Assert.Equal(2, run.Count());
            Assert.Single(run, e => e.Type == "START");
            Assert.Single(run, e => e.Type is "COMPLETE" or "FAIL" or "ABORT");
        });
        var completed = events.Where(e => e.Type == "COMPLETE" && e.Of.GetProperty("run").GetProperty("facets").TryGetProperty("parent", out _)).Select(e => e.Run);
        Assert.Equal(committed.Select(a => a.AttemptId).Order(), completed.Order());
    }

    /// <summary>All attempts at a dataset's partitions.</summary>
    public static async Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(ICatalog catalog, string dataset = Job)
    {
        var attempts = new List<AttemptRecord>();
        foreach (var run in await catalog.RecentRunsAsync(int.MaxValue, default)) attempts.AddRange((await catalog.AttemptsAsync(run.RunId, default)).Where(a => a.Key.Dataset == dataset));
        return attempts;
    }

    public void Dispose() => folder?.Dispose();
}
