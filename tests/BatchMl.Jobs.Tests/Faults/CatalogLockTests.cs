using BatchMl.Runs;
using Microsoft.Data.Sqlite;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A catalog that another program keeps locked, and a time of day that jumps back.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class CatalogLockTests(FlightDelaysRun uninterrupted)
{
    static readonly string[] partitions = ["2013-12-30", "2013-12-31"];
    static readonly string[] days = [.. partitions.SelectMany(p => new[] { "--partition", p })];

    static Task LockAsync(ScoringWorkspace workspace, TimeSpan time)
    {
        var connection = new SqliteConnection($"Data Source={new Workspace(workspace.Path).CatalogPath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN EXCLUSIVE";
        command.ExecuteNonQuery();
        return Task.Run(async () =>
        {
            await Task.Delay(time);
            await connection.DisposeAsync();
        });
    }

    [Theory]
    [InlineData("before lease")]
    [InlineData("before stage")]
    [InlineData("before commit")]
    [InlineData("before mark published")]
    [InlineData("before mark delivered")]
    public async Task A_catalog_that_is_locked_for_longer_than_it_is_waited_for_is_tried_again(string point)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        Task? held = null;
        var disturbed = new DisturbedJobs
        {
            Busy = TimeSpan.FromSeconds(1),
            Reached = at =>
            {
                if (at == point && held is null) held = LockAsync(workspace, TimeSpan.FromSeconds(2));
            },
        };
        var result = await disturbed.RunAsync(workspace.Run(days));
        Assert.True(result.Code == 0, result.All);
        await held!;
        var next = await new DisturbedJobs().RunAsync(workspace.Run(days));
        Assert.True(next.Code == 0, next.All);
        await workspace.AssertWholeAsync(partitions);
    }

    [Fact]
    public async Task A_catalog_that_stays_locked_is_an_error_that_says_so_and_loses_nothing()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var held = LockAsync(workspace, TimeSpan.FromSeconds(3));
        var result = await new DisturbedJobs { Busy = TimeSpan.FromSeconds(1) }.RunAsync(workspace.Run(days));
        Assert.Equal(1, result.Code);
        Assert.Contains($"{new Workspace(workspace.Path).CatalogPath} was busy for 1 s", result.All, StringComparison.Ordinal);
        await held;
        result = await new DisturbedJobs().RunAsync(workspace.Run(days));
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(partitions);
    }

    [Fact]
    public async Task The_real_program_waits_for_a_catalog_that_is_locked_for_a_while()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var held = LockAsync(workspace, TimeSpan.FromSeconds(4));
        using var process = await JobsProcess.RunAsync(workspace.Run(days));
        await held;
        Assert.True(process.ExitCode == 0, process.Output + process.Error);
        await workspace.AssertWholeAsync(partitions);
    }

    sealed class JumpingClock : TimeProvider
    {
        public TimeSpan Jump { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Jump;
    }

    [Fact]
    public async Task A_time_of_day_that_jumps_back_leaves_runs_in_order_and_durations_sane()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var clock = new JumpingClock();
        void Jump(string at)
        {
            if (at is "after lease" or "after commit") clock.Jump -= TimeSpan.FromDays(3);
        }
        foreach (var partition in partitions)
        {
            var result = await new DisturbedJobs { Clock = clock, Reached = Jump }.RunAsync(workspace.Run("--partition", partition));
            Assert.True(result.Code == 0, result.All);
        }
        await workspace.AssertWholeAsync(partitions);
        var status = await new DisturbedJobs { Clock = clock }.RunAsync("status", "--workspace", workspace.Path);
        var lines = status.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var latest = await Workspaces.LatestRunAsync(workspace.Path);
        Assert.StartsWith(latest.RunId, lines[0], StringComparison.Ordinal);
        Assert.Contains($"\"Partitions\":[\"{partitions[1]}\"]", latest.ArgumentsJson, StringComparison.Ordinal);
        // A run that ended "before it began" has no duration that can be told from its two times.
        Assert.DoesNotMatch(@"-\d+\.\d s", status.Output);
    }
}
