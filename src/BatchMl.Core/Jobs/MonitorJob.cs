using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Monitoring;
using BatchMl.Runs;

namespace BatchMl.Jobs;

/// <summary>
/// Watches a scoring job: each scored partition's profile against the training reference, and, where labels are known by now, how its scores turned out. Writes one partition per scored partition, and a
/// report for people over all of them. Scores or labels that change are judged again by default.
/// </summary>
public sealed class MonitorJob : DatasetJob
{
    /// <summary>A monitoring job.</summary>
    /// <exception cref="DefinitionException">The label does not fit the spine.</exception>
    public MonitorJob(string name, string description, ScoreJob score, Label label) : base(name, description)
    {
        Score = score;
        Labels = FeatureQuery.Create(score.Query.Spine, null, label);
        Policy = ChangePolicy.Restate;
    }

    /// <summary>What is watched.</summary>
    public ScoreJob Score { get; }

    /// <summary>The spine with the label.</summary>
    public FeatureQuery Labels { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeatureQuery> Queries => [Labels];

    /// <summary>When a column counts as drifted.</summary>
    public DriftRules Rules { get; init; } = new();

    /// <inheritdoc/>
    public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var range = PartitionRange.Of(request, Score.From, Score.To);
        // Also of versions that are no longer kept: nothing that readers see goes unwatched.
        var scored = (await CurrentPartitions.OfAsync(environment.Catalog, environment.Scores, Score.Name, cancel)).Where(e => Contains(range, e.Key.Value)).ToArray();
        var model = await PublishedModel.VersionAsync(environment, Score.Scorer, Score, request, cancel) is { } version ? await PublishedModel.OpenAsync(environment, Score.Model, version, cancel) : null;
        if (model is not null && !File.Exists(Path.Combine(model.Folder, ModelTraining.ReferenceFile)))
        {
            throw new DefinitionException($"Model {Score.Model}@{model.Version} has no {ModelTraining.ReferenceFile}, so there is nothing to compare scored rows with. Train it with a TrainJob, or put the profile into its package.");
        }
        var pinned = await environment.Engine.OpenAsync(Labels, environment.Sources, JobOptions.Of(environment, request), cancel);
        try
        {
            var days = scored.Length == 0 ? [] : await pinned.PartitionsAsync(range.From, range.To, cancel);
            return new MonitorPlan(this, environment, pinned, scored, days.ToDictionary(d => d.Value), model);
        }
        catch
        {
            pinned.Dispose();
            throw;
        }
    }

    bool Contains(PartitionRange range, string value)
    {
        if (range.Only.Count > 0) return range.Only.Contains(value);
        if (Labels.PartitionExpr.Type != ColumnType.Date) return true;
        var date = PartitionValues.ParseDate(value);
        return !(date < range.From) && !(date >= range.To);
    }
}
