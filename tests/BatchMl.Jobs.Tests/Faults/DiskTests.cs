using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>Disks that are full or read-only: a clear error that names the place and says what to do, nothing half-visible, and all is well once there is space again.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class DiskTests(FlightDelaysRun uninterrupted)
{
    static readonly string[] partitions = ["2013-12-30", "2013-12-31"];
    static readonly string[] days = [.. partitions.SelectMany(p => new[] { "--partition", p })];

    static string SinkOf(string workspace) => Path.Combine(new Workspace(workspace).Datasets, ScoringWorkspace.Job);

    static string ModelsOf(string workspace) => new Workspace(workspace).Models;

    static void AssertClear(DisturbedJobs.Result result, string path)
    {
        Assert.True(result.Code == 1, result.All);
        Assert.Contains(path, result.All, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", result.All, StringComparison.Ordinal);
        Assert.DoesNotContain("\n   at ", result.All, StringComparison.Ordinal);
    }

    async Task AssertVisibleIsWholeAsync(ScoringWorkspace workspace)
    {
        var expected = await Workspaces.ContentAsync(uninterrupted.Workspace, ScoringWorkspace.Job);
        Assert.All(await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job), c => Assert.Equal(expected[c.Key], c.Value));
    }

    async Task AssertEndsWholeAsync(ScoringWorkspace workspace, string[] args, IReadOnlyList<string>? asked)
    {
        var result = await new DisturbedJobs().RunAsync(workspace.Run(args));
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(asked);
    }

    [Fact]
    public async Task A_disk_that_fills_up_with_partitions_keeps_those_that_were_done()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        using var disk = new SmallDisk(SinkOf(workspace.Path), 64);
        string[] december = ["--from", "2013-12-05", "--to", "2013-12-25"];
        // Partitions of a unit are all written before the first of them is committed. One unit at a time: at the first commit those of the second are still to be written, and for them there is no space.
        var result = await new DisturbedJobs { Reached = DisturbedJobs.At("after commit", () => disk.Leave(256)) }.RunAsync(workspace.Run([.. december, "--max-parallel", "1"]));
        AssertClear(result, SinkOf(workspace.Path));
        Assert.Contains("No space left on device", result.All, StringComparison.Ordinal);
        Assert.Contains("free space", result.All, StringComparison.OrdinalIgnoreCase);
        Assert.NotEmpty(await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job));
        await AssertVisibleIsWholeAsync(workspace);
        disk.Free();
        await AssertEndsWholeAsync(workspace, december, [.. Enumerable.Range(5, 20).Select(d => $"2013-12-{d:D2}")]);
    }

    [Theory]
    [InlineData("after lease", false)]
    [InlineData("before commit", false)]
    [InlineData("after commit", false)]
    [InlineData("after lease", true)]
    [InlineData("before commit", true)]
    [InlineData("after commit", true)]
    public async Task A_sink_whose_disk_becomes_full_or_read_only_is_finished_when_it_is_writable_again(string point, bool readOnly)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        using var disk = new SmallDisk(SinkOf(workspace.Path), 8);
        var result = await new DisturbedJobs { Reached = DisturbedJobs.At(point, () => { if (readOnly) disk.ReadOnly(true); else disk.Fill(); }) }.RunAsync(workspace.Run(days));
        AssertClear(result, SinkOf(workspace.Path));
        await AssertVisibleIsWholeAsync(workspace);
        if (readOnly) disk.ReadOnly(false);
        else disk.Free();
        await AssertEndsWholeAsync(workspace, days, partitions);
    }

    [Fact]
    public Task A_workspace_whose_disk_becomes_full_catalog_and_lineage_too_is_finished_when_there_is_space() =>
        Parallel.ForEachAsync(
            ["before start run", "after lease", "before stage", "before commit", "after commit", "before finish run", "before mark delivered"], new ParallelOptions { MaxDegreeOfParallelism = 2 },
            async (point, _) => await FillWorkspaceAsync(point));

    async Task FillWorkspaceAsync(string point)
    {
        using var folder = new TestFolder();
        using var disk = new SmallDisk(folder.At("disk"), 64);
        using var workspace = new ScoringWorkspace(uninterrupted, folder.At("disk", "workspace"));
        // A process of its own: of a run whose end can not be written down others see only that its process is gone.
        using var process = JobsProcess.StartStopping(point, workspace.Run(days));
        await process.StoppedAsync();
        disk.Fill();
        process.Wake();
        await process.WaitAsync();
        disk.Free();
        var result = new DisturbedJobs.Result(process.ExitCode, process.Output, process.Error);
        TestContext.Current.TestOutputHelper!.WriteLine($"{point}: {result.Code} {result.All}");
        // What does not fit any more may be the lineage file alone: the catalog has pages to use again.
        if (result.Code == 0) Assert.Equal(2, (await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job)).Count);
        else AssertClear(result, workspace.Path);
        await AssertVisibleIsWholeAsync(workspace);
        await AssertEndsWholeAsync(workspace, days, partitions);
    }

    [Fact]
    public async Task A_workspace_that_is_read_only_is_refused_by_name()
    {
        using var folder = new TestFolder();
        using var disk = new SmallDisk(folder.At("disk"), 64);
        using var workspace = new ScoringWorkspace(uninterrupted, folder.At("disk", "workspace"));
        disk.ReadOnly(true);
        var result = await new DisturbedJobs().RunAsync(workspace.Run(days));
        AssertClear(result, new Workspace(workspace.Path).CatalogPath);
        Assert.Contains("--workspace", result.All, StringComparison.Ordinal);
        disk.ReadOnly(false);
        await AssertEndsWholeAsync(workspace, days, partitions);
    }

    [Fact]
    public async Task A_model_that_does_not_fit_on_the_disk_is_made_when_there_is_space()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var before = (await Workspaces.LedgerAsync(workspace.Path, "flight-delays", "models")).Single().Committed!.Staged.ContentDigest;
        Directory.Delete(ModelsOf(workspace.Path), recursive: true);
        using var disk = new SmallDisk(ModelsOf(workspace.Path), 4);
        string[] train = ["run", "flight-delays/train", "--workspace", workspace.Path];
        var result = await new DisturbedJobs { Reached = DisturbedJobs.At("after lease", disk.Fill) }.RunAsync(train);
        AssertClear(result, ModelsOf(workspace.Path));
        disk.Free();
        result = await new DisturbedJobs().RunAsync(train);
        Assert.True(result.Code == 0, result.All);
        Assert.Equal(before, (await Workspaces.LedgerAsync(workspace.Path, "flight-delays", "models")).Single().Committed!.Staged.ContentDigest);
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
    }
}
