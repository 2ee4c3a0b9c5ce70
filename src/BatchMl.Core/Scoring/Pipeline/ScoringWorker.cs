using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Scoring;

/// <summary>
/// Encodes and scores items, one at a time. A batch that fails is bisected until the rows that fail are alone: one bad row among n costs at most
/// 2 * ceil(log2 n) more calls of the scorer. A batch too large for memory is cut in half instead, and so are all that follow. A batch that was not answered in time is cut in
/// <see cref="HungParts"/>, since each part that hangs costs its time and a scorer left behind, while those that do not hang cost nothing.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="calls">Its calls.</param>
/// <param name="challenger">Scores the same rows, beside; null: nobody does.</param>
/// <param name="limit">The largest batch that fits.</param>
/// <param name="options">Time limit.</param>
/// <param name="assembly">Puts the rows together.</param>
/// <param name="budget">Told of dead letters.</param>
/// <param name="times">Told of the time.</param>
sealed class ScoringWorker(
    ModelManifest model, ModelCalls calls, ChallengerWorker? challenger, BatchLimit limit, ScoringOptions options, Assembly assembly, DeadLetterBudget budget, StageTimes times) : IDisposable
{
    const int HungParts = 16;

    static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(2);

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
            calls.Prepare();
            try
            {
                parts.Add(await calls.ScoreAsync(features, range, unknown, cancel));
            }
            catch (OutOfMemoryException) when (range.Count > 1)
            {
                limit.Halve(range.Count);
                pending.Push(range);
            }
            catch (Exception e) when (ModelCalls.IsOfRows(e, cancel))
            {
                if (range.Count == 1)
                {
                    bad.Add(new(rowOf is null ? range.Start : rowOf[range.Start], calls.Stage, e.Message));
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
        var beside = challenger is null ? [] : await challenger.ScoreAsync(features, cancel);
        return times.Measure("assemble", () => new ScoredRows(features, assembly.Assemble(features, Join(parts), beside), failed, unknown));
    }

    public void Dispose()
    {
        calls.Dispose();
        challenger?.Dispose();
    }

    /// <summary>How long a part may take: its share, so that the search costs little more than the batch did, but not so little that a garbage collection could use it up.</summary>
    TimeSpan ShareOf(TimeSpan time) => TimeSpan.FromTicks(Math.Min(options.BatchTimeout.Ticks, Math.Max(LeastTime.Ticks, time.Ticks / HungParts)));

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
