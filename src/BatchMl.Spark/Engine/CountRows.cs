using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Engine.Shuffle;

namespace BatchMl.Spark.Engine;

/// <summary>What a counting task answers.</summary>
static class CountRows
{
    public const string Ddl = "bucket INT, slot INT, row_count BIGINT";

    static readonly Schema schema = new([new Field("bucket", Int32Type.Default, false), new Field("slot", Int32Type.Default, false), new Field("row_count", Int64Type.Default, false)], null);

    public static RecordBatch ToBatch(BucketCounts counts)
    {
        BucketCount[] all = [.. counts.All];
        return new RecordBatch(
            schema,
            [
                new Int32Array.Builder().AppendRange(all.Select(c => c.Bucket)).Build(), new Int32Array.Builder().AppendRange(all.Select(c => c.Slot)).Build(), new Int64Array.Builder().AppendRange(all.Select(c => c.Rows)).Build(),
            ],
            all.Length);
    }

    public static void Add(BucketCounts counts, RecordBatch batch)
    {
        var (buckets, slots, rows) = ((Int32Array)batch.Column(0), (Int32Array)batch.Column(1), (Int64Array)batch.Column(2));
        for (var i = 0; i < batch.Length; i++) counts.Add(new BucketCount(buckets.Values[i], slots.Values[i], rows.Values[i]));
    }
}
