using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Monitoring;
using BatchMl.Telemetry;

namespace BatchMl.Scoring;

/// <summary>
/// Scores partitions into the staging of a sink: what an engine does with the rows that it computed, in this process or in one of many. Scores, dead letters and profile of a partition are staged together.
/// </summary>
/// <param name="package">The model.</param>
/// <param name="load">Loads it.</param>
/// <param name="query">What is asked.</param>
/// <param name="keep">Columns that rows keep beside their scores.</param>
/// <param name="options">How.</param>
public sealed class PartitionScoring(ModelPackage package, ScorerFactory load, FeatureQuery query, IReadOnlyList<string> keep, ScoringOptions options)
{
    ScoreLayout Layout => field ??= new(package.Manifest, query.Columns, keep, Challenger?.Package.Manifest, QueryText.Definitions(query));

    /// <summary>A second model that scores the same rows, in columns beside; null (default): nobody does.</summary>
    public ModelToScore? Challenger { get; init; }

    /// <summary>The model.</summary>
    public ModelPackage Package => package;

    /// <summary>Columns that rows keep beside their scores.</summary>
    public IReadOnlyList<string> Keep => keep;

    /// <summary>The columns of scored rows.</summary>
    public Schema Schema => Layout.Schema;

    /// <summary>Scores rows of some partitions, each of which is staged even if no row is of it.</summary>
    /// <param name="rows">In the spine's order; disposed here.</param>
    /// <param name="attempts">The partitions with their fences.</param>
    /// <param name="sink">Where they are staged.</param>
    /// <param name="run">The run; its observer is told too.</param>
    /// <param name="cancel">Stops promptly; nothing stays staged.</param>
    public async Task<IReadOnlyList<ScoredPartition>> RunAsync(
        IAsyncEnumerable<FeatureBatch> rows, IReadOnlyList<(PartitionKey Key, long Fence)> attempts, IBatchSink sink, ScoringRun run, CancellationToken cancel)
    {
        var stages = new Dictionary<string, IBatchStage>(StringComparer.Ordinal);
        try
        {
            foreach (var (key, fence) in attempts) stages[key.Value] = await sink.StageAsync(key, fence, Schema, cancel);
            var profiles = stages.Keys.ToDictionary(p => p, _ => new ScoreProfile(query.ModelFeatures, Scores()));
            var pipeline = new ScoringPipeline(package.Manifest, package.Encoder, () => load(package), Layout, options)
            {
                // It is given up for as many rows as may be dead letters.
                Challenger = Challenger is { } c ? new Challenger(c.Package.Manifest, c.Package.Encoder, () => c.Load(c.Package), run.DeadLetters.Left) : null,
            };
            await pipeline.RunAsync(rows, stages, run with
            {
                Observer = (partition, features, scores) =>
                {
                    profiles[partition].Add(features, scores);
                    run.Observer?.Invoke(partition, features, scores);
                },
            }, cancel);
            var scored = new List<ScoredPartition>();
            foreach (var (key, _) in attempts)
            {
                var started = options.Clock.GetTimestamp();
                var profile = profiles[key.Value].Build();
                await stages[key.Value].AddFileAsync(FileKind.Profile, "profile.json", profile.ToJson(), 0, cancel);
                scored.Add(new ScoredPartition(await stages[key.Value].CompleteAsync(cancel), profile));
                run.OnTime?.Invoke("complete", StageState.Busy, options.Clock.GetElapsedTime(started));
            }
            return scored;
        }
        finally
        {
            foreach (var stage in stages.Values) await stage.DisposeAsync();
        }
    }

    IReadOnlyList<string> Scores() => [.. package.Manifest.Signature.Outputs.Select(o => o.Name), .. Challenger?.Package.Manifest.Signature.Outputs.Select(o => ScoreLayout.ChallengerPrefix + o.Name) ?? []];

    /// <summary>Profile of a scored partition: the features that the models were given, and what they gave.</summary>
    sealed class ScoreProfile(IReadOnlyList<string> features, IReadOnlyList<string> outputs)
    {
        readonly ProfileBuilder builder = new();

        public void Add(RecordBatch rows, RecordBatch scores)
        {
            var fields = features.Select(f => rows.Schema.GetFieldByName(f)).Concat(outputs.Select(o => scores.Schema.GetFieldByName(o)));
            builder.Add(new RecordBatch(new Schema(fields, null), features.Select(f => rows.Column(f)).Concat(outputs.Select(o => scores.Column(o))), rows.Length));
        }

        public Profile Build() => builder.Build();
    }
}

/// <summary>A partition that was scored.</summary>
/// <param name="Staged">What is staged.</param>
/// <param name="Profile">What its rows are like.</param>
public sealed record ScoredPartition(StagedPartition Staged, Profile Profile);
