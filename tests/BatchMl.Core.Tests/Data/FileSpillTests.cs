using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Data;

public sealed class FileSpillTests : IDisposable
{
    readonly TestFolder folder = new();

    static async Task<List<string>> ReadAsync(ISpill spill, int bucket)
    {
        var rows = new List<string>();
        await foreach (var batch in spill.ReadBucketAsync(bucket, default)) rows.AddRange(TestTable.Rows(batch));
        return rows;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task Every_bucket_gives_its_rows_in_the_order_they_came(int bucketCount)
    {
        var random = new Random(5);
        var expected = Enumerable.Range(0, bucketCount).Select(_ => new List<string>()).ToArray();
        using var spill = FileSpill.Factory(folder.Path, 1)(TestTable.Schema, bucketCount);
        for (var i = 0; i < 20; i++)
        {
            // Sliced, so that offsets are there; 1 MiB is crossed, so that some is written early.
            var batch = TestTable.Slice(TestTable.Create(3000, i), 3, 2900);
            var buckets = Enumerable.Range(0, batch.Length).Select(_ => random.Next(bucketCount)).ToArray();
            spill.Add(batch, buckets);
            foreach (var (row, bucket) in TestTable.Rows(batch).Zip(buckets)) expected[bucket].Add(row);
        }
        for (var b = 0; b < bucketCount; b++) Assert.Equal(expected[b], await ReadAsync(spill, b));
        Assert.Equal(expected[0], await ReadAsync(spill, 0));
    }

    [Fact]
    public async Task A_bucket_without_rows_is_empty()
    {
        using var spill = FileSpill.Factory(folder.Path, 1 << 20)(TestTable.Schema, 3);
        Assert.Empty(await ReadAsync(spill, 1));
        Assert.Throws<InvalidOperationException>(() => spill.Add(TestTable.Create(1), [0]));
    }

    [Fact]
    public async Task Nothing_is_left_behind()
    {
        using (var spill = FileSpill.Factory(folder.At("spill"), 1)(TestTable.Schema, 4))
        {
            spill.Add(TestTable.Create(40_000), [.. Enumerable.Range(0, 40_000).Select(i => i % 4)]);
            Assert.Equal(10_000, (await ReadAsync(spill, 2)).Count);
            // Open files have no names: a killed process leaves none.
            Assert.Empty(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories));
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.At("spill")));
    }

    [Fact]
    public void A_place_that_can_not_be_written_is_told()
    {
        File.WriteAllText(folder.At("file"), "");
        var error = Assert.Throws<BatchMlException>(() => FileSpill.Factory(folder.At("file"), 1)(TestTable.Schema, 1));
        Assert.Contains(folder.At("file"), error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
