using BatchMl.Jobs.Tests.Faults;
using BatchMl.Testing;
using BatchMl.Testing.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>Two executors as processes of their own, with tasks that are slow started twice.</summary>
public sealed class SparkCluster : IDisposable
{
    readonly Lazy<LiveSpark> server = new(() => LiveSpark.Start("4.1", "local-cluster[2,1,1024]", new Dictionary<string, string>
    {
        ["spark.executor.memory"] = "1g", ["spark.sql.shuffle.partitions"] = "6",
        ["spark.speculation"] = "true", ["spark.speculation.quantile"] = "0.1", ["spark.speculation.multiplier"] = "1.1", ["spark.speculation.interval"] = "50ms", ["spark.speculation.minTaskRuntime"] = "50ms",
    }));

    public LiveSpark Server => server.Value;

    public void Dispose()
    {
        if (server.IsValueCreated) server.Value.Dispose();
    }
}

[Collection(nameof(FlightDelaysCollection))]
public sealed class SparkClusterTests(FlightDelaysRun uninterrupted, StoreRun store, SparkCluster spark) : IClassFixture<StoreRun>, IClassFixture<SparkCluster>
{
    [Fact]
    public async Task With_a_hot_key_cut_by_time_rows_are_the_same()
    {
        using var folder = new TestFolder();
        var text = await store.RunAllAsync(folder.At("workspace"), StoreRun.On(spark.Server, "--set", "Spark:RowsPerTask=200"));
        Assert.Contains("cut by time into", text, StringComparison.Ordinal);
        await WorkspaceContent.AssertSameAsync(store.Local, folder.At("workspace"));
    }

    [Fact]
    public async Task A_killed_executor_is_replaced_and_each_partition_is_made_once()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var run = Task.Run(() => new DisturbedJobs().RunAsync(workspace.Run(["--engine", "spark", "--set", $"Spark:Remote={spark.Server.Remote}", "--set", $"Spark:Worker={JobsProcess.Program}"])));
        await SparkProcesses.ScoringAsync(workspace.Path, run);
        Assert.Equal(1, SparkProcesses.KillExecutor(spark.Server));
        var result = await run;
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(null);
    }
}
