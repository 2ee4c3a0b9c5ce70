using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Scoring;

/// <summary>
/// Encodes and scores items, one at a time. A batch that fails is bisected until the rows that fail are alone: one bad row among n costs at most
/// 2 * ceil(log2 n) more calls of the scorer. A batch too large for memory is cut in half instead, and so are all that follow. A batch that was not answered in time is cut in
/// <see cref="HungParts"/>, since each part that hangs costs its time and a scorer left behind, while those that do not hang cost nothing.
/// </summary>
sealed class ScoringWorker(
    ModelManifest model, Encoder encoder, ScorerPool pool, BatchLimit limit, ScoringOptions options, Assembly assembly, DeadLetterBudget budget, StageTimes times) : IDisposable
{
    const int HungParts = 16;

    static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(2);

    ScorerThread? thread;
    string stage = "";

    internal async Task<ScoredRows> ScoreAsync(ScoringItem item, CancellationToken cancel)
    {
        var failed = FeatureErrors(item);
        if (failed.Count > 0) budget.Add(failed.Count, failed[^1].Reason);
        var (features, rowOf) = Keep(item.Rows, failed);
        var unknown = new Dictionary<string, long>();
        var parts = new List<IReadOnlyList<IArrowArray>>();
        var bad = new List<FailedRow>();

        var pending = new Stack<RowRange>();
        if (features.Length > 0) pending.Push(new(0, features.Length, options.BatchTimeout));
        while (pending.TryPop(out var range))
        {
            if (limit.Rows is var most && range.Count > most)
            {
                pending.Push(range with { Start = range.Start + most, Count = range.Count - most });
                range = range with { Count = most };
            }
            var scorer = Scorer();
            try
            {
                parts.Add(await AttemptAsync(scorer, features, range, unknown, cancel));
            }
            catch (OutOfMemoryException) when (range.Count > 1)
            {
                limit.Halve(range.Count);
                pending.Push(range);
            }
            catch (Exception e) when (IsOfRows(e, cancel))
            {
                if (range.Count == 1)
                {
                    bad.Add(new(rowOf is null ? range.Start : rowOf[range.Start], stage, e.Message));
                    budget.Add(1, e.Message);
                    continue;
                }
                foreach (var part in e is ScorerTimeoutException ? range.Cut(HungParts, ShareOf(range.Time)) : range.Cut(2, range.Time)) pending.Push(part);
            }
        }
        if (bad.Count > 0)
        {
            if (failed.Count > 0) features.Dispose();
            failed = [.. failed.Concat(bad).OrderBy(f => f.Row)];
            (features, _) = Keep(item.Rows, failed);
        }
        return times.Measure("assemble", () => new ScoredRows(features, assembly.Assemble(features, Join(parts)), failed, unknown));
    }

    public void Dispose() => thread?.Dispose();

    /// <summary>How long a part may take: its share, so that the search costs little more than the batch did, but not so little that a garbage collection could use it up.</summary>
    TimeSpan ShareOf(TimeSpan time) => TimeSpan.FromTicks(Math.Min(options.BatchTimeout.Ticks, Math.Max(LeastTime.Ticks, time.Ticks / HungParts)));

    /// <summary>Whether an error is one of rows, rather than a defect or a stop.</summary>
    static bool IsOfRows(Exception e, CancellationToken cancel) => e switch
    {
        BatchMlException { Kind: FailureKind.Bug } => false,
        OperationCanceledException => !cancel.IsCancellationRequested,
        _ => true,
    };

    ScorerThread Scorer()
    {
        if (thread is { IsRetired: true })
        {
            thread.Dispose();
            thread = null;
        }
        return thread ??= new(pool.Rent());
    }

    async Task<IReadOnlyList<IArrowArray>> AttemptAsync(
        ScorerThread scorer, RecordBatch features, RowRange range, Dictionary<string, long> unknown, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        stage = "encode";
        var seen = new Dictionary<string, long>();
        var inputs = times.Measure("encode", () =>
            encoder.Encode(range.Count == features.Length ? features : features.Slice(range.Start, range.Count), seen));
        stage = "score";
        // A row alone has all the time there is: none is given up that could be scored within it.
        var time = range.Count == 1 ? options.BatchTimeout : range.Time;
        var outputs = await times.MeasureAsync("score", () => CallAsync(scorer, inputs, time, cancel));
        Check(outputs, range.Count);
        foreach (var (feature, count) in seen) unknown[feature] = unknown.GetValueOrDefault(feature) + count;
        return outputs;
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

    List<FailedRow> FeatureErrors(ScoringItem item) => [.. item.Errors.GroupBy(e => e.Row).Select(row =>
        new FailedRow(row.Key, assembly.Layout.StageOf(row.First().Column), string.Join("; ", row.Select(e => $"{e.Column}: {e.Message}"))))];

    /// <summary>The rows that did not fail, and which they are; the batch itself and null where none failed.</summary>
    static (RecordBatch Rows, int[]? RowOf) Keep(RecordBatch batch, IReadOnlyList<FailedRow> failed)
    {
        if (failed.Count == 0) return (batch, null);
        var gone = failed.Select(f => f.Row).ToHashSet();
        int[] kept = [.. Enumerable.Range(0, batch.Length).Where(row => !gone.Contains(row))];
        return (batch.Take(kept), kept);
    }

    IReadOnlyList<IArrowArray> Join(List<IReadOnlyList<IArrowArray>> parts)
    {
        if (parts.Count == 1) return parts[0];
        if (parts.Count == 0) return [.. model.Signature.Outputs.Select(o => ArrowArrayFactory.BuildArray(Empty(o.Type)))];
        IArrowArray[] joined = [.. model.Signature.Outputs.Select((_, i) => Columns.Concat([.. parts.Select(p => p[i])]))];
        foreach (var array in parts.SelectMany(p => p)) array.Dispose();
        return joined;
    }

    static ArrayData Empty(ModelType type) => new(ModelArrays.ArrowType(type), 0, 0, 0,
        type == ModelType.String ? [ArrowBuffer.Empty, new ArrowBuffer(new byte[4]), ArrowBuffer.Empty] : [ArrowBuffer.Empty, ArrowBuffer.Empty], null);

    /// <summary>A call that did not come back in time.</summary>
    sealed class ScorerTimeoutException(string message) : BatchMlException(message, FailureKind.Permanent);
}
