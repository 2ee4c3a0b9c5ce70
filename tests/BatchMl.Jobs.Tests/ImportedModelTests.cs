using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Hosting;
using BatchMl.Lineage;
using BatchMl.Onnx;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>A quantised ONNX model in place of the one that the pipeline trains.</summary>
public sealed class ImportedModelTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    async Task PublishAsync(int? rowsPerCall)
    {
        var (workspace, at, cancel) = (new Workspace(folder.At("work")), DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);
        var store = new ModelStore(workspace.Models);
        await using var catalog = new SqliteCatalog(workspace.CatalogPath);
        var key = new PartitionKey(store.Name, "flight-delays", "version", "1");
        await catalog.StartRunAsync(new RunRecord("r1", "import", "run", "{}", RunState.Running, at, null, null, null, "h", null), [], cancel);
        var lease = (await catalog.TryLeaseAsync(new NewAttempt(key, "r1", "a1", "h", new LineageRun("a1", "import", "r1", "import", "r1", "import", null, null, null), 15, 0), null, 0, [], at, cancel))!;
        await File.WriteAllBytesAsync(folder.At("model.onnx"), TinyModel.Quantised([3, -7, 20]), cancel);
        var manifest = OnnxImport.Package(folder.At("model.onnx"), store.BeginStage(key, lease.Fence), new ModelImport
        {
            Name = "flight-delays", Version = 1, FeatureService = "flight-delays", FeatureServiceVersion = 1,
            Inputs = [new("origin_delay_mean_1h", ColumnType.Double), new("origin_delay_mean_3h", ColumnType.Double), new("carrier_late_share_7d", ColumnType.Double)],
        }, null, rowsPerCall);
        var staged = store.CompleteStage(key, lease.Fence, manifest.Digest);
        var version = new CommittedVersion(staged, new Fingerprint("d", "m", "i", "1.1"), "r1", at);
        Assert.True(await catalog.StageAsync(lease, staged, cancel) && await catalog.CommitAsync(lease, version, [], cancel));
        await store.PublishAsync(new PartitionManifest(1, staged, "r1", version.Fingerprint.Value, at), cancel);
        await catalog.MarkPublishedAsync(key, lease.Fence, at, cancel);
        await catalog.FinishRunAsync("r1", RunState.Completed, null, null, [], at, cancel);
    }

    async Task<string> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync([.. args, "--workspace", folder.At("work")], TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"{code}: {output}{error}");
        return output.ToString();
    }

    [Fact]
    public async Task The_plan_says_that_each_row_is_scored_alone_and_so_it_is()
    {
        await PublishAsync(null);
        Assert.Contains("each row is scored in a call of its own", await RunAsync("plan", "flight-delays/score", "--partition", "2013-10-01"), StringComparison.Ordinal);
        await RunAsync("run", "flight-delays/score", "--partition", "2013-10-01");
        var alone = (await Workspaces.ContentAsync(folder.At("work"), "flight-delays/score"))["2013-10-01"];
        // In a unit with its neighbours.
        await RunAsync("run", "flight-delays/score", "--partition", "2013-09-30", "--partition", "2013-10-01", "--partition", "2013-10-02", "--force");
        Assert.Equal(alone, (await Workspaces.ContentAsync(folder.At("work"), "flight-delays/score"))["2013-10-01"]);
    }

    [Fact]
    public async Task The_plan_says_that_scores_depend_on_neighbours_where_calls_of_many_rows_were_chosen()
    {
        await PublishAsync(256);
        Assert.Contains("calls of 256 rows; a score depends on the rows beside it", await RunAsync("plan", "flight-delays/score", "--partition", "2013-10-01"), StringComparison.Ordinal);
    }
}
