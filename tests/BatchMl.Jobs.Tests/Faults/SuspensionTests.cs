using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A worker that is suspended (SIGSTOP) while another takes over, and then woken.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class SuspensionTests(FlightDelaysRun uninterrupted)
{
    static readonly string[] partitions = ["2013-12-30", "2013-12-31"];

    /// <summary>In the order in which an attempt comes to them.</summary>
    static readonly string[] points =
    [
        "before lease", "after lease", "create file", "before stage", "after stage", "before commit", "after commit", "moved", "visible", "removed older", "removed staging", "before mark published",
        "after mark published", "before finish run", "after finish run", "before mark delivered", "after mark delivered",
    ];

    [Fact]
    public async Task Suspended_at_any_step_of_the_commit_taken_over_and_woken_a_worker_changes_nothing()
    {
        Shared.RequireOrSkip(OperatingSystem.IsLinux(), "Needs /proc and the signal numbers of Linux.");
        // One waits while another computes.
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (point, _) => await SuspendAsync(point));
    }

    async Task SuspendAsync(string point)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var run = workspace.Run([.. partitions.SelectMany(p => new[] { "--partition", p })]);
        using var sleeper = JobsProcess.StartStopping(point, run);
        await sleeper.StoppedAsync();

        // The other one is this process.
        var taker = await new DisturbedJobs().RunAsync(run);
        Assert.True(taker.Code == 0, $"{point}: {taker.All}");
        Assert.True(sleeper.IsStopped);
        var committed = await CommittedAsync(workspace);
        Assert.Equal(partitions, committed.Select(c => c.Partition));

        sleeper.Wake();
        await sleeper.WaitAsync();
        Assert.True(sleeper.ExitCode == 0, $"{point}: {sleeper.Output}{sleeper.Error}");
        Assert.Equal(committed, await CommittedAsync(workspace));

        var next = await new DisturbedJobs().RunAsync(run);
        Assert.True(next.Code == 0 && next.All.Contains(": 0 partitions to make, 2 to keep", StringComparison.Ordinal), $"{point}: {next.All}");
        Assert.Equal(committed, await CommittedAsync(workspace));
        await workspace.AssertWholeAsync(partitions);
    }

    static async Task<IReadOnlyList<(string Partition, long Fence, string Content)>> CommittedAsync(ScoringWorkspace workspace) =>
        [.. (await Workspaces.LedgerAsync(workspace.Path, ScoringWorkspace.Job)).Where(e => e.Committed is not null).Select(e => (e.Key.Value, e.Committed!.Staged.Fence, e.Committed.Staged.ContentDigest))];
}
