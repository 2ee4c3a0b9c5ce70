using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Calls of one model by one worker: encodes rows, calls a scorer within a time limit, checks what it gives. A scorer that does not answer in time is left behind, and the next call has another one.</summary>
/// <param name="model">The model.</param>
/// <param name="encoder">Its encoder.</param>
/// <param name="pool">Its scorers.</param>
/// <param name="times">Told of the time.</param>
/// <param name="options">Clock and time limit.</param>
sealed class ModelCalls(ModelManifest model, Encoder encoder, ScorerPool pool, StageTimes times, ScoringOptions options) : IDisposable
{
    ScorerThread? thread;

    /// <summary>What time is told under; null: <c>encode</c> and <c>score</c>.</summary>
    internal string? TimedAs { get; init; }

    /// <summary>Where the latest call was, e.g. <c>encode</c>.</summary>
    internal string Stage { get; private set; } = "";

    /// <summary>Whether an error is one of rows, rather than a defect or a stop.</summary>
    internal static bool IsOfRows(Exception e, CancellationToken cancel) => e switch
    {
        BatchMlException { Kind: FailureKind.Bug } => false,
        OperationCanceledException => !cancel.IsCancellationRequested,
        _ => true,
    };

    /// <summary>Has a scorer ready, so that one that can not be loaded is not taken for an error of rows.</summary>
    internal void Prepare() => Scorer();

    /// <summary>The outputs for some of the rows.</summary>
    /// <exception cref="ScorerTimeoutException">There was no answer in time.</exception>
    internal async Task<IReadOnlyList<IArrowArray>> ScoreAsync(RecordBatch features, RowRange range, Dictionary<string, long> unknown, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var scorer = Scorer();
        Stage = "encode";
        var seen = new Dictionary<string, long>();
        var inputs = times.Measure(TimedAs ?? Stage, () =>
            encoder.Encode(range.Count == features.Length ? features : features.Slice(range.Start, range.Count), seen));
        Stage = "score";
        // A row alone has all the time there is: none is given up that could be scored within it.
        var time = range.Count == 1 ? options.BatchTimeout : range.Time;
        var outputs = await times.MeasureAsync(TimedAs ?? Stage, () => CallAsync(scorer, inputs, time, cancel));
        Check(outputs, range.Count);
        foreach (var (feature, count) in seen) unknown[feature] = unknown.GetValueOrDefault(feature) + count;
        return outputs;
    }

    public void Dispose() => thread?.Dispose();

    ScorerThread Scorer()
    {
        if (thread is { IsRetired: true })
        {
            thread.Dispose();
            thread = null;
        }
        return thread ??= new(pool.Rent());
    }

    async ValueTask<IReadOnlyList<IArrowArray>> CallAsync(ScorerThread scorer, RecordBatch inputs, TimeSpan time, CancellationToken cancel)
    {
        var call = scorer.Score(inputs, cancel);
        try
        {
            return await call.Outputs.WaitAsync(time, options.Clock, cancel);
        }
        catch (TimeoutException)
        {
            // It may have ended at the last moment, or thrown such an exception itself.
            if (!scorer.TryLeave(call)) return await call.Outputs;
            scorer.Retire();
            throw new ScorerTimeoutException($"The scorer of model {model.Name}@{model.Version} did not answer within {time:c} for {inputs.Length} row{(inputs.Length == 1 ? "" : "s")}.");
        }
        catch (OperationCanceledException) when (scorer.TryLeave(call))
        {
            throw;
        }
    }

    void Check(IReadOnlyList<IArrowArray> outputs, int rows)
    {
        var expected = model.Signature.Outputs;
        var got = string.Join(", ", outputs.Select(o => $"{o.Length} rows of {o.Data.DataType.Name}{(o.NullCount > 0 ? $" with {o.NullCount} nulls" : "")}"));
        if (outputs.Count == expected.Count
            && outputs.Zip(expected).All(o => o.First.Length == rows && o.First.NullCount == 0 && o.First.Data.DataType.TypeId == ModelArrays.ArrowType(o.Second.Type).TypeId)) return;
        throw new BatchMlException(
            $"The scorer of model {model.Name}@{model.Version} gave {(got.Length == 0 ? "nothing" : got)} for {rows} rows; expected {string.Join(", ", expected.Select(o => $"{rows} rows of {o.Name} ({o.Type})"))}, "
            + "without nulls. This is a defect of the scorer.", FailureKind.Bug);
    }
}

/// <summary>A call that did not come back in time.</summary>
sealed class ScorerTimeoutException(string message) : BatchMlException(message, FailureKind.Permanent);
