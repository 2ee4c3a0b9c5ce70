using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Jobs;

/// <summary>
/// Scores the rows of a spine, partition by partition: features, encoder and model in one pass; rows that can not be scored become dead letters.
/// </summary>
public sealed class ScoreJob : DatasetJob
{
    /// <summary>A scoring job.</summary>
    /// <exception cref="DefinitionException">Everything that is wrong with the definitions, at once.</exception>
    public ScoreJob(string name, string description, Spine spine, FeatureService service, string model, params IReadOnlyList<string> keep) : base(name, description)
    {
        Query = FeatureQuery.Create(spine, service, null);
        Model = model;
        Keep = keep.Count > 0 ? keep : [.. spine.KeyColumns];
        var unknown = Keep.Where(k => Query.Columns.All(c => c.Name != k)).ToArray();
        if (unknown.Length > 0)
        {
            throw new DefinitionException($"Job '{name}' keeps columns that neither the spine nor the features have: {string.Join(", ", unknown)}. There are: {string.Join(", ", Query.Columns.Select(c => c.Name))}.");
        }
    }

    /// <summary>What is asked.</summary>
    public FeatureQuery Query { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeatureQuery> Queries => [Query];

    /// <summary>Name of the model; its latest version scores.</summary>
    public string Model { get; }

    /// <summary>Columns that the rows keep beside their scores; <c>as_of</c> is always kept.</summary>
    public IReadOnlyList<string> Keep { get; }

    /// <inheritdoc/>
    public override ISink SinkIn(JobEnvironment environment) => environment.Scores;

    /// <summary>First partition date; null: the first in the data.</summary>
    public DateOnly? From { get; init; }

    /// <summary>End of the partition dates, exclusive; null: as far as there are rows.</summary>
    public DateOnly? To { get; init; }

    /// <inheritdoc/>
    public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var range = PartitionRange.Of(request, From, To);
        var model = await PublishedModel.LatestAsync(environment, Model, cancel);
        if (model is not null) ModelCheck.Verify(model.Package.Manifest, model.Package.Encoder, Query.Service!.Name, Query.Service.Version, Query.Columns);
        var pinned = await environment.Engine.OpenAsync(Query, environment.Sources, JobOptions.Of(environment, request), cancel);
        try
        {
            var found = await pinned.PartitionsAsync(range.From, range.To, cancel);
            var readiness = await Readiness.OfAsync(pinned, environment.Readiness, found, long.MaxValue, cancel);
            var absent = (request.Due is { } due ? await readiness.AbsentAsync(this, due, range, found, cancel) : []).ToDictionary(a => a.Partition, a => a.Awaits);
            var partitions = range.Select(Name, Query.Spine.PartitionName, [.. found.Concat(absent.Keys).OrderBy(p => p.Value, StringComparer.Ordinal)]);
            return new ScorePlan(this, environment, pinned, partitions, p => absent.TryGetValue(p, out var awaits) ? [awaits] : readiness.Awaited(p), model);
        }
        catch
        {
            pinned.Dispose();
            throw;
        }
    }
}

/// <summary>The partitions that a request asks for.</summary>
sealed record PartitionRange(DateOnly? From, DateOnly? To, IReadOnlyList<string> Only)
{
    public static PartitionRange Of(RunRequest request, DateOnly? from, DateOnly? to)
    {
        if (request.From is { } start && request.To is { } end && start >= end)
        {
            throw new DefinitionException($"--from {start:yyyy-MM-dd} is not before --to {end:yyyy-MM-dd}; the end is exclusive.");
        }
        // Single partitions may be asked for by name outside of the job's own range.
        return request.Partitions.Count > 0
            ? new PartitionRange(request.From, request.To, request.Partitions)
            : new PartitionRange(request.From ?? from, request.To ?? to, []);
    }

    public IReadOnlyList<SpinePartition> Select(string job, string column, IReadOnlyList<SpinePartition> found)
    {
        var missing = Only.Where(v => found.All(p => p.Value != v)).ToArray();
        if (missing.Length > 0)
        {
            throw new DefinitionException($"Job '{job}' has no partition {string.Join(", ", missing.Select(m => $"{column}={m}"))}: the source has no such rows"
                + (found.Count == 0 ? "." : $"; it has {found[0].Value} to {found[^1].Value}."));
        }
        if (found.Count == 0)
        {
            throw new DefinitionException($"Job '{job}': the source has no rows with {column} {(From is { } f ? $"from {f:yyyy-MM-dd} " : "")}{(To is { } t ? $"before {t:yyyy-MM-dd}" : "")}. Check --from and --to, and where the source is bound.");
        }
        return Only.Count == 0 ? found : [.. found.Where(p => Only.Contains(p.Value))];
    }
}

/// <summary>A model package that the ledger knows as committed.</summary>
sealed record PublishedModel(ModelPackage Package, string Version, string Folder, IReadOnlyList<StagedFile> Files)
{
    /// <summary>A file of the package, held against what was committed unless somebody put it there later; null: there is none.</summary>
    public byte[]? Find(string name)
    {
        var path = Path.Combine(Folder, name);
        return Files.FirstOrDefault(f => f.Name == name) is { } file ? CommittedFile.Read(path, file) : File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    public static async Task<PublishedModel?> LatestAsync(JobEnvironment environment, string model, CancellationToken cancel)
    {
        var versions = await environment.Catalog.LedgerAsync(environment.Models.Name, model, cancel);
        var latest = versions.Where(v => v.Committed is not null).MaxBy(v => int.Parse(v.Key.Value, System.Globalization.CultureInfo.InvariantCulture));
        if (latest is null) return null;
        var folder = environment.Models.FolderOf(model, latest.Key.Value);
        return new PublishedModel(ModelPackage.Open(folder), latest.Key.Value, folder, latest.Committed!.Staged.Files);
    }
}
