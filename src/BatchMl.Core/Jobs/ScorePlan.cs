using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;
using BatchMl.Lineage;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Telemetry;

namespace BatchMl.Jobs;

/// <summary>What a <see cref="ScoreJob"/> will do.</summary>
sealed class ScorePlan : JobPlan
{
    readonly ScoreJob job;
    readonly JobEnvironment environment;
    readonly IPinnedQuery pinned;
    readonly ModelsToScore models;
    readonly string dataset;
    readonly Dictionary<PartitionKey, SpinePartition> spine;
    long unchallenged;

    public ScorePlan(
        ScoreJob job, string dataset, JobEnvironment environment, IPinnedQuery pinned, IReadOnlyList<SpinePartition> partitions, Func<SpinePartition, IReadOnlyList<AwaitedInput>> awaits, ModelsToScore models)
    {
        (this.job, this.dataset, this.environment, this.pinned, this.models) = (job, dataset, environment, pinned, models);
        var definitions = QueryText.Digest(job.Query, job.Keep);
        var bytes = Estimates.Bytes(pinned);
        var rows = Math.Max(1, partitions.Sum(p => Math.Max(0, p.Rows)));
        spine = partitions.ToDictionary(p => new PartitionKey(environment.Scores.Name, dataset, job.Query.Spine.PartitionName, p.Value));
        Partitions = [.. spine.Select(p => Plan(p.Key, p.Value, definitions, p.Value.Rows < 0 ? -1 : bytes * p.Value.Rows / rows) with { Awaits = awaits(p.Value) })];
    }

    PlannedPartition Plan(PartitionKey key, SpinePartition partition, string definitions, long bytes)
    {
        // A day that the source has no rows of yet.
        var fingerprint = models.Missing.Count > 0 || partition.Rows == 0 ? null : new Fingerprint(definitions, models.Digest, pinned.InputsDigest(partition), Versions.Of(job));
        var (start, end) = NominalTime.Of(job.Query, partition);
        return new PlannedPartition(key, fingerprint, partition.Rows, bytes, start, end);
    }

    public override DatasetJob Job => job;
    public override ISink Sink => environment.Scores;
    public override IReadOnlyList<PlannedPartition> Partitions { get; }
    public override IReadOnlyList<string> Missing => models.Missing;

    public override IReadOnlyList<PlanSection> Describe() =>
    [
        PlanText.Sources(pinned),
        .. QueryText.Describe(job.Query),
        new("model", [.. DescribeModel()]),
        models.Layout is { } layout
            ? PlanText.Output(environment.Scores, dataset, job.Query.Spine.PartitionName, layout.Schema)
            : new PlanSection("output", [$"sink {environment.Scores.Name}, dataset {dataset}, partitioned by {job.Query.Spine.PartitionName}"]),
    ];

    public override Task<IReadOnlyList<PlanSection>> DescribeEngineAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel) =>
        PlanText.EngineAsync(environment.Engine, pinned, [.. partitions.Select(p => spine[p.Key])], cancel);

    public override async Task<IReadOnlyList<PlanSection>> CheckOutputAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel)
    {
        if (models.Layout is not { } layout) return [];
        var lines = await environment.Scores.CheckAsync(
            new PlannedOutput(dataset, layout.Schema, job.Query.Spine.PartitionName, [.. partitions.Select(p => new PlannedOutput.Partition(p.Key, p.Rows))]), cancel);
        return lines.Count == 0 ? [] : [new PlanSection("table", lines)];
    }

    IEnumerable<string> DescribeModel()
    {
        foreach (var line in models.Champion is { } champion ? Describe(champion) : [$"{job.Scorer} (not made yet)"]) yield return line;
        if (job.ChallengingModel is not { } reference) yield break;
        foreach (var line in models.Challenger is { } challenger ? Describe(challenger) : [$"{reference} (not made yet)"]) yield return $"challenger {line}";
    }

    static IEnumerable<string> Describe(PublishedModel model)
    {
        var manifest = model.Package.Manifest;
        yield return $"{model}, {manifest.Flavor}, digest {manifest.Digest[..12]}, trained for {manifest.FeatureService}@{manifest.FeatureServiceVersion}";
        if (manifest.Signature.RowsPerCall is { } rows)
        {
            yield return "looks at all rows of a call (e.g. dynamic quantisation): " + (rows == 1
                ? "each row is scored in a call of its own, so that scores do not depend on neighbours"
                : $"calls of {rows} rows; a score depends on the rows beside it, so on partitions, units of work and batches");
        }
    }

    public override JobLineage Lineage
    {
        get
        {
            var lineage = new QueryLineage(job.Query, QueryLineage.NamesOf(pinned));
            var known = lineage.Columns;
            var features = job.Query.ModelFeatures.SelectMany(f => known[f])
                .Select(o => o.Transformation == Transformation.Identity ? o with { Transformation = Transformation.Transformed } : o).Distinct().ToArray();
            var columns = job.Keep.Append(FeatureQuery.AsOf).Append(job.Query.Spine.PartitionName).Distinct().ToDictionary(c => c, c => known[c], StringComparer.Ordinal);
            var inputs = QueryLineage.Inputs(pinned).ToList();
            foreach (var (model, prefix) in new[] { (models.Champion, ""), (models.Challenger, ScoreLayout.ChallengerPrefix) })
            {
                if (model is null) continue;
                var name = environment.Models.LineageNameOf(model.Package.Manifest.Name);
                if (inputs.All(i => i.Name != name)) inputs.Add(new LineageDataset(name, [new LineageField("score", "double")]));
                foreach (var output in model.Package.Manifest.Signature.Outputs) columns[prefix + output.Name] = [.. features, new ColumnOrigin(name, "score", Transformation.Transformed)];
            }
            return new JobLineage(inputs, Datasets.Output(environment.Scores, dataset, models.Layout?.Schema ?? new Schema([], null)), columns, lineage.DatasetOrigins);
        }
    }

    public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) =>
        [.. Grouping.Adjacent(partitions, p => Math.Max(1, p.Rows), environment.Engine.UnitRows, environment.Engine.UnitPartitions)];

    public override async Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel)
    {
        var package = models.Champion!.Package;
        var scoring = new PartitionScoring(package, environment.Scorers[package.Manifest.Flavor], job.Query, job.Keep, new ScoringOptions { Clock = environment.Clock, BatchSize = JobOptions.BatchSize })
        {
            Challenger = models.Challenger is { } challenger ? new ModelToScore(challenger.Package, environment.Scorers[challenger.Package.Manifest.Flavor]) : null,
        };
        var run = new ScoringRun
        {
            RunId = unit.RunId,
            ScoredAt = unit.StartedAt,
            DeadLetters = unit.DeadLetters,
            // The engine tells the stages of the source itself; when the last of them waits only the pipeline knows.
            OnTime = (stage, state, time) =>
            {
                if (stage != "source") unit.Progress.AddTime(stage, state, time);
                else if (state != StageState.Busy) unit.Progress.AddTime("features", state, time);
            },
            OnRows = unit.Progress.AddRows,
        };
        var scored = await pinned.ScoreAsync(
            [.. unit.Attempts.Select(a => new PartitionToScore(a.Partition.Key, a.Fence, spine[a.Partition.Key]))], scoring, environment.Scores, run, unit.Progress.AddTime, cancel);
        var source = QueryLineage.NamesOf(pinned)[job.Query.Spine.Source.Name];
        var results = new List<PartitionResult>();
        foreach (var (attempt, (staged, profile)) in unit.Attempts.Zip(scored))
        {
            CheckAllThere(attempt.Partition, staged);
            if (models.Challenger is not null) Interlocked.Add(ref unchallenged, profile.Column(ScoreLayout.ChallengerPrefix + models.Challenger.Package.Manifest.Signature.Outputs[0].Name)?.Nulls ?? 0);
            results.Add(new PartitionResult(staged, new Dictionary<DatasetName, long> { [source] = staged.Rows + staged.DeadLetters }, profile.ToQuality()) { Trace = environment.Scores.TraceOf(staged) });
        }
        return results;
    }

    // Scores and dead letters partition the spine.
    static void CheckAllThere(PlannedPartition planned, StagedPartition staged)
    {
        if (planned.Rows < 0 || staged.Rows + staged.DeadLetters == planned.Rows) return;
        throw new BatchMlException(
            $"{planned.Key} has {staged.Rows} scores and {staged.DeadLetters} dead letters of {planned.Rows} rows. Nothing of this attempt counts, and it is repeated.", FailureKind.Transient);
    }

    public override void VerifyInputs() => pinned.Verify();

    public override Task<IReadOnlyList<string>> FinishAsync(JobEnvironment environment, CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>(
        unchallenged == 0 ? [] : [$"{unchallenged} rows have no score of the challenger {models.Challenger}; the reasons are in column {ScoreLayout.ChallengerError}"]);

    public override void Dispose()
    {
        pinned.Dispose();
        base.Dispose();
    }
}

/// <summary>The time that a partition is about.</summary>
static class NominalTime
{
    /// <summary>A date's day in the zone that the partition is local to; for text partitions the range of as_of.</summary>
    public static (DateTimeOffset? Start, DateTimeOffset? End) Of(FeatureQuery query, SpinePartition partition)
    {
        if (query.PartitionExpr.Type != ColumnType.Date)
        {
            return partition.MaxAsOf == long.MinValue ? (null, null) : (ArrowColumns.FromUnixMicroseconds(partition.MinAsOf), ArrowColumns.FromUnixMicroseconds(partition.MaxAsOf));
        }
        var date = PartitionValues.ParseDate(partition.Value);
        return (Midnight(date, query.PartitionZone), Midnight(date.AddDays(1), query.PartitionZone));
    }

    public static DateTimeOffset Midnight(DateOnly date, string zone) => ArrowColumns.FromUnixMicroseconds((long)Interpreter.Evaluate(
        new CallExpr(Function.StartOfDay, [new ConstantExpr(FragmentPruning.Days(date), ColumnType.Date), new ConstantExpr(zone, ColumnType.String)], ColumnType.Timestamp), _ => null)!);
}
