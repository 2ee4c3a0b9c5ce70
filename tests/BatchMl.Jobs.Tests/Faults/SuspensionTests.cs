using BatchMl.Testing;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A worker that is suspended (SIGSTOP) while another takes over, and then woken.</summary>
[Collection(nameof(FlightDelaysCollection))]
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
        // Most of the time is waiting.
        await Parallel.ForEachAsync(points, new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (point, _) => await SuspendAsync(point));
    }

    async Task SuspendAsync(string point)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var run = workspace.Run([.. partitions.SelectMany(p => new[] { "--partition", p })]);
        using var sleeper = JobsProcess.StartStopping(point, run);
        while (!sleeper.HasExited && !sleeper.IsStopped) await Task.Delay(20);
        Assert.False(sleeper.HasExited, $"{point} was not reached: {sleeper.Output}{sleeper.Error}");

        using var taker = await JobsProcess.RunAsync(run);
        Assert.True(taker.ExitCode == 0, $"{point}: {taker.Output}{taker.Error}");
        Assert.True(sleeper.IsStopped);
        var committed = await CommittedAsync(workspace);
        Assert.Equal(partitions, committed.Select(c => c.Partition));

        sleeper.Wake();
        await sleeper.WaitAsync();
        Assert.True(sleeper.ExitCode == 0, $"{point}: {sleeper.Output}{sleeper.Error}");
        Assert.Equal(committed, await CommittedAsync(workspace));

        using var next = await JobsProcess.RunAsync(run);
        Assert.True(next.ExitCode == 0 && next.When(": 0 partitions to make, 2 to keep") is not null, $"{point}: {next.Output}{next.Error}");
        Assert.Equal(committed, await CommittedAsync(workspace));
        await workspace.AssertWholeAsync(partitions);
    }

    static async Task<IReadOnlyList<(string Partition, long Fence, string Content)>> CommittedAsync(ScoringWorkspace workspace) =>
        [.. (await Workspaces.LedgerAsync(workspace.Path, ScoringWorkspace.Job)).Where(e => e.Committed is not null).Select(e => (e.Key.Value, e.Committed!.Staged.Fence, e.Committed.Staged.ContentDigest))];
}
