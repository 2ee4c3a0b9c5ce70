namespace BatchMl.Engine.Shuffle;

/// <summary>How rows are spread over tasks; none of it changes a result.</summary>
/// <param name="Buckets">Buckets of keys in a pass: one is in memory at a time in each task.</param>
/// <param name="ByPartition">At the end rows meet by partition; else by piece of the spine.</param>
/// <param name="HotBuckets">Buckets with too many rows, because few keys or one have most of them: cut by time.</param>
public sealed record ShuffleLayout(int Buckets, bool ByPartition, IReadOnlyList<HotBucket> HotBuckets)
{
    readonly Dictionary<(int Pass, int Bucket), (HotBucket Hot, long First)> hot = Index(Buckets, HotBuckets);

    // The slices of hot buckets have the numbers after those of whole ones.
    static Dictionary<(int, int), (HotBucket, long)> Index(int buckets, IReadOnlyList<HotBucket> hotBuckets)
    {
        var index = new Dictionary<(int, int), (HotBucket, long)>();
        long next = buckets;
        foreach (var bucket in hotBuckets)
        {
            index.Add((bucket.Pass, bucket.Bucket), (bucket, next));
            next += bucket.Starts.Count + 1;
        }
        return index;
    }

    /// <summary>Where a spine row goes.</summary>
    internal long BucketOf(int pass, int bucket, long asOf) => hot.Count > 0 && hot.TryGetValue((pass, bucket), out var slices) ? slices.First + slices.Hot.SliceOf(asOf) : bucket;

    /// <summary>The slices of a bucket with the number of the first; null: it is whole.</summary>
    internal (HotBucket Hot, long First)? SlicesOf(int pass, int bucket) => hot.TryGetValue((pass, bucket), out var slices) ? slices : null;
}

/// <summary>A bucket that is cut by time: each slice has the spine rows of its time, and all events that they can see.</summary>
/// <param name="Pass">The pass.</param>
/// <param name="Bucket">The bucket.</param>
/// <param name="Starts">The instants at which slices after the first begin, ascending, microseconds of <c>as_of</c>.</param>
public sealed record HotBucket(int Pass, int Bucket, IReadOnlyList<long> Starts)
{
    /// <summary>The slice of a spine row.</summary>
    internal int SliceOf(long asOf)
    {
        var slice = 0;
        while (slice < Starts.Count && Starts[slice] <= asOf) slice++;
        return slice;
    }
}
