using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Engine.Shuffle;

/// <summary>
/// Rows on their way through a shuffle, as one value: the engine that moves them sees numbers to sort by and bytes. A shuffle moves few large values much faster than many rows, and what arrives is what was sent, bit for bit.
/// </summary>
/// <param name="Bucket">All parcels of one bucket go to one task.</param>
/// <param name="Order">Within its bucket parcels are sorted by this.</param>
/// <param name="Table">What rows they are: <see cref="SpineTable"/>, or events of the view (or label) with this number.</param>
/// <param name="Data">An Arrow IPC stream of one batch.</param>
public sealed record Parcel(long Bucket, long Order, int Table, ReadOnlyMemory<byte> Data)
{
    /// <summary><see cref="Table"/> of spine rows.</summary>
    public const int SpineTable = -1;

    /// <summary>The columns of parcels as rows: <c>bucket</c>, <c>order_in_bucket</c>, <c>table_number</c>, <c>data</c>.</summary>
    public static Schema Schema { get; } = new(
        [new Field("bucket", Int64Type.Default, false), new Field("order_in_bucket", Int64Type.Default, false), new Field("table_number", Int32Type.Default, false), new Field("data", BinaryType.Default, false)], null);

    /// <summary>A parcel as a batch of one row.</summary>
    public RecordBatch ToBatch() => new(
        Schema,
        [
            new Int64Array.Builder().Append(Bucket).Build(), new Int64Array.Builder().Append(Order).Build(), new Int32Array.Builder().Append(Table).Build(),
            new BinaryArray(BinaryType.Default, 1, new ArrowBuffer.Builder<int>(2).Append(0).Append(Data.Length).Build(), new ArrowBuffer(Data), ArrowBuffer.Empty, 0),
        ],
        1);

    /// <summary>The parcels in a batch of such rows; they have memory of their own.</summary>
    public static IEnumerable<Parcel> FromBatch(RecordBatch batch)
    {
        var (buckets, orders, tables, data) = ((Int64Array)batch.Column(0), (Int64Array)batch.Column(1), (Int32Array)batch.Column(2), (BinaryArray)batch.Column(3));
        for (var i = 0; i < batch.Length; i++) yield return new Parcel(buckets.GetValue(i)!.Value, orders.GetValue(i)!.Value, tables.GetValue(i)!.Value, data.GetBytes(i).ToArray());
    }

    /// <summary>A parcel of the rows of a batch.</summary>
    public static Parcel Of(long bucket, long order, int table, RecordBatch rows)
    {
        using var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, rows.Schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(rows);
            // See FileSpill: spans keep nothing alive.
            GC.KeepAlive(rows);
            writer.WriteEnd();
        }
        return new Parcel(bucket, order, table, stream.GetBuffer().AsMemory(0, (int)stream.Length));
    }

    /// <summary>The rows; they share the parcel's memory.</summary>
    public RecordBatch Rows()
    {
        using var reader = new ArrowStreamReader(Data);
        return reader.ReadNextRecordBatch() ?? throw new BatchMlException("A parcel of a shuffle holds no batch.", FailureKind.Bug);
    }
}

/// <summary>Cuts batches of one table into parcels: rows are held until there are enough of them that parcels are not tiny.</summary>
sealed class ParcelCutter(int table)
{
    const int RowsHeld = 1 << 16;

    // A parcel is one value to the engine that moves it, of some megabytes at most.
    const int RowsInParcel = 1 << 14;

    readonly List<RecordBatch> held = [];
    readonly List<(long Bucket, long Order)> ways = [];

    /// <summary>Takes rows over, with the way that each goes; a negative bucket: none.</summary>
    public IEnumerable<Parcel> Add(RecordBatch rows, IEnumerable<(long Bucket, long Order)> wayOfRow)
    {
        held.Add(rows);
        ways.AddRange(wayOfRow);
        return ways.Count >= RowsHeld ? Flush() : [];
    }

    /// <summary>What is held.</summary>
    public IEnumerable<Parcel> Flush()
    {
        if (held.Count == 0) yield break;
        var schema = held[0].Schema;
        IArrowArray[] columns = [.. Enumerable.Range(0, schema.FieldsList.Count).Select(c => Columns.Concat([.. held.Select(b => b.Column(c))]))];
        var way = ways.ToArray();
        var rows = new int[way.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = i;
        way.AsSpan().Sort(rows.AsSpan());
        held.Clear();
        ways.Clear();
        for (var from = 0; from < rows.Length;)
        {
            var to = from + 1;
            while (to < rows.Length && to - from < RowsInParcel && way[to] == way[from]) to++;
            if (way[from].Bucket >= 0)
            {
                var mine = rows[from..to];
                yield return Parcel.Of(way[from].Bucket, way[from].Order, table, new RecordBatch(schema, columns.Select(c => Columns.Take(c, mine)), mine.Length));
            }
            from = to;
        }
    }
}
