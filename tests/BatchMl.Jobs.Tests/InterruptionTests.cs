using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>What happens to results when processes are killed, run side by side, or data arrives.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class InterruptionTests(FlightDelaysRun uninterrupted)
{
    [Fact]
    public async Task A_run_killed_half_way_and_run_again_ends_as_if_it_had_not_been()
    {
        using var folder = new TestFolder();
        var workspace = folder.At("workspace");
        using (var killed = JobsProcess.Start("run", "flight-delays", "--workspace", workspace))
        {
            // Half-way: some days are committed, others not.
            while (!killed.HasExited && !killed.Error.Contains("score: 19/92", StringComparison.Ordinal) && !killed.Error.Contains("score: 28/92", StringComparison.Ordinal)) await Task.Delay(20);
            Assert.False(killed.HasExited, killed.Output + killed.Error);
            killed.Kill();
            await killed.WaitAsync();
        }
        Assert.InRange((await Workspaces.LedgerAsync(workspace, "flight-delays/score")).Count(e => e.Committed is not null), 1, 91);

        using var again = await JobsProcess.RunAsync("run", "flight-delays", "--workspace", workspace);
        Assert.True(again.ExitCode == 0, again.Output + again.Error);
        await AssertSameAsync(workspace);
        Assert.Empty(Workspaces.Leftovers(workspace));
        AssertLineage(workspace);
    }

    [Fact]
    public async Task Two_processes_at_once_commit_each_partition_once()
    {
        using var folder = new TestFolder();
        var workspace = folder.At("workspace");
        using var first = JobsProcess.Start("run", "flight-delays", "--workspace", workspace);
        using var second = JobsProcess.Start("run", "flight-delays", "--workspace", workspace);
        await first.WaitAsync();
        await second.WaitAsync();
        Assert.True(first.ExitCode == 0, first.Output + first.Error);
        Assert.True(second.ExitCode == 0, second.Output + second.Error);
        await AssertSameAsync(workspace);
        AssertLineage(workspace);
        var completes = Workspaces.Events(workspace).Count(e => e.GetProperty("eventType").GetString() == "COMPLETE" && e.GetProperty("job").GetProperty("name").GetString() == "flight-delays/score");
        Assert.Equal(92, completes);
    }

    [Fact]
    public async Task A_day_that_is_appended_adds_exactly_one_partition()
    {
        using var folder = new TestFolder();
        var (workspace, data) = (folder.At("workspace"), folder.At("data"));
        Workspaces.Copy(uninterrupted.Workspace, workspace);
        Directory.CreateDirectory(data);
        foreach (var file in Directory.GetFiles(Workspaces.Data, "*.parquet")) File.Copy(file, Path.Combine(data, Path.GetFileName(file)));
        string[] run = ["run", "flight-delays", "--workspace", workspace, "--set", $"Sources:flights:Path={data}/flights*.parquet"];
        using (var before = await JobsProcess.RunAsync(run)) Assert.True(before.ExitCode == 0, before.Output + before.Error);
        var content = await Workspaces.ContentAsync(workspace, "flight-delays/score");

        // The first of January 2014, made of the last day of 2013 a day later.
        Duck.Execute($"COPY (SELECT * REPLACE (time_hour + to_days(1) AS time_hour) FROM '{data}/flights.parquet' WHERE month = 12 AND day = 31) TO '{data}/flights-2014-01-01.parquet' (FORMAT parquet)");
        using var after = await JobsProcess.RunAsync([.. run, "--json"]);
        Assert.True(after.ExitCode == 0, after.Output + after.Error);
        var steps = System.Text.Json.JsonDocument.Parse(after.Output).RootElement.GetProperty("steps").EnumerateArray().ToDictionary(s => s.GetProperty("job").GetString()!, s => s.GetProperty("done").GetInt32());
        Assert.Equal(0, steps["flight-delays/training-set"]);
        Assert.Equal(0, steps["flight-delays/train"]);
        Assert.Equal(1, steps["flight-delays/score"]);
        Assert.Equal(1, steps["flight-delays/monitor"]);
        var now = await Workspaces.ContentAsync(workspace, "flight-delays/score");
        Assert.Equal("2014-01-01", now.Keys.Except(content.Keys).Single());
        Assert.All(content, c => Assert.Equal(c.Value, now[c.Key]));
    }

    async Task AssertSameAsync(string workspace)
    {
        foreach (var dataset in new[] { "flight-delays/training-set", "flight-delays/score", "flight-delays/monitor" })
        {
            Assert.Equal(await Workspaces.ContentAsync(uninterrupted.Workspace, dataset), await Workspaces.ContentAsync(workspace, dataset));
        }
        // The same recipe gives the same bytes, not only the same rows.
        Assert.Equal(await TrainingSetFilesAsync(uninterrupted.Workspace), await TrainingSetFilesAsync(workspace));
    }

    static async Task<string[]> TrainingSetFilesAsync(string workspace) =>
        [.. (await Workspaces.LedgerAsync(workspace, "flight-delays/training-set")).Single().Committed!.Staged.Files.Select(f => f.Sha256)];

    static void AssertLineage(string workspace) => Assert.All(
        Workspaces.Events(workspace).GroupBy(e => e.GetProperty("run").GetProperty("runId").GetString()), g =>
        {
            Assert.Equal(1, g.Count(e => e.GetProperty("eventType").GetString() == "START"));
            Assert.Equal(1, g.Count(e => e.GetProperty("eventType").GetString() is "COMPLETE" or "FAIL" or "ABORT"));
        });
}
