using System.Text;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.TestSupport.Conformance;

/// <summary>Arrow columns as plain values (bool, long, double, string, long for timestamps, int for dates, null) and back.</summary>
public static class Cells
{
    /// <summary>The value in a row.</summary>
    public static object? At(IArrowArray array, int row) => array.IsNull(row) ? null : array switch
    {
        BooleanArray a => a.GetValue(row),
        Int64Array a => a.GetValue(row),
        DoubleArray a => a.GetValue(row),
        StringArray a => a.GetString(row),
        TimestampArray a => a.GetValue(row),
        Date32Array a => a.GetValue(row),
        _ => throw new NotSupportedException($"Got a {array.Data.DataType.Name} column; vectors have bool, int64, double, string, timestamp and date."),
    };

    /// <summary>A column's type.</summary>
    public static ColumnType TypeOf(IArrowArray array) => array switch
    {
        BooleanArray => ColumnType.Boolean,
        Int64Array => ColumnType.Int64,
        DoubleArray => ColumnType.Double,
        StringArray => ColumnType.String,
        TimestampArray => ColumnType.Timestamp,
        Date32Array => ColumnType.Date,
        _ => throw new NotSupportedException($"Got a {array.Data.DataType.Name} column; vectors have bool, int64, double, string, timestamp and date."),
    };

    /// <summary>Builds a column.</summary>
    public static IArrowArray Build(ColumnType type, IReadOnlyList<object?> cells) => type switch
    {
        ColumnType.Boolean => Fill(new BooleanArray.Builder(), (b, v) => b.Append((bool)v), b => b.AppendNull(), cells).Build(),
        ColumnType.Int64 => Fill(new Int64Array.Builder(), (b, v) => b.Append((long)v), b => b.AppendNull(), cells).Build(),
        ColumnType.Double => Fill(new DoubleArray.Builder(), (b, v) => b.Append((double)v), b => b.AppendNull(), cells).Build(),
        ColumnType.String => Fill(new StringArray.Builder(), (b, v) => b.Append((string)v), b => b.AppendNull(), cells).Build(),
        ColumnType.Timestamp => Timestamps(cells),
        ColumnType.Date => Dates(cells),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>A timestamp column.</summary>
    public static TimestampArray Timestamps(IReadOnlyList<object?> cells) =>
        new(Columns.UtcMicroseconds, Buffer(cells, c => (long)c), Validity(cells), cells.Count, cells.Count(c => c is null), 0);

    /// <summary>Nulls first, NaN last and equal to itself, -0.0 equal to 0.0, strings by UTF-8 bytes.</summary>
    public static int Compare(object? a, object? b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        (double x, double y) => double.IsNaN(x) || double.IsNaN(y) ? double.IsNaN(x).CompareTo(double.IsNaN(y)) : x < y ? -1 : x > y ? 1 : 0,
        (string x, string y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
        _ => ((IComparable)a).CompareTo(b),
    };

    /// <summary>Whether two values are the same to the bit; every NaN is the same.</summary>
    public static bool Identical(object? a, object? b) => a is double x && b is double y
        ? BitConverter.DoubleToInt64Bits(x) == BitConverter.DoubleToInt64Bits(y) || (double.IsNaN(x) && double.IsNaN(y))
        : Equals(a, b);

    static TBuilder Fill<TBuilder>(TBuilder builder, Action<TBuilder, object> append, Action<TBuilder> appendNull, IReadOnlyList<object?> cells)
    {
        foreach (var cell in cells)
            if (cell is null)
                appendNull(builder);
            else
                append(builder, cell);
        return builder;
    }

    static Date32Array Dates(IReadOnlyList<object?> cells) => new(Buffer(cells, c => (int)c), Validity(cells), cells.Count, cells.Count(c => c is null), 0);

    static ArrowBuffer Buffer<T>(IReadOnlyList<object?> cells, Func<object, T> read) where T : struct =>
        new ArrowBuffer.Builder<T>().AppendRange(cells.Select(c => c is null ? default : read(c))).Build();

    static ArrowBuffer Validity(IReadOnlyList<object?> cells) => new ArrowBuffer.BitmapBuilder().AppendRange(cells.Select(c => c is not null)).Build();
}
