using System.Diagnostics;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Engine.Shuffle;
using BatchMl.Scoring;
using BatchMl.Spark.Connect;
using BatchMl.Telemetry;

namespace BatchMl.Spark.Engine;

/// <summary>A query whose sources are pinned on the driver and whose rows are computed in Spark's executors.</summary>
sealed class SparkQuery(IPinnedQuery local, FeatureOptions features, SparkEngineOptions options, Func<CancellationToken, Task<SparkSession>> session) : IPinnedQuery
{
    readonly string inputs = InputsDigest.Of(local);

    // A task binds what only the driver can pin to where that is now.
    readonly IReadOnlyDictionary<string, string?> settings = Bound(options.Settings, local);

    static Dictionary<string, string?> Bound(IReadOnlyDictionary<string, string?> settings, IPinnedQuery local)
    {
        var bound = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
        foreach (var source in local.Sources)
        {
            if (source.Snapshot.Binding is not { } binding) continue;
            // What else is said of the source is of where it was, and is taken back.
            foreach (var name in bound.Keys.Where(k => k.StartsWith($"Sources:{source.Source.Name}:", StringComparison.OrdinalIgnoreCase)).ToArray()) bound[name] = "";
            foreach (var (name, value) in binding) bound[name] = value;
        }
        return bound;
    }

    public FeatureQuery Query => local.Query;

    public IReadOnlyList<PinnedSource> Sources => local.Sources;

    public Task<IReadOnlyList<SpinePartition>> PartitionsAsync(DateOnly? from, DateOnly? to, CancellationToken cancel) => local.PartitionsAsync(from, to, cancel);

    string IPinnedQuery.InputsDigest(SpinePartition partition) => local.InputsDigest(partition);

    public Task<IReadOnlyList<Explanation>> ExplainAsync(IReadOnlyDictionary<string, string> key, DateTimeOffset asOf, CancellationToken cancel) => local.ExplainAsync(key, asOf, cancel);

    public void Verify() => local.Verify();

    public void Dispose() => local.Dispose();

    public async Task<IReadOnlyList<string>> EnginePlanAsync(IReadOnlyList<SpinePartition> partitions, CancellationToken cancel)
    {
        var spark = await session(cancel);
        var plan = await PlanAsync(spark, partitions, byPartition: false, countsRows: false, null, null, cancel);
        var text = await spark.ExplainAsync(plan.Finish(plan.Joined(), TaskKind.Rows), SparkExplainMode.Formatted, cancel);
        return text.ReplaceLineEndings("\n").TrimEnd().Split('\n');
    }

    public async IAsyncEnumerable<FeatureBatch> ComputeAsync(IReadOnlyList<SpinePartition> partitions, Action<string, TimeSpan>? stageTime, [EnumeratorCancellation] CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        var spark = await session(cancel);
        using var staging = StagingFolder.Create(options.Workspace);
        var plan = await PlanAsync(spark, partitions, byPartition: false, countsRows: true, staging.Path, null, cancel);
        var pieces = new SortedDictionary<long, string>();
        await foreach (var batch in spark.CollectAsync(plan.Finish(plan.Joined(), TaskKind.Rows), plan.Execution("rows"), cancel).WithWorkersErrorsAsync(cancel))
        {
            using (batch)
            {
                foreach (var (piece, path) in StagedRows.FromBatch(batch))
                    if (!pieces.TryAdd(piece, path)) throw new BatchMlException($"Spark gave piece {piece} of the spine twice.", FailureKind.Bug);
            }
        }
        stageTime?.Invoke("spark", Stopwatch.GetElapsedTime(started));
        var given = 0L;
        foreach (var path in pieces.Values)
        {
            await foreach (var rows in StagedRows.ReadAsync(path, cancel))
            {
                given += rows.Batch.Length;
                yield return rows;
            }
        }
        CheckCounted(partitions, given);
    }

    public async Task<IReadOnlyList<ScoredPartition>> ScoreAsync(
        IReadOnlyList<PartitionToScore> partitions, PartitionScoring scoring, IBatchSink sink, ScoringRun run, Action<string, TimeSpan>? stageTime, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        var spark = await session(cancel);
        using var staging = StagingFolder.Create(options.Workspace);
        var score = new ScoreOrder(
            ModelOrder.Of(scoring.Package), scoring.Challenger is { } challenger ? ModelOrder.Of(challenger.Package) : null, scoring.Keep, [.. partitions.Select(p => new Attempt(p.Key, p.Fence))], run.RunId, run.ScoredAt, run.DeadLetters.Left);
        var plan = await PlanAsync(spark, [.. partitions.Select(p => p.Spine)], byPartition: true, countsRows: true, staging.Path, score, cancel);
        var scored = new Dictionary<PartitionKey, (string Root, ScoredPartition Scored)>();
        await foreach (var batch in spark.CollectAsync(plan.Finish(plan.Joined(), TaskKind.Score), plan.Execution("score"), cancel).WithWorkersErrorsAsync(cancel))
        {
            using (batch)
            {
                foreach (var (root, one) in ScoredPartitions.FromBatch(batch))
                {
                    if (!scored.TryAdd(one.Staged.Key, (root, one))) throw new BatchMlException($"Spark gave {one.Staged.Key} twice.", FailureKind.Bug);
                    if (one.Staged.DeadLetters > 0) run.DeadLetters.Add(one.Staged.DeadLetters, $"see the dead letters of {one.Staged.Key}");
                    run.OnRows?.Invoke(one.Staged.Rows + one.Staged.DeadLetters);
                }
            }
        }
        var result = new List<ScoredPartition>();
        foreach (var partition in partitions)
        {
            // Only what was collected counts: files of attempts that were lost or came second are not named by anyone.
            if (scored.TryGetValue(partition.Key, out var one))
            {
                await sink.AdoptAsync(one.Scored.Staged, one.Root, cancel);
                result.Add(one.Scored);
            }
            // No task has a partition without rows.
            else result.AddRange(await scoring.RunAsync(Nothing(), [(partition.Key, partition.Fence)], sink, run, cancel));
        }
        run.OnTime?.Invoke("spark", StageState.Busy, Stopwatch.GetElapsedTime(started));
        return result;
    }

    static async IAsyncEnumerable<FeatureBatch> Nothing()
    {
        await Task.CompletedTask;
        yield break;
    }

    Task<SparkPlan> PlanAsync(SparkSession spark, IReadOnlyList<SpinePartition> partitions, bool byPartition, bool countsRows, string? staging, ScoreOrder? score, CancellationToken cancel) =>
        SparkPlan.MakeAsync(local, partitions, byPartition, countsRows, options, spark, (layout, kind, number) => new TaskOrder(
            ProgramDigest.Own, kind, number, Query.Digest, inputs, options.Workspace, settings, features, partitions, layout, staging, score), cancel);

    // The same pinned files were counted to plan with: fewer or more rows now would be rows lost or doubled without a word.
    static void CheckCounted(IReadOnlyList<SpinePartition> partitions, long rows)
    {
        var counted = partitions.Sum(p => p.Rows);
        if (partitions.Any(p => p.Rows < 0) || counted == rows) return;
        throw new BatchMlException($"Spark gave {rows} rows; {counted} were counted when the job was planned. Nothing of this attempt counts, and it is repeated.", FailureKind.Transient);
    }
}
