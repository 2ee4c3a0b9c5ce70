using System.Globalization;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>kill -9 of the real program at random moments, alone and beside others.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class KillTests(FlightDelaysRun uninterrupted)
{
    internal const int KillsPerWorkspace = 7;

    /// <summary>20 kills; <c>BATCHML_SOAK=1</c>: 200, and what was measured is written to <c>soak-result.md</c> beside this file.</summary>
    [Fact]
    public async Task Killed_at_random_moments_and_run_again_all_is_as_if_nothing_had_happened()
    {
        var isSoak = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1";
        var kills = isSoak ? 200 : 20;
        var random = new Random(20131001);
        var result = new KillResult();
        var length = await UninterruptedAsync(result);
        while (result.Kills < kills)
        {
            using var workspace = new ScoringWorkspace(uninterrupted);
            for (var i = 0; i < KillsPerWorkspace && result.Kills < kills; i++)
            {
                using var process = JobsProcess.Start(workspace.Run());
                await Task.WhenAny(process.WaitAsync(), Task.Delay(length * random.NextDouble() * 0.35));
                if (process.HasExited) break;
                process.Kill();
                await process.WaitAsync();
                result.Killed(process, isRecovering: i > 0);
            }
            using var last = await JobsProcess.RunAsync(workspace.Run());
            Assert.True(last.ExitCode == 0, last.Output + last.Error);
            await workspace.AssertWholeAsync(null);
            await result.EndedAsync(last, workspace);
        }
        foreach (var line in result.Lines) TestContext.Current.TestOutputHelper!.WriteLine(line);
        if (isSoak) await result.SaveAsync();
    }

    async Task<TimeSpan> UninterruptedAsync(KillResult result)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        using var process = await JobsProcess.RunAsync(workspace.Run());
        Assert.True(process.ExitCode == 0, process.Output + process.Error);
        await workspace.AssertWholeAsync(null);
        return result.Uninterrupted(process);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Of_several_processes_at_once_one_is_killed_and_each_partition_is_made_once(int count)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var processes = Enumerable.Range(0, count).Select(_ => JobsProcess.Start(workspace.Run())).ToArray();
        try
        {
            var (victim, rest) = (processes[0], processes[1..]);
            await MidwayAsync(workspace, victim);
            victim.Kill();
            foreach (var process in processes) await process.WaitAsync();
            Assert.All(rest, p => Assert.True(p.ExitCode == 0, p.Output + p.Error));
        }
        finally
        {
            foreach (var process in processes) process.Dispose();
        }
        using var next = await JobsProcess.RunAsync(workspace.Run());
        Assert.True(next.ExitCode == 0 && next.When(": 0 partitions to make, 92 to keep") is not null, next.Output + next.Error);
        await workspace.AssertWholeAsync(null);
    }

    [Fact]
    public async Task A_run_that_ended_between_its_partitions_and_their_report_has_it_made_by_the_next()
    {
        using var folder = new TestFolder();
        var workspace = folder.At("workspace");
        Workspaces.Copy(uninterrupted.Workspace, workspace);
        var report = Path.Combine(new Workspace(workspace).Reports, "flight-delays/monitor.html");
        await File.WriteAllTextAsync(report, "the one before", TestContext.Current.CancellationToken);
        string[] monitor = ["run", "flight-delays/monitor", "--workspace", workspace];
        var stopped = await new DisturbedJobs { Reached = DisturbedJobs.At("before pending", () => throw new InvalidOperationException("ended here")) }
            .RunAsync([.. monitor, "--force", "--partition", "2013-12-31"]);
        Assert.Contains("ended here", stopped.All, StringComparison.Ordinal);
        Assert.Equal("the one before", await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken));
        var next = await new DisturbedJobs().RunAsync(monitor);
        Assert.True(next.Code == 0 && next.All.Contains(": 0 partitions to make", StringComparison.Ordinal), next.All);
        Assert.Contains("2013-12-31", await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(Workspaces.Leftovers(workspace));
    }

    /// <summary>Waits until a part is committed, and the victim is busy with another.</summary>
    internal static async Task MidwayAsync(ScoringWorkspace workspace, JobsProcess victim)
    {
        await using var catalog = workspace.Catalog();
        var id = victim.Id.ToString(CultureInfo.InvariantCulture);
        while (true)
        {
            Assert.False(victim.HasExited, victim.Output + victim.Error);
            var attempts = await ScoringWorkspace.AttemptsAsync(catalog);
            if (attempts.Any(a => a.State == AttemptState.Published) && attempts.Any(a => a.State is AttemptState.Leased or AttemptState.Staged && a.Holder.Split('/')[3] == id)) return;
            await Task.Delay(10);
        }
    }
}
