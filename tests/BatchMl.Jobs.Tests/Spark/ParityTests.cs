using Apache.Arrow;
using BatchMl.Engine.Shuffle;
using BatchMl.Spark.Connect;
using BatchMl.Spark.Worker;
using BatchMl.SparkJobs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Conformance;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>What jobs make on a real Spark is what they make in one process, bit for bit.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class ParityTests(FlightDelaysRun local, StoreRun store) : IClassFixture<StoreRun>
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("3.5")]
    [InlineData("4.1")]
    [InlineData("4.3")]
    public async Task Jobs_and_conformance_vectors_give_on_Spark_what_they_give_here(string version)
    {
        using var spark = LiveSpark.Start(version);
        await AssertVectorsAsync(spark);
        using var folder = new TestFolder();
        var workspace = folder.At("workspace");
        await store.RunAllAsync(workspace, StoreRun.On(spark));
        Assert.InRange(await WorkspaceContent.AssertSameAsync(store.Local, workspace), 30, 60);
        // What one engine made the other does not make again.
        AssertNothingMade(await store.RunAllAsync(workspace));
        var copy = folder.At("copy");
        Workspaces.Copy(store.Local, copy);
        AssertNothingMade(await store.RunAllAsync(copy, StoreRun.On(spark)));
        var (code, text) = await store.TryAsync(folder.At("limited"), "store", StoreRun.On(spark, "--set", "DeadLetterLimit=1"));
        Assert.True(code == 3, text);
        await SparkTables.AssertPinnedByDayAsync(spark);
        if (version != "4.1") return;
        await SparkTables.AssertPipelineAsync(spark, store);
        await AssertFlightDelaysAsync(spark, folder.At("flights"));
    }

    static void AssertNothingMade(string text)
    {
        var steps = text.Split('\n').Where(l => l.Contains(" partitions to make", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(steps);
        Assert.All(steps, s => Assert.Contains(": 0 partitions to make", s, StringComparison.Ordinal));
    }

    async Task AssertFlightDelaysAsync(LiveSpark spark, string workspace)
    {
        using var run = await JobsProcess.RunAsync("run", "flight-delays", "--workspace", workspace, "--engine", "spark", "--set", $"Spark:Remote={spark.Remote}", "--set", $"Spark:Worker={JobsProcess.Program}");
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Equal(1 + 1 + 92 + 92, await WorkspaceContent.AssertSameAsync(local.Workspace, workspace));
    }

    static async Task AssertVectorsAsync(LiveSpark spark)
    {
        var vectors = ConformanceVector.All;
        await using var session = await SparkSession.ConnectAsync(SparkRemote.Parse(spark.Remote), null, Cancel);
        await session.SetAsync(new Dictionary<string, string> { ["spark.sql.execution.pyspark.python"] = SparkJobs.Program.Path, ["spark.sql.execution.arrow.maxRecordsPerBatch"] = "7" }, Cancel);
        // In any order: the shuffle is what sorts them.
        Parcel[] parcels = [.. vectors.SelectMany((v, i) => TravellingCase.ToParcels(i, v.Events, v.Spine, v.Query))];
        new Random(5).Shuffle(parcels);
        var relation = SparkRelation.Local(Batch(parcels)).Repartition(5, "bucket").SortWithinPartitions("bucket", "order_in_bucket")
            .Map(new SparkFunction(NamedFunctions.Command(ConformanceFunction.Name), [.. Parcel.Schema.FieldsList.Select(f => f.Name)], "bucket BIGINT, order_in_bucket BIGINT, table_number INT, data BINARY", "conformance"));
        var outcomes = new Dictionary<long, Parcel>();
        await foreach (var batch in session.CollectAsync(relation, null, Cancel))
        {
            using (batch)
                foreach (var parcel in Parcel.FromBatch(batch)) outcomes.Add(parcel.Bucket, parcel);
        }
        Assert.Equal(vectors.Count, outcomes.Count);
        for (var i = 0; i < vectors.Count; i++)
        {
            var outcome = outcomes[i];
            Assert.True(Judge.Check(vectors[i], (_, _, _) => TravellingCase.Outcome(outcome)) is null, $"{vectors[i].Name}: {Judge.Check(vectors[i], (_, _, _) => TravellingCase.Outcome(outcome))}");
        }
    }

    static RecordBatch Batch(IEnumerable<Parcel> parcels)
    {
        var batches = parcels.Select(p => p.ToBatch()).ToArray();
        return new RecordBatch(Parcel.Schema, Enumerable.Range(0, 4).Select(c => BatchMl.Data.Columns.Concat([.. batches.Select(b => b.Column(c))])), batches.Length);
    }
}
