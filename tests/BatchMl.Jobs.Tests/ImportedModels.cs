using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Onnx;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Small ONNX models in place of those that jobs train.</summary>
static class ImportedModels
{
    /// <summary>Publishes a version of a quantised model over three features of the flights.</summary>
    /// <param name="root">The workspace.</param>
    /// <param name="name">The model.</param>
    /// <param name="number">Its version.</param>
    /// <param name="weights">Three.</param>
    /// <param name="rowsPerCall">As the import takes it.</param>
    /// <param name="serviceVersion">Of the feature service that it is said to be for.</param>
    public static async Task PublishAsync(string root, string name, int number, sbyte[] weights, int? rowsPerCall = null, int serviceVersion = 1)
    {
        var (workspace, at, cancel) = (new Workspace(root), DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);
        var store = new ModelStore(workspace.Models);
        await using var catalog = new SqliteCatalog(workspace.CatalogPath);
        var key = new PartitionKey(store.Name, name, "version", $"{number}");
        var run = $"import of {name}@{number}";
        await catalog.StartRunAsync(new RunRecord(run, "import", "run", "{}", RunState.Running, at, null, null, null, "h", null), [], cancel);
        var lease = (await catalog.TryLeaseAsync(new NewAttempt(key, run, run, "h", new LineageRun(run, "import", run, "import", run, "import", null, null, null), 15, 0), null, 0, [], at, cancel))!;
        using var folder = new TestFolder();
        await File.WriteAllBytesAsync(folder.At("model.onnx"), TinyModel.Quantised(weights), cancel);
        var manifest = OnnxImport.Package(folder.At("model.onnx"), store.BeginStage(key, lease.Fence), new ModelImport
        {
            Name = name, Version = number, FeatureService = "flight-delays", FeatureServiceVersion = serviceVersion,
            Inputs = [new("origin_delay_mean_1h", ColumnType.Double), new("origin_delay_mean_3h", ColumnType.Double), new("carrier_late_share_7d", ColumnType.Double)],
        }, null, rowsPerCall);
        var staged = store.CompleteStage(key, lease.Fence, manifest.Digest);
        var version = new CommittedVersion(staged, new Fingerprint("d", "m", "i", "1.1"), run, at);
        Assert.True(await catalog.StageAsync(lease, staged, cancel) && await catalog.CommitAsync(lease, version, [], cancel));
        await store.PublishAsync(new PartitionManifest(1, staged, run, version.Fingerprint.Value, at), cancel);
        await catalog.MarkPublishedAsync(key, lease.Fence, at, cancel);
        await catalog.FinishRunAsync(run, RunState.Completed, null, null, [], at, cancel);
    }
}
