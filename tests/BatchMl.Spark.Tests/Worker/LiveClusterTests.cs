using BatchMl.Spark.Connect;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>What needs a server of another kind than the shared ones: tasks that are tried again, and GPUs.</summary>
[Collection(nameof(LiveCluster))]
public sealed class LiveClusterTests
{
    [Fact]
    public async Task A_task_that_failed_is_tried_again_and_its_rows_are_there_once()
    {
        using var server = LiveSpark.Start("4.1", "local[2,3]");
        await using var session = await LiveWorker.ConnectAsync(server);
        var mapped = SparkRelation.Range(0, 50_000, partitions: 2).Map(LiveWorker.Numbers("fail-once")).GroupBy().Agg("concat(count(*), ' ', sum(id)) AS s");
        Assert.Equal(["50000 1249975000"], await LiveWorker.TextsAsync(session, mapped));
        Assert.Contains("the first attempt fails", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_that_Sparks_discovery_script_found_reaches_the_function()
    {
        using var folder = new TestFolder();
        var script = folder.At("gpus.sh");
        await File.WriteAllTextAsync(script, "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"5\"]}'\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using var server = LiveSpark.Start("4.3", "local-cluster[1,2,1024]", new Dictionary<string, string>
        {
            ["spark.executor.cores"] = "2",
            ["spark.executor.memory"] = "1g",
            ["spark.worker.resource.gpu.amount"] = "1",
            ["spark.worker.resource.gpu.discoveryScript"] = script,
            ["spark.executor.resource.gpu.amount"] = "1",
            ["spark.task.resource.gpu.amount"] = "0.5",
        }, new Dictionary<string, string> { ["SPARK_SCALA_VERSION"] = "2.13" });
        await using var session = await LiveWorker.ConnectAsync(server);
        var told = await LiveWorker.TextsAsync(session, SparkRelation.Range(0, 4, partitions: 2).Map(LiveWorker.Tell));
        Assert.Equal(2, told.Count);
        Assert.All(told, t => Assert.Equal("5", t.Split(';')[3]));
    }
}

/// <summary>Servers of their own: not beside others.</summary>
[CollectionDefinition(nameof(LiveCluster), DisableParallelization = true)]
public sealed class LiveCluster;
