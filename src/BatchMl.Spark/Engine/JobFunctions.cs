using System.Runtime.CompilerServices;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Engine.Shuffle;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Engine;

/// <summary>What Spark's executors do for <see cref="SparkEngine"/>: the tasks of a shuffled query, and scoring, with the definitions of this program.</summary>
/// <param name="jobs">Makes the program's jobs.</param>
/// <param name="environment">Sources, sink and scorers for a workspace with settings of the driver; its catalog is not used.</param>
public sealed class JobFunctions(Func<IReadOnlyList<Job>> jobs, Func<string, IReadOnlyDictionary<string, string?>, JobEnvironment> environment)
{
    readonly Lazy<IReadOnlyDictionary<string, FeatureQuery>> queries = new(() =>
    {
        var all = new Dictionary<string, FeatureQuery>(StringComparer.Ordinal);
        foreach (var query in jobs().SelectMany(j => j is PipelineJob p ? p.Steps : [(DatasetJob)j]).SelectMany(j => j.Queries)) all.TryAdd(query.Digest, query);
        return all;
    });

    /// <summary>The functions that a worker of this program has.</summary>
    public IWorkerFunctions All => new NamedFunctions(new Dictionary<string, WorkerFunction> { [NamedFunctions.IdentityName] = NamedFunctions.Identity, [TaskOrder.FunctionName] = RunAsync });

    async IAsyncEnumerable<RecordBatch> RunAsync(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        var order = TaskOrder.FromCommand(task.Command);
        if (order.Kind == TaskKind.Probe)
        {
            await foreach (var batch in StagingFolder.AnswerAsync(order.Staging!, input, cancel)) yield return batch;
            yield break;
        }
        using var opened = await task.Shared.RentAsync($"{order.Query}|{order.Inputs}|{JsonSerializer.Serialize(order.Options)}|{JsonSerializer.Serialize(order.Settings)}", () => OpenAsync(order), cancel);
        var query = ShuffledQuery.Of(opened.Value.Pinned, order.Partitions, order.Layout);
        if (order.Kind == TaskKind.Score)
        {
            // Files of an attempt are in a folder of its own: what a lost or speculative attempt leaves is never taken up.
            var workspace = new Workspace(StagingFolder.OfAttempt(order.Staging!));
            var sink = environment(workspace.Root, order.Settings).Scores;
            await foreach (var scored in ScoreAsync(task, order, opened.Value.Environment, sink, query.FinishAsync(ParcelsAsync(input, cancel), cancel), cancel))
                yield return ScoredPartitions.ToBatch(sink.Root, scored);
            yield break;
        }
        if (order.Kind == TaskKind.Rows)
        {
            await foreach (var piece in StagedRows.WriteAsync(order.Staging!, query.FinishAsync(ParcelsAsync(input, cancel), cancel))) yield return piece;
            yield break;
        }
        if (order.Kind is TaskKind.CountSpine or TaskKind.CountEvents)
        {
            var parts = await PartsAsync(input, cancel);
            yield return CountRows.ToBatch(order.Kind == TaskKind.CountSpine ? await query.CountSpineAsync(order.Number, parts, cancel) : await query.CountEventsAsync(order.Number, parts, cancel));
            yield break;
        }
        var parcels = order.Kind switch
        {
            TaskKind.Spine => query.ReadSpineAsync(await PartsAsync(input, cancel), cancel),
            TaskKind.Events => query.ReadEventsAsync(order.Number, await PartsAsync(input, cancel), cancel),
            TaskKind.Versions => query.FollowVersionsAsync(order.Number, ParcelsAsync(input, cancel), cancel),
            TaskKind.Join => query.JoinAsync(order.Number, ParcelsAsync(input, cancel), cancel),
            _ => throw new BatchMlException($"There is no task of kind {order.Kind}.", FailureKind.Bug),
        };
        await foreach (var parcel in parcels) yield return parcel.ToBatch();
    }

    sealed record Opened(JobEnvironment Environment, IPinnedQuery Pinned) : IDisposable
    {
        public void Dispose() => Pinned.Dispose();
    }

    // For all tasks that wait for it, so that the end of one of them must not end it.
    async Task<Opened> OpenAsync(TaskOrder order)
    {
        if (!queries.Value.TryGetValue(order.Query, out var query))
            throw new BatchMlException($"The worker in {AppContext.BaseDirectory} has no job that asks the query {order.Query[..12]}; its jobs ask: {string.Join(", ", queries.Value.Keys.Select(k => k[..12]))}. Run a job that the program has from its start.", FailureKind.Permanent);
        var made = environment(order.Workspace, order.Settings);
        var pinned = await new LocalEngine(null).OpenAsync(query, made.Sources, order.Options, CancellationToken.None);
        if (InputsDigest.Of(pinned) == order.Inputs) return new Opened(made, pinned);
        var files = string.Join(", ", pinned.Sources.SelectMany(s => s.Snapshot.Files).Select(f => f.Path).Distinct().Take(5));
        pinned.Dispose();
        throw new InputChangedException($"The executor does not see the files that the driver planned with, or they changed since: {files}. Expected the same files under the same paths on driver and executors.");
    }

    async IAsyncEnumerable<ScoredPartition> ScoreAsync(
        WorkerTask task, TaskOrder order, JobEnvironment opened, IBatchSink sink, IAsyncEnumerable<(long Bucket, FeatureBatch Rows)> rows, [EnumeratorCancellation] CancellationToken cancel)
    {
        var score = order.Score!;
        using var model = await ModelAsync(score.Model);
        using var challenger = score.Challenger is null ? null : await ModelAsync(score.Challenger);
        var query = queries.Value[order.Query];
        var scoring = new PartitionScoring(model.Value.Package, _ => model.Value.Rent(), query, score.Keep, new ScoringOptions { Clock = opened.Clock, BatchSize = order.Options.BatchSize, Workers = task.Cpus })
        {
            Challenger = challenger is null ? null : new ModelToScore(challenger.Value.Package, _ => challenger.Value.Rent()),
        };
        var run = new ScoringRun { RunId = score.RunId, ScoredAt = score.ScoredAt, DeadLetters = new DeadLetterBudget(score.DeadLetters) };
        // Models of one digest may have other names and versions.
        Task<IShared<SharedModel>> ModelAsync(ModelOrder wanted) => task.Shared.RentAsync($"model {wanted.Digest} {wanted.Folder}", () => Task.FromResult(SharedModel.Load(wanted, opened.Scorers)), cancel);

        await using var from = rows.GetAsyncEnumerator(cancel);
        var more = await from.MoveNextAsync();
        while (more)
        {
            var bucket = from.Current.Bucket;
            async IAsyncEnumerable<FeatureBatch> Mine()
            {
                for (; more && from.Current.Bucket == bucket; more = await from.MoveNextAsync()) yield return from.Current.Rows;
            }

            var attempt = score.Attempts[(int)bucket];
            StagingFolder.CheckWanted(order.Staging!);
            foreach (var scored in await scoring.RunAsync(Mine(), [(attempt.Key, attempt.Fence)], sink, run, cancel)) yield return scored;
        }
    }

    static async IAsyncEnumerable<Parcel> ParcelsAsync(IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel))
        {
            using (batch)
                foreach (var parcel in Parcel.FromBatch(batch)) yield return parcel;
        }
    }

    static async Task<IReadOnlyList<int>> PartsAsync(IAsyncEnumerable<RecordBatch> input, CancellationToken cancel)
    {
        var parts = new List<int>();
        await foreach (var batch in input.WithCancellation(cancel))
        {
            using (batch) parts.AddRange(((Int32Array)batch.Column(0)).Values);
        }
        parts.Sort();
        return parts;
    }
}
