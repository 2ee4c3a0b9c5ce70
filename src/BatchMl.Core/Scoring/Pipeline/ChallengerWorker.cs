using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>
/// Scores with the challenger, whatever that does: a row that it can not score is null with its reason. Batches that fail are bisected as the model's are, but one that was not answered in time is not searched, since that could take longer than
/// all the rest: its rows are null. Once more rows failed than it may, it is not asked any more.
/// </summary>
sealed class ChallengerWorker(Challenger challenger, ModelCalls calls, ChallengerPatience patience, BatchLimit limit, TimeSpan timeout) : IDisposable
{
    /// <summary>Its outputs and the reasons, a column each, with all rows; owned by the caller.</summary>
    internal async Task<IReadOnlyList<IArrowArray>> ScoreAsync(RecordBatch features, CancellationToken cancel)
    {
        var parts = new List<IReadOnlyList<IArrowArray>>();
        var pending = new Stack<RowRange>();
        if (features.Length > 0) pending.Push(new(0, features.Length, timeout));
        while (pending.TryPop(out var range))
        {
            if (patience.GivenUp is { } reason)
            {
                parts.Add(Failed(range.Count, reason));
                continue;
            }
            if (limit.Rows is var most && range.Count > most)
            {
                pending.Push(range with { Start = range.Start + most, Count = range.Count - most });
                range = range with { Count = most };
            }
            try
            {
                parts.Add([.. await calls.ScoreAsync(features, range, [], cancel), Reasons(range.Count, null)]);
            }
            catch (OutOfMemoryException) when (range.Count > 1)
            {
                limit.Halve(range.Count);
                pending.Push(range);
            }
            // A defect of a scorer that gives the wrong arrays is one of the challenger, too.
            catch (Exception e) when (!cancel.IsCancellationRequested || e is not OperationCanceledException)
            {
                if (range.Count > 1 && e is not ScorerTimeoutException and not BatchMlException { Kind: FailureKind.Bug })
                {
                    foreach (var part in range.Cut(2, range.Time)) pending.Push(part);
                    continue;
                }
                patience.Failed(range.Count, e.Message);
                parts.Add(Failed(range.Count, $"{calls.Stage}: {e.Message}"));
            }
        }
        if (parts.Count == 0) return Failed(0, "");
        if (parts.Count == 1) return parts[0];
        IArrowArray[] joined = [.. Enumerable.Range(0, parts[0].Count).Select(i => Columns.Concat([.. parts.Select(p => p[i])]))];
        foreach (var array in parts.SelectMany(p => p)) array.Dispose();
        return joined;
    }

    public void Dispose() => calls.Dispose();

    IReadOnlyList<IArrowArray> Failed(int rows, string reason) => [.. challenger.Model.Signature.Outputs.Select(o => Nulls(ModelArrays.ArrowType(o.Type), rows)), Reasons(rows, reason)];

    static IArrowArray Nulls(IArrowType type, int rows)
    {
        var none = new ArrowBuffer(new byte[(rows + 7) / 8]);
        ArrowBuffer[] buffers = type is StringType ? [none, new ArrowBuffer(new byte[4 * (rows + 1)]), ArrowBuffer.Empty] : [none, new ArrowBuffer(new byte[((FixedWidthType)type).BitWidth / 8 * rows])];
        return ArrowArrayFactory.BuildArray(new ArrayData(type, rows, rows, 0, buffers, null));
    }

    static IArrowArray Reasons(int rows, string? reason)
    {
        if (reason is null) return Nulls(StringType.Default, rows);
        var texts = new StringArray.Builder();
        for (var i = 0; i < rows; i++) texts.Append(reason);
        return texts.Build();
    }
}

/// <summary>How often a challenger may fail; shared by the workers of all partitions that are made together.</summary>
sealed class ChallengerPatience(long most)
{
    long failed;
    string? reason;

    /// <summary>Why it is not asked any more; null: it is.</summary>
    internal string? GivenUp => Volatile.Read(ref reason);

    /// <summary>Rows were not scored.</summary>
    internal void Failed(int rows, string latest)
    {
        if (Interlocked.Add(ref failed, rows) > most) Interlocked.CompareExchange(ref reason, $"not asked any more, since it could not score more than {most} rows; the latest reason: {latest}", null);
    }
}
