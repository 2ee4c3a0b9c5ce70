using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>What a <see cref="TrainingSetJob"/> will do.</summary>
sealed class TrainingSetPlan : JobPlan
{
    // Days are taken together in groups of about this many rows, so that the events that a group can see lie together in time whatever the spine's order in its files is. Memory is the engine's to bound.
    const long ChunkRows = 262_144;

    // What a sample that can not be told yet may hold of the rows that wait.
    const long SampleMemory = 64 << 20;

    readonly TrainingSetJob job;
    readonly TimeSplit timeSplit;
    readonly JobEnvironment environment;
    readonly IPinnedQuery pinned;
    readonly IReadOnlyList<SpinePartition> days;
    readonly PlannedPartition partition;

    public TrainingSetPlan(TrainingSetJob job, TimeSplit split, JobEnvironment environment, IPinnedQuery pinned, IReadOnlyList<SpinePartition> days, IReadOnlyList<AwaitedInput> awaits)
    {
        (this.job, timeSplit, this.environment, this.pinned, this.days) = (job, split, environment, pinned, days);
        var period = new TrainingPeriod(split.From is { } from ? PartitionValues.FormatDate(from) : days[0].Value, PartitionValues.FormatDate(split.TestUntil));
        var inputs = string.Join('\n', days.Select(d => $"{d.Value}|{pinned.InputsDigest(d)}|{d.Labelled}"));
        partition = new PlannedPartition(
            new PartitionKey(environment.Sink.Name, job.Name, "period", period.ToString()),
            new Fingerprint(QueryText.Digest(job.Query, [split.ToString(), .. Sampled]), "", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(inputs))), Versions.Of(job)),
            days.Any(d => d.Rows < 0) ? -1 : days.Sum(d => d.Rows), Estimates.Bytes(pinned),
            ArrowColumns.FromUnixMicroseconds(days.Min(d => d.MinAsOf)), split.End)
        {
            Awaits = awaits,
        };
    }

    public override DatasetJob Job => job;
    public override ISink Sink => environment.Sink;
    public override IReadOnlyList<PlannedPartition> Partitions => [partition];

    public override IReadOnlyList<PlanSection> Describe() =>
    [
        PlanText.Sources(pinned),
        .. QueryText.Describe(job.Query),
        new PlanSection("split", [timeSplit.ToString(), .. Sampled]),
        PlanText.Output(environment.Sink, job.Name, "period", OutputSchema),
    ];

    public override Task<IReadOnlyList<PlanSection>> DescribeEngineAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel) =>
        PlanText.EngineAsync(environment.Engine, pinned, partitions.Count == 0 ? [] : days, cancel);

    public override JobLineage Lineage
    {
        get
        {
            var lineage = new QueryLineage(job.Query, QueryLineage.NamesOf(pinned));
            var columns = new Dictionary<string, IReadOnlyList<ColumnOrigin>>(lineage.Columns, StringComparer.Ordinal)
            {
                [TrainingSetJob.SplitColumn] = Transformed([FeatureQuery.LabelKnownAt]),
            };
            if (job.Sampling is { } sampling) columns[Sampling.WeightColumn] = Transformed(sampling is PerClassSampling ? [job.Query.Label!.Name] : sampling.Columns);
            return new JobLineage(QueryLineage.Inputs(pinned), Datasets.Output(environment.Sink, job.Name, OutputSchema), columns, lineage.DatasetOrigins);

            ColumnOrigin[] Transformed(IEnumerable<string> of) => [.. of.SelectMany(c => lineage.Columns[c]).Select(o => o with { Transformation = Transformation.Transformed }).Distinct()];
        }
    }

    string[] Sampled => job.Sampling is { } sampling ? [sampling.ToString()] : [];

    Schema OutputSchema => job.OutputSchema;

    public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [.. partitions.Select(p => new[] { p })];

    public override async Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel)
    {
        var attempt = unit.Attempts[0];
        await using var stage = await environment.Sink.StageAsync(attempt.Partition.Key, attempt.Fence, OutputSchema, cancel);
        var recipe = new RecipeBuilder(job, timeSplit, pinned);
        var profile = new ProfileBuilder();
        var sample = job.Sampling is { } sampling ? new TrainingSample(sampling, job.Query, OutputSchema, FileSpill.Factory(environment.Workspace.Spill, SampleMemory)) : null;
        var split = SplitRowsAsync(unit, recipe, profile, cancel);
        await foreach (var rows in sample?.KeepAsync(split, cancel) ?? split)
        {
            recipe.Add(rows);
            using (unit.Progress.Measure("write")) await stage.WriteAsync(rows, cancel);
        }
        using var completing = unit.Progress.Measure("complete");
        recipe.CheckSplits();
        if (sample is not null) recipe.SampledFrom = sample.Of;
        await stage.AddFileAsync(FileKind.Artifact, "recipe.json", recipe.ToJson(), 0, cancel);
        var built = profile.Build();
        await stage.AddFileAsync(FileKind.Profile, "profile.json", built.ToJson(), 0, cancel);
        var staged = await stage.CompleteAsync(cancel);
        return [new PartitionResult(staged, new Dictionary<DatasetName, long> { [QueryLineage.NamesOf(pinned)[job.Query.Spine.Source.Name]] = recipe.SpineRows }, built.ToQuality())];
    }

    async IAsyncEnumerable<RecordBatch> SplitRowsAsync(UnitOfWork unit, RecipeBuilder recipe, ProfileBuilder profile, [EnumeratorCancellation] CancellationToken cancel)
    {
        var split = new SplitColumn(job, timeSplit);
        foreach (var chunk in Chunks())
        {
            await foreach (var features in pinned.ComputeAsync(chunk, unit.Progress.AddTime, cancel))
            {
                using (features)
                {
                    if (features.Errors.Count > 0) throw Failed(features);
                    RecordBatch rows;
                    using (unit.Progress.Measure("split")) rows = split.Add(features.Batch, job.SplitSchema);
                    recipe.AddSpine(features.Batch.Length);
                    // Of all training rows, also if only some are kept: drift is held against what there was.
                    using (unit.Progress.Measure("profile")) profile.Add(split.Training(rows));
                    unit.Progress.AddRows(features.Batch.Length);
                    yield return rows;
                }
            }
        }
    }

    IEnumerable<IReadOnlyList<SpinePartition>> Chunks() => Grouping.Adjacent(days, d => Math.Max(1, d.Rows), ChunkRows, int.MaxValue);

    DataException Failed(FeatureBatch features)
    {
        var error = features.Errors[0];
        return new DataException(
            $"Training set '{job.Name}', column '{error.Column}': {error.Message}. A training set takes no row that can not be computed "
            + $"({features.Errors.Count} in this batch). Mend it, or exclude it from the spine with .Where(…).");
    }

    public override void VerifyInputs() => pinned.Verify();

    public override void Dispose()
    {
        pinned.Dispose();
        base.Dispose();
    }
}

/// <summary>What a training set is of: <c>FROM_TO</c>, the end exclusive.</summary>
/// <param name="From">First date.</param>
/// <param name="Until">End of its test rows, as text that sorts.</param>
sealed record TrainingPeriod(string From, string Until)
{
    public override string ToString() => $"{From}_{Until}";

    public static TrainingPeriod Of(PartitionKey key) => key.Value.LastIndexOf('_') is >= 0 and var at ? new(key.Value[..at], key.Value[(at + 1)..]) : throw new DataException($"{key} is not a training set's partition; expected FROM_TO.");
}

/// <summary>Adds the split column and keeps only rows that have a label and a split.</summary>
sealed class SplitColumn(TrainingSetJob job, TimeSplit timeSplit)
{
    readonly Func<long, long, int> rule = timeSplit.Rule();

    public RecordBatch Add(RecordBatch batch, Schema schema)
    {
        var label = batch.Column(job.Query.Label!.Name);
        var known = (TimestampArray)batch.Column(FeatureQuery.LabelKnownAt);
        var asOf = (TimestampArray)batch.Column(FeatureQuery.AsOf);
        var rows = new List<int>(batch.Length);
        var names = new StringArray.Builder();
        for (var i = 0; i < batch.Length; i++)
        {
            if (label.IsNull(i)) continue;
            if (rule(asOf.Values[i], known.Values[i]) is var split and >= 0)
            {
                rows.Add(i);
                names.Append(TimeSplit.Names[split]);
            }
        }
        int[] kept = [.. rows];
        return new RecordBatch(schema, [.. batch.Arrays.Select(a => Columns.Take(a, kept)), names.Build()], kept.Length);
    }

    /// <summary>The model's features of the training rows: the reference of drift.</summary>
    public RecordBatch Training(RecordBatch rows)
    {
        var split = (StringArray)rows.Column(TrainingSetJob.SplitColumn);
        var train = Enumerable.Range(0, rows.Length).Where(i => split.GetBytes(i).SequenceEqual("train"u8)).ToArray();
        var features = job.Query.ModelFeatures;
        return new RecordBatch(
            new Schema(features.Select(f => rows.Schema.GetFieldByName(f)), null), features.Select(f => Columns.Take(rows.Column(f), train)), train.Length);
    }
}
