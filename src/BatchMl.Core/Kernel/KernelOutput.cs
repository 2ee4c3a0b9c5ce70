using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Kernel;

/// <summary>
/// A column being computed, in the order in which keys are swept, so that writing it is one run per key and threads never share a place; put into the spine's order at the end. Values that are
/// some row's value are kept as that row's ordinal and gathered then, whatever their type.
/// </summary>
sealed class KernelOutput
{
    readonly ColumnType? type;
    // Null for counts: of nothing they are 0.
    readonly bool[]? valid;
    readonly IArrowArray? gatherFrom;

    KernelOutput(ColumnType? type, IArrowArray? gatherFrom, bool[]? valid) => (this.type, this.gatherFrom, this.valid) = (type, gatherFrom, valid);

    /// <summary>Row of the event table by place; -1: null.</summary>
    public int[] Rows { get; private init; } = [];

    /// <summary>Integers by place; those of counts are never null.</summary>
    public long[] Integers { get; private init; } = [];

    /// <summary>Doubles by place.</summary>
    public double[] Doubles { get; private init; } = [];

    /// <summary>Values of a column, by row; outputs of one choice of rows may share it.</summary>
    public static KernelOutput OfRows(IArrowArray values, int[] rows) => new(null, values, null) { Rows = rows };

    /// <summary>No row, everywhere.</summary>
    public static int[] NoRows(int places)
    {
        var rows = new int[places];
        rows.AsSpan().Fill(-1);
        return rows;
    }

    public static KernelOutput For(AggregateSpec aggregate, EventTable events, int places)
    {
        switch (aggregate.Kind)
        {
            case AggregateKind.Count or AggregateKind.CountWhere or AggregateKind.DistinctCount:
                return new KernelOutput(ColumnType.Int64, null, null) { Integers = new long[places] };
            case AggregateKind.Sum when events.Values[aggregate.Value] is Int64Array:
                return new KernelOutput(ColumnType.Int64, null, new bool[places]) { Integers = new long[places] };
            case AggregateKind.Sum or AggregateKind.Mean or AggregateKind.Std or AggregateKind.Share or AggregateKind.Quantile:
                return new KernelOutput(ColumnType.Double, null, new bool[places]) { Doubles = new double[places] };
            default:
                return OfRows(events.Values[aggregate.Value], NoRows(places));
        }
    }

    public void Set(int place, long value) => (Integers[place], valid![place]) = (value, true);

    public void Set(int place, double value) => (Doubles[place], valid![place]) = (value, true);

    /// <summary>The finished column.</summary>
    /// <param name="spineRowOf">Spine row by place; spine rows that no place has match nothing.</param>
    /// <param name="rows">Number of spine rows.</param>
    public IArrowArray Build(ReadOnlySpan<int> spineRowOf, int rows)
    {
        if (gatherFrom is not null)
        {
            var chosen = NoRows(rows);
            for (var i = 0; i < spineRowOf.Length; i++) chosen[spineRowOf[i]] = Rows[i];
            return Columns.Take(gatherFrom, chosen);
        }
        var (bits, nulls) = Validity(spineRowOf, rows);
        return type == ColumnType.Double
            ? new DoubleArray(new ArrayData(DoubleType.Default, rows, nulls, 0, [bits, Scatter<double>(Doubles, spineRowOf, rows)]))
            : new Int64Array(new ArrayData(Int64Type.Default, rows, nulls, 0, [bits, Scatter<long>(Integers, spineRowOf, rows)]));
    }

    static ArrowBuffer Scatter<T>(ReadOnlySpan<T> values, ReadOnlySpan<int> spineRowOf, int rows) where T : unmanaged
    {
        var bytes = new byte[(long)rows * System.Runtime.CompilerServices.Unsafe.SizeOf<T>()];
        var into = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(bytes.AsSpan());
        for (var i = 0; i < spineRowOf.Length; i++) into[spineRowOf[i]] = values[i];
        return new ArrowBuffer(bytes);
    }

    (ArrowBuffer Bits, int Nulls) Validity(ReadOnlySpan<int> spineRowOf, int rows)
    {
        if (valid is null) return (ArrowBuffer.Empty, 0);
        var nulls = rows - valid.AsSpan().Count(true);
        if (nulls == 0) return (ArrowBuffer.Empty, 0);
        var bits = new byte[(rows + 7) / 8];
        for (var i = 0; i < spineRowOf.Length; i++)
            if (valid[i]) Bitmap.Set(bits, spineRowOf[i]);
        return (new ArrowBuffer(bits), nulls);
    }
}
