using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine.Shuffle;

/// <summary>Where the events of a view go in its pass: to the bucket of their key, or to all slices of it whose spine rows can see them.</summary>
sealed class EventWays(ViewComputation view, ShuffleLayout layout, int pass)
{
    /// <summary>Versions of one fact meet.</summary>
    public IEnumerable<(long Bucket, long Order)> OfFacts(RecordBatch rows) => EventKeys.BucketsOf([.. view.Events.Fact.Select(rows.Column)], rows.Length, layout.Buckets).Select(b => ((long)b, 0L));

    /// <summary>Sends rows to where their own key is asked for; a null key is asked for nowhere.</summary>
    public IEnumerable<Parcel> Send(ParcelCutter cutter, RecordBatch rows)
    {
        var buckets = BucketsOf(rows);
        if (layout.HotBuckets.Count == 0) return cutter.Add(rows, buckets.Select(b => ((long)b, 0L)));
        List<int> sent = [];
        List<(long, long)> ways = [];
        var slices = Slices(rows, buckets);
        for (var row = 0; row < buckets.Length; row++)
        {
            if (buckets[row] < 0) continue;
            foreach (var way in slices(row, buckets[row]))
            {
                sent.Add(row);
                ways.Add((way, 0));
            }
        }
        return cutter.Add(rows.Take([.. sent]), ways);
    }

    /// <summary>Sends each version to wherever some version of its fact goes: there it counts, or is no longer what counts.</summary>
    public IEnumerable<Parcel> FollowVersions(ParcelCutter cutter, RecordBatch rows)
    {
        var buckets = BucketsOf(rows);
        var slices = Slices(rows, buckets);
        var (facts, count) = FactVersions.FactCodes(view.Events.ToTable([rows], null));
        var waysOfFact = new SortedSet<long>?[count];
        for (var row = 0; row < buckets.Length; row++)
        {
            if (buckets[row] >= 0) (waysOfFact[facts[row]] ??= []).UnionWith(slices(row, buckets[row]));
        }
        List<int> sent = [];
        List<(long, long)> ways = [];
        for (var row = 0; row < buckets.Length; row++)
        {
            foreach (var way in waysOfFact[facts[row]] ?? [])
            {
                sent.Add(row);
                ways.Add((way, 0));
            }
        }
        return cutter.Add(rows.Take([.. sent]), ways);
    }

    /// <summary>Counts rows by bucket and the time from which they can be seen.</summary>
    public void Count(BucketCounts counts, RecordBatch rows)
    {
        var buckets = BucketsOf(rows);
        var (effective, _) = view.Events.Times(rows);
        for (var row = 0; row < buckets.Length; row++)
            if (buckets[row] >= 0) counts.Add(buckets[row], FragmentPruning.Subtract(effective[row], view.AskedAfter));
    }

    int[] BucketsOf(RecordBatch rows)
    {
        IArrowArray[] keys = [.. rows.Arrays.Take(view.Events.KeyCount)];
        var buckets = EventKeys.BucketsOf(keys, rows.Length, layout.Buckets);
        foreach (var key in keys.Where(k => k.NullCount > 0))
        {
            for (var i = 0; i < buckets.Length; i++)
                if (key.IsNull(i)) buckets[i] = -1;
        }
        return buckets;
    }

    // A slice sees a row that has taken effect by its end, unless the row is older than what its first instant looks back to.
    Func<int, int, IEnumerable<long>> Slices(RecordBatch rows, int[] buckets)
    {
        var (effective, happened) = view.Events.Times(rows);
        var carried = view.CanCarry ? Carried(rows, buckets) : null;
        IEnumerable<long> Of(int row, int bucket)
        {
            if (layout.SlicesOf(pass, bucket) is not (var hot, var first)) return [bucket];
            return Enumerable.Range(0, hot.Starts.Count + 1).Where(slice =>
            {
                var ends = slice == hot.Starts.Count ? long.MaxValue : FragmentPruning.Add(hot.Starts[slice], view.AskedAfter);
                var begins = slice == 0 ? long.MinValue : FragmentPruning.Add(hot.Starts[slice - 1], view.AskedAfter);
                if (effective[row] > ends) return false;
                if (view.LookBack is { } back) return (view.EffectiveAxis ? effective[row] : happened[row]) >= FragmentPruning.Subtract(begins, back);
                return carried is null || slice == 0 || carried(slice, hot)[row];
            }).Select(slice => first + slice);
        }
        return Of;
    }

    // Of all that a slice could see as a latest value, only the greatest of what was known when it begins: by key, of these rows.
    Func<int, HotBucket, bool[]> Carried(RecordBatch rows, int[] buckets)
    {
        var known = new Dictionary<(int, int), bool[]>();
        return (slice, hot) =>
        {
            if (known.TryGetValue((slice, hot.Bucket), out var keep)) return keep;
            var mine = Enumerable.Range(0, rows.Length).Where(i => buckets[i] == hot.Bucket).ToArray();
            var kept = Carry.Keep(view.Events.ToTable([rows.Take(mine)], null), view.Query(1), hot.Starts[slice - 1]);
            keep = new bool[rows.Length];
            for (var i = 0; i < mine.Length; i++) keep[mine[i]] = kept[i];
            return known[(slice, hot.Bucket)] = keep;
        };
    }
}
