using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>
/// Reads the events that a view's spine rows can see and runs the kernel over them: in memory, or, when they exceed the budget, hash-partitioned by
/// key on disk and swept bucket by bucket. Versions of facts always stay in memory: a version may move its fact to another key, so that no bucket of keys knows which version counts.
/// </summary>
sealed class ViewReader(ViewComputation view, FeatureOptions options, SpillFactory? spill)
{
    // Carries are computed when this much has been read that only "latest" can reach, so that a long history needs memory by key, not by row.
    const int CarryRows = 1 << 20;

    public async Task<IReadOnlyList<IArrowArray>> ComputeAsync(IReadOnlyDictionary<string, IArrowArray> columns, Action<TimeSpan>? readTime, CancellationToken cancel)
    {
        var spine = view.Spine(columns);
        if (spine.AsOf.Length == 0) return AsOfKernel.Compute(view.Events.ToTable([], null), spine, view.Query(1));
        using var buckets = new SpilledEvents(view.Events, view.Bound.Source.FactExprs is null ? spill : null, options.MemoryBytes);
        var events = new EventRows();
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        await ReadAsync(spine, events, buckets, cancel);
        readTime?.Invoke(System.Diagnostics.Stopwatch.GetElapsedTime(started));
        if (!buckets.IsUsed)
        {
            return AsOfKernel.Compute(view.Events.ToTable(events.Batches, events.Describe), spine, view.Query(options.Threads));
        }
        return await buckets.ComputeAsync(spine, view.Query(options.Threads), cancel);
    }

    /// <summary>All events of one spine row's key, seen by it or not, and the versions of their facts under other keys, for those decide what counts: for <c>explain</c>.</summary>
    public async Task<EventRows> ReadForExplainAsync(SpineTable spine, CancellationToken cancel)
    {
        if (EventKeys.Of(spine.Keys, 0) is not { } key) return new EventRows();
        var events = await ReadAllAsync(batch => IsOfKey(batch, key), cancel);
        if (view.Events.Fact.Count == 0) return events;
        var facts = events.Batches.SelectMany(FactsOf).ToHashSet();
        return await ReadAllAsync(batch =>
        {
            var (ofKey, fact) = (IsOfKey(batch, key), FactsOf(batch));
            return i => ofKey(i) || facts.Contains(fact[i]);
        }, cancel);
    }

    Func<int, bool> IsOfKey(RecordBatch evaluated, string key)
    {
        var keys = evaluated.Arrays.Take(view.Events.KeyCount).ToArray();
        return i => EventKeys.Of(keys, i) == key;
    }

    ulong[] FactsOf(RecordBatch evaluated) => EventKeys.HashesOf([.. view.Events.Fact.Select(evaluated.Column)], evaluated.Length);

    async Task<EventRows> ReadAllAsync(Func<RecordBatch, Func<int, bool>> wanted, CancellationToken cancel)
    {
        var events = new EventRows();
        int[] all = [.. Enumerable.Range(0, view.Bound.Snapshot.Fragments.Count)];
        await foreach (var batch in view.Bound.ReadAsync(view.Events.SourceColumns, all, options.BatchSize, cancel))
        {
            var evaluated = view.Events.Evaluate(batch);
            int[] rows = [.. Enumerable.Range(0, batch.Rows).Where(wanted(evaluated))];
            if (rows.Length > 0) events.Add(evaluated, batch, rows);
        }
        return events;
    }

    async Task ReadAsync(SpineTable spine, EventRows events, SpilledEvents buckets, CancellationToken cancel)
    {
        var bound = view.Bound;
        var (min, max) = Range(spine.AsOf);
        var low = view.LookBack is { } back ? FragmentPruning.Subtract(min, back) : long.MinValue;
        var known = view.CanCarry ? view.Carried.Before(min) : null;
        if (known is { } carried) events.Add(carried.Rows);
        var readTo = known?.ReadTo ?? long.MinValue;
        var fragments = FragmentPruning.Visible(bound, view.LookBack, view.EffectiveAxis, min, max, readTo);
        await foreach (var batch in bound.ReadAsync(view.Events.SourceColumns, fragments, options.BatchSize, cancel))
        {
            var evaluated = view.Events.Evaluate(batch);
            var kept = view.Events.Visible(evaluated, low, max, view.EffectiveAxis, readTo);
            if (buckets.IsUsed)
            {
                buckets.Add(kept is null ? evaluated : evaluated.Take(kept));
                continue;
            }
            events.Add(evaluated, batch, kept);
            if (view.CanCarry && events.RowsSinceCarry > CarryRows) events.Carry(view, min);
            if (buckets.Exceeds(events.Bytes))
            {
                foreach (var held in events.Batches) buckets.Add(held);
                events.Clear();
            }
        }
        if (view.CanCarry && !buckets.IsUsed) view.Carried.Keep(view, events, max);
    }

    static (long Min, long Max) Range(TimestampArray asOf)
    {
        long min = long.MaxValue, max = long.MinValue;
        foreach (var t in asOf.Values)
        {
            // The least instant stands for a row without as_of, which is an error already.
            if (t == long.MinValue) continue;
            min = Math.Min(min, t);
            max = Math.Max(max, t);
        }
        return max == long.MinValue ? (0, 0) : (min, max);
    }
}
