using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>
/// Materialises a training set: spine, features, label and split, as Parquet with its recipe. One partition, <c>period=FROM_TO</c>, for each end of the split (<see cref="RunRequest.SplitUntil"/>); the same recipe gives the same bytes.
/// Changed definitions or inputs make it again by default, since what is trained on is chosen by its digest.
/// </summary>
public sealed class TrainingSetJob : DatasetJob
{
    /// <summary>A training set job.</summary>
    /// <exception cref="DefinitionException">Everything that is wrong with the definitions, at once.</exception>
    public TrainingSetJob(string name, string description, Spine spine, FeatureService service, Label label, TimeSplit split) : base(name, description)
    {
        split.Check();
        (Query, Split) = (FeatureQuery.Create(spine, service, label), split);
        Policy = ChangePolicy.Restate;
    }

    /// <summary>What is asked.</summary>
    public FeatureQuery Query { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<FeatureQuery> Queries => [Query];

    /// <summary>How rows are split, unless a run moves it.</summary>
    public TimeSplit Split { get; }

    /// <summary>Which training rows are kept, with a column of weights; null: all of them, without one.</summary>
    /// <exception cref="DefinitionException">Everything that is wrong with it for this query.</exception>
    public Sampling? Sampling
    {
        get;
        init
        {
            if (value?.Problems(Query).ToArray() is { Length: > 0 } problems) throw new DefinitionException([.. problems.Select(p => $"The sampling of job '{Name}': {p}.")]);
            field = value;
        }
    }

    /// <summary>Name of the split column.</summary>
    public const string SplitColumn = "split";

    /// <inheritdoc/>
    public override Task<JobOutput?> OutputAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) =>
        Task.FromResult<JobOutput?>(new JobOutput(OutputSchema, "period", [.. Query.Spine.KeyColumns, FeatureQuery.AsOf]));

    /// <summary>All rows that have a label and a split, before a sample is drawn.</summary>
    internal Schema SplitSchema => new([.. Query.Schema.FieldsList, new Field(SplitColumn, Columns.ArrowType(ColumnType.String), false)], null);

    internal Schema OutputSchema => Sampling is null ? SplitSchema : new([.. SplitSchema.FieldsList, new Field(Sampling.WeightColumn, Columns.ArrowType(ColumnType.Double), false)], null);

    /// <inheritdoc/>
    public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var split = request.SplitUntil is { } until ? Split.EndingAt(until) : Split;
        var pinned = await environment.Engine.OpenAsync(Query, environment.Sources, JobOptions.Of(environment, request), cancel);
        try
        {
            // Its period is the split's: dates of the request are those of partitioned steps of the pipeline.
            var days = await pinned.PartitionsAsync(split.From, split.TestUntil, cancel);
            if (days.Count == 0)
            {
                throw new DefinitionException(
                    $"Job '{Name}': source '{Query.Spine.Source.Name}' has no rows with {Query.Spine.PartitionName} "
                    + $"{(split.From is { } f ? $"from {f:O} " : "")}before {split.TestUntil:O}. Check where the source is bound, and the split.");
            }
            var readiness = await Readiness.OfAsync(pinned, environment.Readiness, days, split.End.ToUnixMicroseconds(), cancel);
            return new TrainingSetPlan(this, split, environment, pinned, days, readiness.Awaited(days));
        }
        catch
        {
            pinned.Dispose();
            throw;
        }
    }
}

/// <summary>How jobs ask engines to compute.</summary>
static class JobOptions
{
    /// <summary>Rows per batch in pipelines.</summary>
    public const int BatchSize = 16_384;

    public static FeatureOptions Of(JobEnvironment environment, RunRequest request)
    {
        var memory = request.Memory > 0 ? request.Memory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        var parallel = request.MaxParallel > 0 ? request.MaxParallel : Environment.ProcessorCount;
        // Units run side by side: each has its share of memory and cores.
        return new FeatureOptions(environment.Clock.GetUtcNow(), memory / parallel, Math.Max(1, Environment.ProcessorCount / parallel), BatchSize);
    }
}
