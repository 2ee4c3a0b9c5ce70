using System.IO.Hashing;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>A stage of rows that will be merged: their keys must tell them apart, or the merge would fail, or add a row again each time.</summary>
sealed class BigQueryStage(IBatchStage stage, PartitionKey key, Schema schema, IReadOnlyList<string> keys) : IBatchStage
{
    readonly int[] columns = [.. keys.Select(k => schema.GetFieldIndex(k))];
    // Digests of 128 bits: two rows whose digests are equal by chance are not met in practice.
    readonly HashSet<UInt128> seen = [];
    long rows;

    public async Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        await stage.WriteAsync(batch, cancel);
        var values = columns.Select(c => Columns.Normalize(batch.Column(c))).ToArray();
        var text = new StringBuilder();
        for (var row = 0; row < batch.Length; row++, rows++)
        {
            text.Clear();
            for (var c = 0; c < values.Length; c++)
            {
                var value = Columns.ValueAt(values[c], row) ?? throw new DataException(
                    $"Row {rows} of {key} has no value in {keys[c]}, a key of the merge (BigQuery:Keys). Null equals nothing, so the row would be added again each time. Correct the rows, or choose other keys.");
                text.Append(FormattableString.Invariant($"{(value is byte[] bytes ? Convert.ToHexString(bytes) : value)}")).Append('\0');
            }
            if (!seen.Add(XxHash128.HashToUInt128(System.Runtime.InteropServices.MemoryMarshal.AsBytes(text.ToString().AsSpan()))))
                throw new DataException($"Row {rows} of {key} has the same {string.Join(", ", keys)} as a row before it: {text.ToString().TrimEnd('\0').Replace('\0', ',')}. A merge needs keys that tell rows apart (BigQuery:Keys). Correct the rows, or add a key.");
        }
    }

    public Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel) => stage.AddFileAsync(kind, name, content, rows, cancel);

    public Task<StagedPartition> CompleteAsync(CancellationToken cancel) => stage.CompleteAsync(cancel);

    public ValueTask DisposeAsync() => stage.DisposeAsync();
}
