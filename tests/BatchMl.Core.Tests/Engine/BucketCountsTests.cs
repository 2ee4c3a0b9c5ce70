using BatchMl.Engine.Shuffle;

namespace BatchMl.Core.Tests.Engine;

public sealed class BucketCountsTests
{
    [Fact]
    public void A_bucket_with_most_rows_is_cut_into_slices_of_about_as_many_as_asked()
    {
        var counts = new BucketCounts(0, 256_000);
        for (var slot = 0; slot < BucketCounts.Slots; slot++)
        {
            counts.Add(new BucketCount(0, slot, 100));
            counts.Add(new BucketCount(1, slot, 1));
        }
        var hot = Assert.Single(counts.Hot(pass: 2, rows: 3_200));
        Assert.Equal((2, 0, 7), (hot.Pass, hot.Bucket, hot.Starts.Count));
        Assert.Equal([32_000L, 64_000, 96_000, 128_000, 160_000, 192_000, 224_000], hot.Starts.Select(s => s / 1_000 * 1_000));
    }

    [Fact]
    public void Rows_of_one_instant_stay_together()
    {
        var counts = new BucketCounts(0, 1_000);
        counts.Add(new BucketCount(5, 7, 1_000_000));
        Assert.Empty(counts.Hot(0, 10));
    }
}
