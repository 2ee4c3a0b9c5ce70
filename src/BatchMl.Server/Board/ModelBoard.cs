using System.Collections.Concurrent;
using System.Globalization;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Server.Board;

/// <summary>A version of a model.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="IsCurrent">Whether it is the one that scores: the latest.</param>
/// <param name="Digest">Of encoder, weights and signature; null: its package can not be read.</param>
/// <param name="Flavor">Which scorer loads it.</param>
/// <param name="FeatureService">What it consumes, <c>name@version</c>.</param>
/// <param name="TrainingSetDigest">Digest of what it was trained on; null: it was made elsewhere.</param>
/// <param name="Metrics">Metrics by split, e.g. <c>test.auc</c>.</param>
/// <param name="CommittedAt">When it was made.</param>
/// <param name="RunId">By which run.</param>
/// <param name="Problem">Why its package can not be read; null: it can.</param>
public sealed record ModelVersionView(
    string Model, string Version, bool IsCurrent, string? Digest, string? Flavor, string? FeatureService, string? TrainingSetDigest, IReadOnlyDictionary<string, double> Metrics, DateTimeOffset CommittedAt, string RunId,
    string? Problem);

/// <summary>Models of the workspace. A package is read once: a version never changes, but for being replaced under another fence.</summary>
sealed class ModelBoard(ServerContext context, DatasetBoard datasets)
{
    readonly ConcurrentDictionary<(string Model, string Version, long Fence), ModelVersionView> read = new();

    /// <summary>All versions, of one model after the other, the newest first.</summary>
    public async Task<IReadOnlyList<ModelVersionView>> AllAsync(CancellationToken cancel)
    {
        var environment = context.Session.Environment;
        var views = new List<ModelVersionView>();
        foreach (var model in (await datasets.AllAsync(cancel)).Where(d => d.Sink == environment.Models.Name).Select(d => d.Name))
        {
            var versions = (await environment.Catalog.LedgerAsync(environment.Models.Name, model, cancel)).Where(e => e.Committed is not null)
                .OrderByDescending(e => int.TryParse(e.Key.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1).ToArray();
            views.AddRange(versions.Select((entry, i) => read.GetOrAdd((model, entry.Key.Value, entry.Committed!.Staged.Fence), _ => Read(entry)) with { IsCurrent = i == 0 }));
        }
        return views;
    }

    ModelVersionView Read(LedgerEntry entry)
    {
        var (model, version, committed) = (entry.Key.Dataset, entry.Key.Value, entry.Committed!);
        try
        {
            var manifest = ModelPackage.Open(context.Session.Environment.Models.FolderOf(model, version)).Manifest;
            return new ModelVersionView(model, version, false, manifest.Digest, manifest.Flavor, $"{manifest.FeatureService}@{manifest.FeatureServiceVersion}", manifest.TrainingSetDigest, manifest.Metrics, committed.CommittedAt, committed.RunId, null);
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            return new ModelVersionView(model, version, false, null, null, null, null, new Dictionary<string, double>(), committed.CommittedAt, committed.RunId, e.Message);
        }
    }
}
