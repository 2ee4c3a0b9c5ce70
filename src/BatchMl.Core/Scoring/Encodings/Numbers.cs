using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Reads Boolean, Int64 and Double columns as doubles; null is NaN.</summary>
static class Numbers
{
    internal static bool CanRead(ColumnType type) => type is ColumnType.Boolean or ColumnType.Int64 or ColumnType.Double;

    internal static void Read(IArrowArray column, Span<double> to)
    {
        switch (column)
        {
            case DoubleArray doubles:
                doubles.Values.CopyTo(to);
                break;
            case Int64Array integers:
                var values = integers.Values;
                for (var i = 0; i < values.Length; i++) to[i] = values[i];
                break;
            case BooleanArray booleans:
                var bits = booleans.ValueBuffer.Span;
                for (var i = 0; i < to.Length; i++) to[i] = Bitmap.Get(bits, booleans.Offset + i) ? 1 : 0;
                break;
            default:
                throw new ArgumentException($"A {column.Data.DataType.Name} column is not a number.", nameof(column));
        }
        if (column.NullCount == 0) return;
        var validity = Bitmap.Validity(column.Data).Span;
        for (var i = 0; i < to.Length; i++)
            if (!Bitmap.Get(validity, i)) to[i] = double.NaN;
    }

    internal static double[] Read(IArrowArray column)
    {
        var values = new double[column.Length];
        Read(column, values);
        return values;
    }
}
