using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>The real program with its catalog in PostgreSQL.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class PostgresTests(FlightDelaysRun uninterrupted)
{
    [Fact]
    public async Task Of_two_processes_that_share_a_job_one_is_killed_and_then_the_database_and_each_partition_is_made_once()
    {
        using var server = await PostgresServer.StartAsync();
        var address = server.Address();
        using var workspace = new ScoringWorkspace(uninterrupted, postgres: address);
        await Workspaces.MoveCatalogAsync(workspace.Path, address);
        using var victim = JobsProcess.Start(workspace.Run());
        using var other = JobsProcess.Start(workspace.Run());
        await KillTests.MidwayAsync(workspace, victim);
        victim.Kill();
        await server.KillAsync();
        await server.GoOnAsync();
        await victim.WaitAsync();
        await other.WaitAsync();
        Assert.True(other.ExitCode == 0, other.Output + other.Error);
        using var next = await JobsProcess.RunAsync(workspace.Run());
        Assert.True(next.ExitCode == 0 && next.When(": 0 partitions to make, 92 to keep") is not null, next.Output + next.Error);
        await workspace.AssertWholeAsync(null);
        Assert.False(File.Exists(new Runs.Workspace(workspace.Path).CatalogPath));
    }
}
