using Apache.Arrow;

namespace BatchMl.Data;

/// <summary>
/// Holds what does not fit the memory budget, on disk. Rows go in batch by batch and come out hash-partitioned by key,
/// bucket by bucket, each bucket in the order the rows went in.
/// </summary>
public interface ISpill : IDisposable
{
    /// <summary>Appends rows. <paramref name="buckets"/> holds each row's bucket, 0 to <c>bucketCount</c> - 1. The batch stays the caller's.</summary>
    void Add(RecordBatch batch, ReadOnlySpan<int> buckets);

    /// <summary>A bucket's rows, in the order they were added. Called after the last <see cref="Add"/>.</summary>
    IAsyncEnumerable<RecordBatch> ReadBucketAsync(int bucket, CancellationToken cancel);
}

/// <summary>Opens a spill in a folder that is removed when the spill is disposed.</summary>
/// <param name="schema">Schema of the rows.</param>
/// <param name="bucketCount">Number of buckets, at least 1.</param>
public delegate ISpill SpillFactory(Schema schema, int bucketCount);
