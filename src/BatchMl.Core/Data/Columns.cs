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

    /// <summary>
    /// Widens a column to its canonical Arrow type. Returns the same array where nothing has to change; types that only pass through are returned as they
    /// are. The result may share the input's memory: it is valid as long as the input is and needs no disposal. Timestamps without a zone are taken as
    /// UTC; nanoseconds and the milliseconds of a Date64 are cut off towards the past.
    /// </summary>
    /// <exception cref="DataException">A value does not fit (unsigned above 2^63-1, a timestamp beyond microseconds in 64 bits).</exception>
    public static IArrowArray Normalize(IArrowArray array) => Widening.Widen(array);

    /// <summary>Rows <paramref name="rows"/> of a column, in that order; -1 gives null. Any Arrow type but unions and run-end encoding. The result owns its memory.</summary>
    /// <exception cref="DataException">The texts together exceed 2 GiB, or the type can not be gathered.</exception>
    public static IArrowArray Take(IArrowArray array, ReadOnlySpan<int> rows) => ArrowArrayFactory.BuildArray(Gathering.Take(array.Data, rows));

    /// <summary>Columns of one type end to end; one part is returned as it is. Dictionaries may differ from part to part, so several are decoded.</summary>
    /// <exception cref="ArgumentException">No parts: their type is not known.</exception>
    public static IArrowArray Concat(IReadOnlyList<IArrowArray> parts) => parts.Count switch
    {
        0 => throw new ArgumentException("Concat needs at least one part: the type of nothing is not known.", nameof(parts)),
        1 => parts[0],
        _ when parts[0] is DictionaryArray => Concat([.. parts.Select(Normalize)]),
        _ => ArrowArrayConcatenator.Concatenate(parts),
    };

    /// <summary>
    /// A value as .NET sees it: bool, long, double, string, long (microseconds), int (days) or null. Types that only pass through give decimal, byte[], or an array of
    /// their items' values. For messages and tests, not for loops.
    /// </summary>
    public static object? ValueAt(IArrowArray array, int row)
    {
        if (row < 0 || row >= array.Length) throw new ArgumentOutOfRangeException(nameof(row), row, $"The column has {array.Length} rows.");
        if (array.IsNull(row)) return null;
        return array switch
        {
            BooleanArray a => a.GetValue(row),
            Int64Array a => a.GetValue(row),
            DoubleArray a => a.GetValue(row),
            StringArray a => a.GetString(row),
            Date32Array a => a.Values[row],
            TimestampArray a when ((TimestampType)a.Data.DataType).Unit == TimeUnit.Microsecond => a.Values[row],
            Decimal128Array a => a.GetValue(row),
            BinaryArray a => a.GetBytes(row).ToArray(),
            MapArray a => Items(a.KeyValues, a.ValueOffsets[row], a.ValueOffsets[row + 1]),
            ListArray a => Items(a.Values, a.ValueOffsets[row], a.ValueOffsets[row + 1]),
            StructArray a => a.Fields.Select(f => ValueAt(f, row)).ToArray(),
            _ when TypeOf(array.Data.DataType) is not null => ValueAt(Normalize(ArrowArrayFactory.Slice(array, row, 1)), 0),
            _ => array.Data.DataType.Name,
        };
    }

    static object?[] Items(IArrowArray values, int from, int to) => [.. Enumerable.Range(from, to - from).Select(i => ValueAt(values, i))];
}
