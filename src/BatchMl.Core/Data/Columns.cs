using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Data;

/// <summary>What Arrow's .NET library leaves out: types, widening, gathering and joining of columns.</summary>
public static class Columns
{
    /// <summary>The Arrow type of each <see cref="ColumnType"/>.</summary>
    public static IArrowType ArrowType(ColumnType type) => type switch
    {
        ColumnType.Boolean => BooleanType.Default,
        ColumnType.Int64 => Int64Type.Default,
        ColumnType.Double => DoubleType.Default,
        ColumnType.String => StringType.Default,
        ColumnType.Timestamp => UtcMicroseconds,
        ColumnType.Date => Date32Type.Default,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The one timestamp type: microseconds, UTC.</summary>
    public static readonly TimestampType UtcMicroseconds = new(TimeUnit.Microsecond, "UTC");

    /// <summary>What a file's type is widened to; null for types that only pass through (decimal, binary, list, struct, map).</summary>
    public static ColumnType? TypeOf(IArrowType type) => type.TypeId switch
    {
        ArrowTypeId.Boolean => ColumnType.Boolean,
        ArrowTypeId.Int8 or ArrowTypeId.Int16 or ArrowTypeId.Int32 or ArrowTypeId.Int64
            or ArrowTypeId.UInt8 or ArrowTypeId.UInt16 or ArrowTypeId.UInt32 or ArrowTypeId.UInt64 => ColumnType.Int64,
        ArrowTypeId.HalfFloat or ArrowTypeId.Float or ArrowTypeId.Double => ColumnType.Double,
        ArrowTypeId.String or ArrowTypeId.LargeString or ArrowTypeId.StringView => ColumnType.String,
        ArrowTypeId.Timestamp => ColumnType.Timestamp,
        ArrowTypeId.Date32 or ArrowTypeId.Date64 => ColumnType.Date,
        ArrowTypeId.Dictionary => TypeOf(((DictionaryType)type).ValueType),
        _ => null,
    };

    /// <summary>Widens a column to its canonical Arrow type. Returns the same array where nothing has to change.</summary>
    /// <exception cref="DataException">A value does not fit (unsigned above 2^63-1, a timestamp beyond microseconds in 64 bits).</exception>
    public static IArrowArray Normalize(IArrowArray array) => throw new NotImplementedException();

    /// <summary>Rows <paramref name="rows"/> of a column, in that order; -1 gives null. Any Arrow type.</summary>
    public static IArrowArray Take(IArrowArray array, ReadOnlySpan<int> rows) => throw new NotImplementedException();

    /// <summary>Columns end to end; one part is returned as it is.</summary>
    public static IArrowArray Concat(IReadOnlyList<IArrowArray> parts) => throw new NotImplementedException();

    /// <summary>A value as .NET sees it: bool, long, double, string, long (microseconds), int (days) or null. For messages and tests, not for loops.</summary>
    public static object? ValueAt(IArrowArray array, int row) => throw new NotImplementedException();
}
