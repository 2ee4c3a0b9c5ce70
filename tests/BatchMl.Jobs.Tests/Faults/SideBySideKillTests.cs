using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A workspace in which version 1 of a model scored all days and version 2 is about to, side by side; and what version 2 scores when nothing disturbs it and nothing is beside it.</summary>
public sealed class TwoVersions(FlightDelaysRun uninterrupted) : IAsyncLifetime
{
    internal const string Job = "flight-delays/beside", First = Job + "@1", Second = Job + "@2";

    readonly TestFolder folder = new();

    public string Workspace => folder.At("workspace");

    /// <summary>A workspace of its own, in which version 2 scored over what was there.</summary>
    public string Over => folder.At("over");

    /// <summary>How long a process takes that scores all days.</summary>
    public TimeSpan Length { get; private set; }

    public async ValueTask InitializeAsync()
    {
        Workspaces.CopyWithoutScores(uninterrupted.Workspace, Workspace);
        await ImportedModels.PublishAsync(Workspace, "flight-delays", 2, [3, -7, 20]);
        Workspaces.Copy(Workspace, Over);
        using (var over = await JobsProcess.RunAsync("run", ScoringWorkspace.Job, "--workspace", Over)) Assert.True(over.ExitCode == 0, over.Output + over.Error);
        using var first = JobsProcess.StartStopping("", "run", Job, "--model", "flight-delays@1", "--workspace", Workspace);
        await first.WaitAsync();
        Assert.True(first.ExitCode == 0, first.Output + first.Error);
        Assert.Equal(await Workspaces.ContentAsync(uninterrupted.Workspace, ScoringWorkspace.Job), await Workspaces.ContentAsync(Workspace, First));
        Length = first.Elapsed;
    }

    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>kill -9 of the real program while a second version of a model scores beside the first.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class SideBySideKillTests(TwoVersions prepared) : IClassFixture<TwoVersions>
{
    // Between the commit in the ledger and the manifest that readers see, and right after it.
    static readonly string[] points = ["after commit", "moved", "visible", "before mark published"];

    /// <summary>At least 8 kills; <c>BATCHML_SOAK=1</c>: 160.</summary>
    [Fact]
    public async Task Killed_while_a_new_version_scores_and_run_again_both_versions_are_whole_and_the_new_one_is_current()
    {
        Shared.RequireOrSkip(OperatingSystem.IsLinux(), "Needs /proc and the signal numbers of Linux.");
        var most = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 160 : 8;
        var (random, kills, workspaces) = (new Random(20131002), 0, 0);
        for (; kills < most; workspaces++) kills += await KilledAsync(random);
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills in {workspaces} workspaces");
    }

    /// <summary>Version 2 scores all days of a workspace, in processes that are killed; how many were.</summary>
    async Task<int> KilledAsync(Random random)
    {
        var second = await Workspaces.ContentAsync(prepared.Over, ScoringWorkspace.Job);
        using var workspace = new ScoringWorkspace(prepared.Workspace, TwoVersions.Job, TwoVersions.Second, second);
        var first = Files(workspace, TwoVersions.First);
        foreach (var point in points)
        {
            using var process = JobsProcess.StartStopping(point, workspace.Run());
            await process.StoppedAsync();
            process.Kill();
            await process.WaitAsync();
            AssertEachDayOnce(workspace, second.Keys);
        }
        var kills = points.Length;
        for (var kill = 0; kill < 8; kill++)
        {
            using var process = JobsProcess.StartStopping("", workspace.Run());
            await Task.WhenAny(process.WaitAsync(), Task.Delay(prepared.Length * random.NextDouble() * 0.35));
            if (process.HasExited) break;
            process.Kill();
            await process.WaitAsync();
            kills++;
            AssertEachDayOnce(workspace, second.Keys);
        }
        using (var last = JobsProcess.StartStopping("", workspace.Run()))
        {
            await last.WaitAsync();
            Assert.True(last.ExitCode == 0, last.Output + last.Error);
        }
        await workspace.AssertWholeAsync(null);
        Assert.Equal(first, Files(workspace, TwoVersions.First));

        // What is current is the new version everywhere, row by row what it scores alone.
        Assert.All(Current(workspace).Files, f => Assert.StartsWith(Datasets(workspace.Path, TwoVersions.Second) + "/", f, StringComparison.Ordinal));
        using var query = JobsProcess.StartStopping("", "query", $"SELECT count(DISTINCT flight_date), count(*), min(model_version), max(model_version) FROM \"{TwoVersions.Job}\"", "--csv", "--workspace", workspace.Path);
        await query.WaitAsync();
        var rows = $"(SELECT * EXCLUDE (run_id, scored_at) FROM read_parquet('{Datasets(prepared.Over, ScoringWorkspace.Job)}/*/part-*.parquet', hive_partitioning = true))";
        Assert.Equal($"{second.Count},{Duck.Ask<long>($"SELECT count(*) FROM {rows}")},2,2", query.Output.Trim().Split('\n')[^1]);
        var current = $"(SELECT * EXCLUDE (run_id, scored_at) FROM read_parquet([{string.Join(", ", Current(workspace).Files.Select(f => $"'{f}'"))}], hive_partitioning = true))";
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM (({current} EXCEPT ALL {rows}) UNION ALL ({rows} EXCEPT ALL {current}))"));
        return kills;
    }

    [Fact]
    public async Task What_a_killed_process_staged_of_a_version_is_removed_by_the_next_run_of_any_version()
    {
        Shared.RequireOrSkip(OperatingSystem.IsLinux(), "Needs /proc and the signal numbers of Linux.");
        using var workspace = new ScoringWorkspace(prepared.Workspace, TwoVersions.Job, TwoVersions.Second, new Dictionary<string, string>());
        using (var process = JobsProcess.StartStopping("after stage", workspace.Run("--partition", "2013-12-31")))
        {
            await process.StoppedAsync();
            process.Kill();
            await process.WaitAsync();
        }
        Assert.NotEmpty(Workspaces.Leftovers(workspace.Path));
        using var next = JobsProcess.StartStopping("", workspace.Run("--partition", "2013-12-30", "--model", "flight-delays@1"));
        await next.WaitAsync();
        Assert.True(next.ExitCode == 0, next.Output + next.Error);
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
    }

    static string Datasets(string workspace, string dataset) => Path.Combine(new Workspace(workspace).Datasets, dataset);

    static PublishedTable Current(ScoringWorkspace workspace) => PublishedTable.Read(new Workspace(workspace.Path).Datasets, TwoVersions.Job)!;

    /// <summary>Whatever a killed process left: readers see all days, each of one version, whole.</summary>
    static void AssertEachDayOnce(ScoringWorkspace workspace, IEnumerable<string> days)
    {
        var folders = Current(workspace).Files.Select(f => Path.GetDirectoryName(f)!).Distinct().ToArray();
        Assert.Equal(days.Select(d => $"flight_date={d}"), folders.Select(f => Path.GetFileName(f)));
        // The version that has a manifest of the day, the new one before the old.
        Assert.All(folders, f => Assert.Equal(File.Exists(Path.Combine(Datasets(workspace.Path, TwoVersions.Second), Path.GetFileName(f), "_manifest.json")) ? TwoVersions.Second : TwoVersions.First, Path.GetRelativePath(new Workspace(workspace.Path).Datasets, Path.GetDirectoryName(f)!)));
    }

    static IReadOnlyList<(string Path, DateTime Written, string Digest)> Files(ScoringWorkspace workspace, string dataset) =>
        [.. Directory.EnumerateFiles(Datasets(workspace.Path, dataset), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => (f, File.GetLastWriteTimeUtc(f), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))))];
}
