using System.Threading.Channels;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Telemetry;

namespace BatchMl.Scoring;

/// <summary>
/// Read | encode | score | assemble | write, joined by bounded channels, so that reading, scoring and writing overlap. Rows come out in the order they went in; results depend neither
/// on the batch size nor on the number of workers. Each row becomes a score or a dead letter. May be used for several runs at once.
/// </summary>
/// <param name="model">What is scored with, and what is written beside the scores.</param>
/// <param name="encoder">The model's encoder.</param>
/// <param name="scorers">Loads the model: once if the scorer is thread-safe, otherwise once per worker; again in place of a scorer that hangs.</param>
/// <param name="layout">The output's columns.</param>
/// <param name="options">How.</param>
public sealed class ScoringPipeline(ModelManifest model, Encoder encoder, Func<IScorer> scorers, ScoreLayout layout, ScoringOptions options)
{
    readonly int batchSize = options.BatchSize >= 1 ? options.BatchSize : throw new DefinitionException($"BatchSize is {options.BatchSize}; expected at least 1.");
    /// <summary>Scores the rows that the model scored, in columns beside; null (default): nobody does. The layout must have its columns.</summary>
    public Challenger? Challenger { get; init; }

    readonly int workers = options.Workers > 0 ? options.Workers : Environment.ProcessorCount;

    /// <summary>
    /// Scores rows into the stages of their partitions. The stages are neither completed nor disposed; when this throws, what they hold is not to be used. Input and stages
    /// are expected to heed their cancellation tokens.
    /// </summary>
    /// <param name="input">Rows in spine order; each batch is disposed here.</param>
    /// <param name="stages">By partition value as text (dates as yyyy-MM-dd), opened with <see cref="ScoreLayout.Schema"/>.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancel">Stops promptly; a call of the scorer that goes on is left behind.</param>
    /// <exception cref="DefinitionException">The scorer takes or gives something else than the manifest says.</exception>
    /// <exception cref="DeadLetterLimitException">There are more dead letters than the run allows.</exception>
    /// <exception cref="BatchMlException">Of kind Bug: the scorer gave something else than its signature says, or a row belongs to no stage.</exception>
    public async Task<ScoringResult> RunAsync(
        IAsyncEnumerable<FeatureBatch> input, IReadOnlyDictionary<string, IBatchStage> stages, ScoringRun run, CancellationToken cancel)
    {
        var times = new StageTimes(options.Clock, run.OnTime);
        // Every item is in both queues: one feeds the workers, the other keeps the order. An item leaves the second when it is written, so that its length bounds the memory.
        var toScore = Channel.CreateBounded<ScoringItem>(new BoundedChannelOptions(workers) { SingleWriter = true });
        var inOrder = Channel.CreateBounded<ScoringItem>(new BoundedChannelOptions(2 * workers + 1) { SingleWriter = true, SingleReader = true });

        using var pool = new ScorerPool(scorers, model);
        pool.Prepare();
        using var challengers = Challenger is null ? null : new ScorerPool(Challenger.Scorers, Challenger.Model);
        challengers?.Prepare();
        using var assembly = new Assembly(layout, model, Challenger?.Model, run, batchSize);
        using var flow = new Flow(cancel);
        var limit = new BatchLimit(batchSize);
        var (challengerLimit, patience) = (new BatchLimit(batchSize), new ChallengerPatience(Challenger?.Failures ?? 0));
        var routing = new Routing(layout, model, stages, run, times);
        ScoringResult? result = null;

        flow.Start(() => ReadAsync(input, toScore.Writer, inOrder.Writer, times, flow.Cancel));
        for (var i = 0; i < workers; i++)
        {
            var beside = Challenger is { } c ? new ChallengerWorker(c, new ModelCalls(c.Model, c.Encoder, challengers!, times, options) { TimedAs = "challenge" }, patience, challengerLimit, options.BatchTimeout) : null;
            flow.Start(() => ScoreAsync(new(model, new ModelCalls(model, encoder, pool, times, options), beside, limit, options, assembly, run.DeadLetters, times), toScore.Reader, times, flow.Cancel));
        }
        flow.Start(async () => result = await WriteAsync(inOrder.Reader, routing, times, flow.Cancel));

        await flow.EndedAsync();
        while (inOrder.Reader.TryRead(out var left)) left.Dispose();
        flow.ThrowIfFailed();
        return result!;
    }

    async Task ReadAsync(
        IAsyncEnumerable<FeatureBatch> input, ChannelWriter<ScoringItem> toScore, ChannelWriter<ScoringItem> inOrder, StageTimes times, CancellationToken cancel)
    {
        async Task PassOnAsync(ScoringItem item)
        {
            await times.MeasureAsync("source", StageState.WaitingForOutput, () => inOrder.WriteAsync(item, cancel));
            await times.MeasureAsync("source", StageState.WaitingForOutput, () => toScore.WriteAsync(item, cancel));
        }

        using var rebatching = new Rebatching(batchSize);
        await using var batches = input.GetAsyncEnumerator(cancel);
        while (await times.MeasureAsync("source", batches.MoveNextAsync))
            foreach (var item in rebatching.Add(batches.Current)) await PassOnAsync(item);
        if (rebatching.Flush() is { } last) await PassOnAsync(last);
        toScore.Complete();
        inOrder.Complete();
    }

    static async Task ScoreAsync(ScoringWorker worker, ChannelReader<ScoringItem> items, StageTimes times, CancellationToken cancel)
    {
        using (worker)
        {
            while (await times.MeasureAsync("encode", StageState.WaitingForInput, () => items.WaitToReadAsync(cancel)))
                while (items.TryRead(out var item)) item.Complete(await worker.ScoreAsync(item, cancel));
        }
    }

    static async Task<ScoringResult> WriteAsync(ChannelReader<ScoringItem> items, Routing routing, StageTimes times, CancellationToken cancel)
    {
        while (await times.MeasureAsync("write", StageState.WaitingForInput, () => items.WaitToReadAsync(cancel)))
        {
            // Only looked at, so that an item that is not written is still there to be disposed when its worker has ended.
            while (items.TryPeek(out var item))
            {
                var scored = await times.MeasureAsync("write", StageState.WaitingForInput, () => new ValueTask<ScoredRows>(item.Scored.WaitAsync(cancel)));
                await routing.WriteAsync(item, scored, cancel);
                items.TryRead(out _);
                item.Dispose();
            }
        }
        return await routing.FinishAsync(cancel);
    }
}
