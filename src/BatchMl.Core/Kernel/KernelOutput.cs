using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Kernel;

/// <summary>
/// A column being computed. Threads write different rows; validity is a byte per row so that they never share one. Values that are some row's value are kept as that row's
/// ordinal and gathered at the end, whatever their type.
/// </summary>
sealed class KernelOutput
{
    readonly IArrowArray? gatherFrom;

    readonly bool isDouble;

    KernelOutput(IArrowArray? gatherFrom, bool isDouble = false) => (this.gatherFrom, this.isDouble) = (gatherFrom, isDouble);

    public int[] Rows { get; private init; } = [];
    public long[] Integers { get; private init; } = [];
    public double[] Doubles { get; private init; } = [];
    public bool[] Valid { get; private init; } = [];

    public static KernelOutput OfRows(IArrowArray values, int rows) => new(values) { Rows = CodeTable.Filled(rows) };

    public static KernelOutput OfIntegers(int rows) => new(null) { Integers = new long[rows], Valid = new bool[rows] };

    public static KernelOutput OfDoubles(int rows) => new(null, isDouble: true) { Doubles = new double[rows], Valid = new bool[rows] };

    public static KernelOutput For(AggregateSpec aggregate, EventTable events, int rows) => aggregate.Kind switch
    {
        AggregateKind.Count or AggregateKind.CountWhere or AggregateKind.DistinctCount => OfIntegers(rows),
        AggregateKind.Sum when events.Values[aggregate.Value] is Int64Array => OfIntegers(rows),
        AggregateKind.Sum or AggregateKind.Mean or AggregateKind.Std or AggregateKind.Share or AggregateKind.Quantile => OfDoubles(rows),
        _ => OfRows(events.Values[aggregate.Value], rows),
    };

    public void Set(int row, long value) => (Integers[row], Valid[row]) = (value, true);

    public void Set(int row, double value) => (Doubles[row], Valid[row]) = (value, true);

    public IArrowArray Build()
    {
        if (gatherFrom is not null) return Columns.Take(gatherFrom, Rows);
        var nulls = Valid.AsSpan().Count(false);
        var validity = nulls == 0 ? ArrowBuffer.Empty : Bitmap();
        return isDouble
            ? new DoubleArray(new ArrayData(DoubleType.Default, Valid.Length, nulls, 0, [validity, new ArrowBuffer.Builder<double>(Valid.Length).Append(Doubles).Build()]))
            : new Int64Array(new ArrayData(Int64Type.Default, Valid.Length, nulls, 0, [validity, new ArrowBuffer.Builder<long>(Valid.Length).Append(Integers).Build()]));
    }

    ArrowBuffer Bitmap()
    {
        var bits = new byte[(Valid.Length + 7) / 8];
        for (var i = 0; i < Valid.Length; i++)
        {
            if (Valid[i]) bits[i >> 3] |= (byte)(1 << (i & 7));
        }
        return new ArrowBuffer(bits);
    }
}
