using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Jobs;

/// <summary>
/// Scores the rows of a spine, partition by partition: features, encoder and model in one pass; rows that can not be scored become dead letters.
/// A <see cref="Challenger"/> scores the same rows beside the model; <see cref="SideBySide"/> keeps what each version of the model scored.
/// </summary>
public sealed class ScoreJob : DatasetJob
{
    /// <summary>A scoring job.</summary>
    /// <param name="name">Name.</param>
    /// <param name="description">One line.</param>
    /// <param name="spine">The rows.</param>
    /// <param name="service">Their features.</param>
    /// <param name="model">The model, <c>NAME</c> for its latest version or <c>NAME@VERSION</c>; a run may say another version (<see cref="RunRequest.Models"/>).</param>
    /// <param name="keep">See <see cref="Keep"/>; by default the spine's keys.</param>
    /// <exception cref="DefinitionException">Everything that is wrong with the definitions, at once.</exception>
    public ScoreJob(string name, string description, Spine spine, FeatureService service, string model, params IReadOnlyList<string> keep) : base(name, description)
    {
        Query = FeatureQuery.Create(spine, service, null);
        Scorer = ModelReference.Parse(model, $"The model of job '{name}'");
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

    /// <summary>Name of the model that scores.</summary>
    public string Model => Scorer.Name;

    /// <summary>The model that scores, as the job says it.</summary>
    internal ModelReference Scorer { get; }

    /// <summary>
    /// A second model over the same features, <c>NAME</c> or <c>NAME@VERSION</c>; null (default): none. What it gives is in columns of its own that begin with <c>challenger_</c>. A row that it can not score is null there, with the reason in
    /// <c>challenger_error</c>: it never costs the row's score, nor is it a dead letter.
    /// </summary>
    public string? Challenger
    {
        get => ChallengingModel?.ToString();
        init => ChallengingModel = value is null ? null : ModelReference.Parse(value, $"The challenger of job '{Name}'");
    }

    /// <summary>The challenger.</summary>
    internal ModelReference? ChallengingModel { get; private init; }

    /// <summary>
    /// Whether each version of the model has a dataset of its own, <c>NAME@VERSION</c> (<see cref="DatasetVersion"/>), so that scoring with another one leaves what is there. Default false: a version's scores take the place of those before. Turned on or off later, what was made stays, and is read and watched until a later commit of the partition, wherever that lands.
    /// </summary>
    public bool SideBySide { get; init; }

    /// <summary>Columns that the rows keep beside their scores; <c>as_of</c> is always kept.</summary>
    public IReadOnlyList<string> Keep { get; }

    /// <inheritdoc/>
    public override ISink SinkIn(JobEnvironment environment) => environment.Scores;

    /// <summary>First partition date; null: the first in the data.</summary>
    public DateOnly? From { get; init; }

    /// <summary>End of the partition dates, exclusive; null: as far as there are rows.</summary>
    public DateOnly? To { get; init; }

    /// <inheritdoc/>
    public override async Task<string> DatasetInAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) =>
        DatasetNamedBy(request) ?? (SideBySide && await PublishedModel.VersionAsync(environment, Scorer, this, request, cancel) is { } version ? new DatasetVersion(Name, version).ToString() : Name);

    /// <summary>The dataset of this job that the single partitions of a request are of, whether versions are kept now or not; null: it names none.</summary>
    internal string? DatasetNamedBy(RunRequest request) => request.Only.Select(k => k.Dataset).FirstOrDefault(d => DatasetVersion.DatasetOf(d) == Name);

    /// <inheritdoc/>
    public override async Task<JobOutput?> OutputAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var models = await ModelsToScore.FindAsync(this, environment, request, cancel);
        return models.Layout is { } layout ? new JobOutput(layout.Schema, Query.Spine.PartitionName, [.. Query.Spine.KeyColumns.Intersect(Keep), FeatureQuery.AsOf]) : null;
    }

    /// <inheritdoc/>
    public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var range = PartitionRange.Of(request, From, To);
        var models = await ModelsToScore.FindAsync(this, environment, request, cancel);
        var pinned = await environment.Engine.OpenAsync(Query, environment.Sources, JobOptions.Of(environment, request), cancel);
        try
        {
            var found = await pinned.PartitionsAsync(range.From, range.To, cancel);
            var readiness = await Readiness.OfAsync(pinned, environment.Readiness, found, long.MaxValue, cancel);
            var absent = (request.Due is { } due ? await readiness.AbsentAsync(this, due, range, found, cancel) : []).ToDictionary(a => a.Partition, a => a.Awaits);
            var partitions = range.Select(Name, Query.Spine.PartitionName, [.. found.Concat(absent.Keys).OrderBy(p => p.Value, StringComparer.Ordinal)]);
            return new ScorePlan(this, await DatasetInAsync(environment, request, cancel), environment, pinned, partitions, p => absent.TryGetValue(p, out var awaits) ? [awaits] : readiness.Awaited(p), models);
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
