using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Scoring;

/// <summary>
/// Encodes and scores items, one at a time. A batch that fails is bisected until the rows that fail are alone: one bad row among n costs at most
/// 2 * ceil(log2 n) more calls of the scorer. A batch too large for memory is cut in half instead, and so are all that follow.
/// </summary>
sealed class ScoringWorker(
    ModelManifest model, Encoder encoder, ScorerPool pool, BatchLimit limit, ScoringOptions options, Assembly assembly, DeadLetterBudget budget, StageTimes times) : IDisposable
{
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

        var pending = new Stack<(int Start, int Count)>();
        if (features.Length > 0) pending.Push((0, features.Length));
        while (pending.TryPop(out var range))
        {
            if (limit.Rows is var most && range.Count > most)
            {
                pending.Push((range.Start + most, range.Count - most));
                range.Count = most;
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
                var half = range.Count / 2;
                pending.Push((range.Start + half, range.Count - half));
                pending.Push((range.Start, half));
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
        ScorerThread scorer, RecordBatch features, (int Start, int Count) range, Dictionary<string, long> unknown, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        stage = "encode";
        var seen = new Dictionary<string, long>();
        var inputs = times.Measure("encode", () =>
            encoder.Encode(range.Count == features.Length ? features : features.Slice(range.Start, range.Count), seen));
        stage = "score";
        var outputs = await times.MeasureAsync("score", () => CallAsync(scorer, inputs, cancel));
        Check(outputs, range.Count);
        foreach (var (feature, count) in seen) unknown[feature] = unknown.GetValueOrDefault(feature) + count;
        return outputs;
    }

    async ValueTask<IReadOnlyList<IArrowArray>> CallAsync(ScorerThread scorer, RecordBatch inputs, CancellationToken cancel)
    {
        var call = scorer.Score(inputs, cancel);
        try
        {
            return await call.Outputs.WaitAsync(options.BatchTimeout, options.Clock, cancel);
        }
        catch (TimeoutException)
        {
            // It may have ended at the last moment, or thrown such an exception itself.
            if (!scorer.TryLeave(call)) return await call.Outputs;
            scorer.Retire();
            throw new DataException($"The scorer of model {model.Name}@{model.Version} did not answer within {options.BatchTimeout:c} for {inputs.Length} rows.");
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
}
