using BatchMl.Jobs.Tests.Faults;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>A standalone master with two workers, and tasks that are slow started twice.</summary>
public sealed class SparkCluster : IDisposable
{
    readonly Lazy<LiveStandalone> cluster = new(() => LiveStandalone.Start("4.1", workers: 2));
    readonly Lazy<LiveSpark> server;

    public SparkCluster() => server = new(() => LiveSpark.Start("4.1", cluster.Value.Url, new Dictionary<string, string>
    {
        ["spark.executor.memory"] = "1g", ["spark.executor.cores"] = "1", ["spark.sql.shuffle.partitions"] = "6",
        ["spark.speculation"] = "true", ["spark.speculation.quantile"] = "0.1", ["spark.speculation.multiplier"] = "1.1", ["spark.speculation.interval"] = "50ms", ["spark.speculation.minTaskRuntime"] = "50ms",
    }));

    public LiveSpark Server => server.Value;

    /// <summary>Process numbers of the workers.</summary>
    public IReadOnlyList<int> Workers => cluster.Value.Workers;

    public void Dispose()
    {
        if (server.IsValueCreated) server.Value.Dispose();
        if (cluster.IsValueCreated) cluster.Value.Dispose();
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
        Assert.Equal(1, SparkProcesses.KillExecutor(spark.Workers));
        var result = await run;
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(null);
    }
}
