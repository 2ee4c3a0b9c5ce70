using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine.Shuffle;

/// <summary>
/// A query computed by tasks that share nothing but a shuffle between them, for engines on many machines. In each pass spine rows and the events of all views of one key meet by a hash of that key, and the same kernel runs over them
/// as does in one process; at the end rows come back into the spine's order. The tasks, in the order of the data:
/// <list type="number">
/// <item><see cref="ReadSpineAsync"/> over <see cref="SpineParts"/>: once.</item>
/// <item>For each pass, for each of its <see cref="ViewsOf"/>: <see cref="ReadEventsAsync"/> over <see cref="EventParts"/>; where <see cref="HasVersions"/>, a shuffle by bucket and <see cref="FollowVersionsAsync"/>.</item>
/// <item>For each pass: a shuffle of spine rows and events by bucket, and <see cref="JoinAsync"/>, which gives the spine rows of the next pass.</item>
/// <item>A shuffle by bucket, and <see cref="FinishAsync"/>.</item>
/// </list>
/// A shuffle brings all parcels of a bucket into one task, sorted by <see cref="Parcel.Bucket"/> and <see cref="Parcel.Order"/>. Whoever makes a task makes this object from the same query, sources and layout.
/// </summary>
public sealed class ShuffledQuery
{
    // Rows that come back into order together.
    const int OrderBits = 18;

    readonly LocalQuery local;
    readonly IReadOnlyList<SpinePartition> partitions;
    readonly ShuffleLayout layout;
    readonly List<ShufflePass> passes;
    readonly Dictionary<string, int> numberOfPartition;
    readonly (long Min, long Max) asOf;

    ShuffledQuery(LocalQuery local, IReadOnlyList<SpinePartition> partitions, ShuffleLayout layout)
    {
        (this.local, this.partitions, this.layout) = (local, partitions, layout);
        passes = ShufflePass.Of(local.Query, local.Computations);
        numberOfPartition = partitions.Select((p, i) => (p.Value, i)).ToDictionary(p => p.Value, p => p.i, StringComparer.Ordinal);
        SpineParts = local.Spine.Parts(partitions);
        var asked = partitions.Where(p => p.MinAsOf <= p.MaxAsOf).ToArray();
        asOf = asked.Length == 0 ? (0, 0) : (asked.Min(p => p.MinAsOf), asked.Max(p => p.MaxAsOf));
    }

    /// <summary>The query in tasks.</summary>
    /// <param name="pinned">Made by a <see cref="LocalEngine"/>, in each process that runs tasks.</param>
    /// <param name="partitions">What is to be computed.</param>
    /// <param name="layout">The same for all tasks.</param>
    public static ShuffledQuery Of(IPinnedQuery pinned, IReadOnlyList<SpinePartition> partitions, ShuffleLayout layout) => new((LocalQuery)pinned, partitions, layout);

    /// <summary>What the spine can be read from side by side.</summary>
    public IReadOnlyList<int> SpineParts { get; }

    /// <summary>Passes over the spine: one per entity key, and one for a label in the future.</summary>
    public int Passes => passes.Count;

    /// <summary>Numbers of the views that are joined in a pass; a label in the future has the number after the last view.</summary>
    public IReadOnlyList<int> ViewsOf(int pass) => passes[pass].Views;

    /// <summary>The fragments of a view's source that hold events which can be seen from the spine.</summary>
    public IReadOnlyList<int> EventParts(int view)
    {
        var (computation, (min, max)) = (local.Computations[view], Asked(view));
        return FragmentPruning.Visible(computation.Bound, computation.LookBack, computation.EffectiveAxis, min, max);
    }

    /// <summary>Rows in some fragments of a view's source, as far as known.</summary>
    public long RowsOf(int view, IReadOnlyList<int> parts)
    {
        var fragments = local.Computations[view].Bound.Snapshot.Fragments;
        return parts.Sum(p => Math.Max(0, fragments[p].Rows));
    }

    /// <summary>Whether a view's rows are versions of facts: a version can move its fact to another key, so that first all versions of a fact must meet.</summary>
    public bool HasVersions(int view) => local.Computations[view].Bound.Source.FactExprs is not null;

    /// <summary>Whether the key of a pass is known before any view is joined, so that its rows can be counted by bucket.</summary>
    public bool CanCount(int pass) => passes[pass].KeyColumns.All(k => local.Query.Column(k).Role is ColumnRole.Spine or ColumnRole.Partition);

    /// <summary>An empty count over the time that is asked about.</summary>
    public BucketCounts NewCounts() => new(asOf.Min, asOf.Max);

    /// <summary>Counts the spine rows of a pass.</summary>
    public async Task<BucketCounts> CountSpineAsync(int pass, IReadOnlyList<int> parts, CancellationToken cancel)
    {
        var counts = NewCounts();
        await foreach (var (rows, _) in local.Spine.ReadPartsAsync(partitions, parts, cancel))
        {
            IArrowArray[] keys = [.. passes[pass].KeyColumns.Select(k => rows.Columns[k])];
            var buckets = EventKeys.BucketsOf(keys, rows.Rows, layout.Buckets);
            for (var i = 0; i < buckets.Length; i++)
                if (!keys.Any(k => k.IsNull(i))) counts.Add(buckets[i], rows.AsOf.Values[i]);
        }
        return counts;
    }

    /// <summary>Counts the events of a view.</summary>
    public async Task<BucketCounts> CountEventsAsync(int view, IReadOnlyList<int> parts, CancellationToken cancel)
    {
        var counts = NewCounts();
        var ways = WaysOf(view);
        await foreach (var events in EventsAsync(view, parts, cancel)) ways.Count(counts, events);
        return counts;
    }

    /// <summary>Reads spine rows, on their way to the first pass.</summary>
    public async IAsyncEnumerable<Parcel> ReadSpineAsync(IReadOnlyList<int> parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var cutter = new ParcelCutter(Parcel.SpineTable);
        await foreach (var (rows, places) in local.Spine.ReadPartsAsync(partitions, parts, cancel))
        {
            foreach (var parcel in Send(cutter, rows, ArrowColumns.Numbers(places), pass: 0)) yield return parcel;
        }
        foreach (var parcel in cutter.Flush()) yield return parcel;
    }

    /// <summary>Reads the events of a view, on their way to its pass or, if they are versions, to each other.</summary>
    public async IAsyncEnumerable<Parcel> ReadEventsAsync(int view, IReadOnlyList<int> parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var cutter = new ParcelCutter(view);
        var ways = WaysOf(view);
        await foreach (var events in EventsAsync(view, parts, cancel))
        {
            foreach (var parcel in HasVersions(view) ? cutter.Add(events, ways.OfFacts(events)) : ways.Send(cutter, events)) yield return parcel;
        }
        foreach (var parcel in cutter.Flush()) yield return parcel;
    }

    async IAsyncEnumerable<RecordBatch> EventsAsync(int view, IReadOnlyList<int> parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var (computation, (min, max)) = (local.Computations[view], Asked(view));
        var (events, bound) = (computation.Events, computation.Bound);
        var low = computation.LookBack is { } back ? FragmentPruning.Subtract(min, back) : long.MinValue;
        var origins = new RowOrigins(bound.Snapshot);
        await foreach (var batch in bound.ReadAsync(events.SourceColumns, parts, local.Options.BatchSize, cancel))
        {
            var evaluated = TravellingEvents.Pack(events.Evaluate(batch), origins.Of(batch));
            var seen = events.Visible(evaluated, low, max, computation.EffectiveAxis);
            yield return seen is null ? evaluated : evaluated.Take(seen);
        }
    }

    EventWays WaysOf(int view) => new(local.Computations[view], layout, passes.FindIndex(p => p.Views.Contains(view)));

    /// <summary>Takes all versions of some facts, and sends each version to wherever any version of its fact goes.</summary>
    public async IAsyncEnumerable<Parcel> FollowVersionsAsync(int view, IAsyncEnumerable<Parcel> parcels, [EnumeratorCancellation] CancellationToken cancel)
    {
        var cutter = new ParcelCutter(view);
        var ways = WaysOf(view);
        var computation = local.Computations[view];
        await foreach (var bucket in Buckets.Of(parcels, cancel))
        {
            var rows = bucket.Rows(view)!;
            // Here all versions of a fact are together, whether or not anyone asks for their keys.
            if (computation.Bound.Source.RefusesUnknownDeletes) AsOfKernel.CheckVersions(TravellingEvents.Unpack(computation, rows), computation.Query(1), Asked(view).Max);
            foreach (var parcel in ways.FollowVersions(cutter, rows)) yield return parcel;
        }
        foreach (var parcel in cutter.Flush()) yield return parcel;
    }

    /// <summary>Joins the views of a pass to spine rows.</summary>
    public async IAsyncEnumerable<Parcel> JoinAsync(int pass, IAsyncEnumerable<Parcel> parcels, [EnumeratorCancellation] CancellationToken cancel)
    {
        var cutter = new ParcelCutter(Parcel.SpineTable);
        await foreach (var bucket in Buckets.Of(parcels, cancel))
        {
            if (!bucket.Has(Parcel.SpineTable))
            {
                CheckUnasked(pass, bucket);
                continue;
            }
            var (rows, places) = TravellingRows.Unpack(bucket.Batches(Parcel.SpineTable));
            foreach (var view in passes[pass].Views)
            {
                cancel.ThrowIfCancellationRequested();
                var computation = local.Computations[view];
                var events = TravellingEvents.Unpack(computation, bucket.Rows(view));
                var computed = AsOfKernel.Compute(events, computation.Spine(rows.Columns), computation.Query(local.Options.Threads));
                foreach (var (name, column) in computation.Finish(computed, rows.Rows, rows.Errors)) rows.Columns[name] = column;
                if (view == local.Query.Views.Count) computation.MaskLabel(rows, local.Query.Label!.Name, local.Options.Now);
            }
            foreach (var parcel in Send(cutter, rows, places, pass + 1)) yield return parcel;
        }
        foreach (var parcel in cutter.Flush()) yield return parcel;
    }

    // Events that nobody asks for matter only where validity is stated: overlaps are errors whether or not anyone asks.
    void CheckUnasked(int pass, Buckets bucket)
    {
        foreach (var computation in passes[pass].Views.Where(bucket.Has).Select(v => (View: v, Of: local.Computations[v])).Where(c => c.Of.Bound.Source.Validity is not null))
        {
            var events = TravellingEvents.Unpack(computation.Of, bucket.Rows(computation.View));
            AsOfKernel.Compute(events, new SpineTable([.. events.Keys.Select(k => ArrowArrayFactory.Slice(k, 0, 0))], ArrowColumns.Timestamps([])), computation.Of.Query(1));
        }
    }

    /// <summary>
    /// Adds what is derived and gives the rows out, in the spine's order within each bucket. With <see cref="ShuffleLayout.ByPartition"/> a bucket is a partition, by its place among those that are computed; else it is a piece of the spine,
    /// and pieces are in the spine's order too.
    /// </summary>
    public async IAsyncEnumerable<(long Bucket, FeatureBatch Rows)> FinishAsync(IAsyncEnumerable<Parcel> parcels, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var bucket in Buckets.InOrder(parcels, cancel))
        {
            var (rows, places) = TravellingRows.Unpack(bucket.Batches(Parcel.SpineTable));
            var sorted = TravellingRows.Sort(rows, places);
            sorted.Derive(local.Query);
            foreach (var batch in sorted.ToBatches(local.Query, local.Options.BatchSize, cancel)) yield return (bucket.Bucket, batch);
        }
    }

    IEnumerable<Parcel> Send(ParcelCutter cutter, SpineRows rows, Int64Array places, int pass)
    {
        var packed = TravellingRows.Pack(rows, places);
        var ways = pass < passes.Count ? WaysToPass(passes[pass], rows, places) : WaysToEnd(rows, places);
        return cutter.Add(packed, ways);
    }

    (long, long)[] WaysToPass(ShufflePass pass, SpineRows rows, Int64Array places)
    {
        IArrowArray[] keys = [.. pass.KeyColumns.Select(k => rows.Columns[k])];
        var hashes = EventKeys.BucketsOf(keys, rows.Rows, layout.Buckets);
        var ways = new (long, long)[hashes.Length];
        for (var i = 0; i < ways.Length; i++)
        {
            // A null key matches nothing, so its rows need not meet, and may be many.
            var hasKey = !keys.Any(k => k.IsNull(i));
            ways[i] = (hasKey ? layout.BucketOf(pass.Number, hashes[i], rows.AsOf.Values[i]) : (long)((ulong)places.Values[i] % (ulong)layout.Buckets), 0);
        }
        return ways;
    }

    (long, long)[] WaysToEnd(SpineRows rows, Int64Array places)
    {
        var ways = new (long, long)[rows.Rows];
        var partition = layout.ByPartition ? Partitions(rows.Columns[local.Query.Spine.PartitionName]) : null;
        for (var i = 0; i < ways.Length; i++)
        {
            var piece = places.Values[i] >> OrderBits;
            ways[i] = partition is null ? (piece, 0) : (partition[i], piece);
        }
        return ways;
    }

    int[] Partitions(IArrowArray values)
    {
        var numbers = new int[values.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = values switch
            {
                Date32Array d when i > 0 && d.Values[i] == d.Values[i - 1] => numbers[i - 1],
                Date32Array d => numberOfPartition[PartitionValues.FormatDate(FragmentPruning.Date(d.Values[i]))],
                StringArray s => numberOfPartition[s.GetString(i)],
                _ => throw new BatchMlException($"A partition column of type {values.Data.DataType.Name} is neither Date nor String.", FailureKind.Bug),
            };
        }
        return numbers;
    }

    (long Min, long Max) Asked(int view)
    {
        var after = local.Computations[view].AskedAfter;
        return (FragmentPruning.Add(asOf.Min, after), FragmentPruning.Add(asOf.Max, after));
    }
}
