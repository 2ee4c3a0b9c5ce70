namespace BatchMl.Engine.Shuffle;

/// <summary>Rows of a pass by bucket and time: from these follows which buckets are hot.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Slot">Which of <see cref="BucketCounts.Slots"/> equal parts of the time that is asked about; events before it count to the first.</param>
/// <param name="Rows">Spine rows and events.</param>
public readonly record struct BucketCount(int Bucket, int Slot, long Rows);

/// <summary>Counts rows by bucket and time.</summary>
/// <param name="min">Begin of the time that is asked about, microseconds.</param>
/// <param name="max">Its end.</param>
public sealed class BucketCounts(long min, long max)
{
    /// <summary>Parts of the time: where a bucket is cut is known so exactly.</summary>
    public const int Slots = 256;

    readonly Dictionary<(int Bucket, int Slot), long> counts = [];

    // One more, so that the end lies in the last.
    double SlotMicroseconds => Math.Max(1, ((double)max - min + 1) / Slots);

    /// <summary>Adds rows.</summary>
    public void Add(BucketCount rows) => counts[(rows.Bucket, rows.Slot)] = counts.GetValueOrDefault((rows.Bucket, rows.Slot)) + rows.Rows;

    internal void Add(int bucket, long at) => Add(new BucketCount(bucket, (int)Math.Clamp(((double)at - min) / SlotMicroseconds, 0, Slots - 1), 1));

    /// <summary>What was counted.</summary>
    public IEnumerable<BucketCount> All => counts.Select(c => new BucketCount(c.Key.Bucket, c.Key.Slot, c.Value));

    /// <summary>The buckets of a pass with more than so many rows, cut so that a slice has about so many; fewer cuts where rows of one instant are too many for that.</summary>
    public IReadOnlyList<HotBucket> Hot(int pass, long rows)
    {
        var hot = new List<HotBucket>();
        foreach (var bucket in counts.GroupBy(c => c.Key.Bucket).OrderBy(b => b.Key))
        {
            var starts = new List<long>();
            var slice = 0L;
            foreach (var slot in bucket.OrderBy(c => c.Key.Slot))
            {
                if (slice > 0 && slice + slot.Value > rows)
                {
                    starts.Add(min + (long)(slot.Key.Slot * SlotMicroseconds));
                    slice = 0;
                }
                slice += slot.Value;
            }
            if (starts.Count > 0) hot.Add(new HotBucket(pass, bucket.Key, starts));
        }
        return hot;
    }
}
