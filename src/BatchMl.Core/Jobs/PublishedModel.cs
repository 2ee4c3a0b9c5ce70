using System.Globalization;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Jobs;

/// <summary>A model package that the ledger knows as committed.</summary>
sealed record PublishedModel(ModelPackage Package, string Version, string Folder, IReadOnlyList<StagedFile> Files)
{
    /// <summary>A file of the package, held against what was committed unless somebody put it there later; null: there is none.</summary>
    public byte[]? Find(string name)
    {
        var path = Path.Combine(Folder, name);
        return Files.FirstOrDefault(f => f.Name == name) is { } file ? CommittedFile.Read(path, file) : File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    /// <summary>For a person.</summary>
    public override string ToString() => $"{Package.Manifest.Name}@{Version}";

    /// <summary>The versions of a model that are committed, in order.</summary>
    public static async Task<IReadOnlyList<int>> VersionsAsync(JobEnvironment environment, string model, CancellationToken cancel) =>
        [.. (await environment.Catalog.LedgerAsync(environment.Models.Name, model, cancel)).Where(v => v.Committed is not null).Select(v => int.Parse(v.Key.Value, CultureInfo.InvariantCulture)).Order()];

    /// <summary>
    /// Which version a run of a scoring job scores with: the one that its partitions are of where those are named (<see cref="RunRequest.Only"/>), else the one that is asked for, else the job's; null: it is not made yet.
    /// </summary>
    /// <exception cref="DefinitionException">The version that is asked for does not exist: names those that do.</exception>
    public static async Task<int?> VersionAsync(JobEnvironment environment, ModelReference model, ScoreJob job, RunRequest request, CancellationToken cancel)
    {
        var versions = await VersionsAsync(environment, model.Name, cancel);
        if (job.DatasetNamedBy(request) is { } dataset && DatasetVersion.Of(dataset) is { } named) return versions.Contains(named.Version) ? named.Version : null;
        var asked = request.Models.Select(m => ModelReference.Parse(m, "--model")).FirstOrDefault(m => m.Name == model.Name);
        if (asked?.Version is { } wanted && !versions.Contains(wanted))
        {
            throw new DefinitionException($"--model is '{asked}', but there is no such version. {(versions.Count == 0 ? $"Of model {model.Name} there is none yet: train it first." : $"There are: {string.Join(", ", versions.Select(v => $"{model.Name}@{v}"))}.")}");
        }
        return Of(asked ?? model, versions);
    }

    /// <summary>A reference's version among those that there are; null: it is not made yet.</summary>
    static int? Of(ModelReference model, IReadOnlyList<int> versions) => model.Version is { } version ? versions.Contains(version) ? version : null : versions.Count > 0 ? versions[^1] : null;

    /// <summary>What a job's own reference means now; null: it is not made yet.</summary>
    public static async Task<PublishedModel?> FindAsync(JobEnvironment environment, ModelReference model, CancellationToken cancel) =>
        Of(model, await VersionsAsync(environment, model.Name, cancel)) is { } version ? await OpenAsync(environment, model.Name, version, cancel) : null;

    /// <summary>Opens a committed version.</summary>
    public static async Task<PublishedModel> OpenAsync(JobEnvironment environment, string model, int version, CancellationToken cancel)
    {
        var value = version.ToString(CultureInfo.InvariantCulture);
        var committed = (await environment.Catalog.EntryAsync(new PartitionKey(environment.Models.Name, model, "version", value), cancel))!.Committed!;
        var folder = environment.Models.FolderOf(model, value);
        return new PublishedModel(ModelPackage.Open(folder), value, folder, committed.Staged.Files);
    }
}

/// <summary>The models that a run of a scoring job scores with, held against its features.</summary>
/// <param name="Champion">Whose scores count; null: not made yet.</param>
/// <param name="Challenger">Who scores beside it; null: nobody, or not made yet.</param>
/// <param name="Layout">The columns of the rows; null while a model is not made yet.</param>
/// <param name="Missing">What is not made yet.</param>
sealed record ModelsToScore(PublishedModel? Champion, PublishedModel? Challenger, ScoreLayout? Layout, IReadOnlyList<string> Missing)
{
    /// <summary>What the fingerprint has of models.</summary>
    public string Digest => Challenger is null ? Champion!.Package.Manifest.Digest : $"{Champion!.Package.Manifest.Digest}+{Challenger.Package.Manifest.Digest}";

    /// <exception cref="DefinitionException">A model does not fit the job's features, or the version that the run asks for does not exist.</exception>
    public static async Task<ModelsToScore> FindAsync(ScoreJob job, JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var champion = await PublishedModel.VersionAsync(environment, job.Scorer, job, request, cancel) is { } version ? await PublishedModel.OpenAsync(environment, job.Model, version, cancel) : null;
        var challenger = job.ChallengingModel is { } reference ? await PublishedModel.FindAsync(environment, reference, cancel) : null;
        foreach (var model in new[] { champion, challenger }.OfType<PublishedModel>())
        {
            ModelCheck.Verify(model.Package.Manifest, model.Package.Encoder, job.Query.Service!.Name, job.Query.Service.Version, job.Query.Columns);
            // Before a challenger that can not be loaded looks like one that scores nothing.
            if (!environment.Scorers.ContainsKey(model.Package.Manifest.Flavor)) throw new DefinitionException($"Model {model} is of flavor '{model.Package.Manifest.Flavor}', which no scorer of this program loads; there are: {string.Join(", ", environment.Scorers.Keys)}.");
        }
        var missing = new List<string>();
        if (champion is null) missing.Add($"model {job.Scorer}, which a training job makes");
        if (job.ChallengingModel is not null && challenger is null) missing.Add($"model {job.ChallengingModel}, its challenger, which a training job makes");
        var layout = missing.Count > 0 ? null : new ScoreLayout(champion!.Package.Manifest, job.Query.Columns, job.Keep, challenger?.Package.Manifest, QueryText.Definitions(job.Query));
        return new(champion, challenger, layout, missing);
    }
}
