using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Data;

/// <summary>Widens Arrow columns to the canonical types.</summary>
static class Widening
{
    internal static IArrowArray Widen(IArrowArray array)
    {
        var data = array.Data;
        return data.DataType.TypeId switch
        {
            ArrowTypeId.Int8 => Integers<sbyte>(data),
            ArrowTypeId.Int16 => Integers<short>(data),
            ArrowTypeId.Int32 => Integers<int>(data),
            ArrowTypeId.UInt8 => Integers<byte>(data),
            ArrowTypeId.UInt16 => Integers<ushort>(data),
            ArrowTypeId.UInt32 => Integers<uint>(data),
            ArrowTypeId.UInt64 => Integers<ulong>(data),
            ArrowTypeId.HalfFloat => Doubles<Half>(data),
            ArrowTypeId.Float => Doubles<float>(data),
            ArrowTypeId.Timestamp => Timestamps(array, (TimestampType)data.DataType),
            ArrowTypeId.Date64 => Date64(data),
            ArrowTypeId.LargeString => Strings(data, row => LargeText(data, row)),
            ArrowTypeId.StringView => Strings(data, ((StringViewArray)array).GetBytes),
            ArrowTypeId.Dictionary when Columns.TypeOf(data.DataType) is not null => Dictionary((DictionaryArray)array),
            _ => array,
        };
    }

    static ReadOnlySpan<T> Values<T>(ArrayData data) where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(data.Buffers[1].Span).Slice(data.Offset, data.Length);

    static IArrowArray Build(ArrayData source, ColumnType type, byte[] values) => ArrowArrayFactory.BuildArray(new ArrayData(
        Columns.ArrowType(type), source.Length, source.GetNullCount(), 0,
        [Bitmap.Validity(source), new ArrowBuffer(values)], null));

    static IArrowArray Integers<T>(ArrayData data) where T : unmanaged, IBinaryInteger<T>
    {
        var values = Values<T>(data);
        var buffer = new byte[8L * values.Length];
        var result = MemoryMarshal.Cast<byte, long>(buffer.AsSpan());
        for (var i = 0; i < values.Length; i++) result[i] = long.CreateTruncating(values[i]);
        // Only unsigned 64-bit values can come out negative that were not.
        if (typeof(T) == typeof(ulong)) Check(data, i => Values<long>(data)[i] >= 0, i => $"unsigned value {Values<ulong>(data)[i]} is above {long.MaxValue}, the greatest 64-bit integer");
        return Build(data, ColumnType.Int64, buffer);
    }

    static IArrowArray Doubles<T>(ArrayData data) where T : unmanaged, INumberBase<T>
    {
        var values = Values<T>(data);
        var buffer = new byte[8L * values.Length];
        var result = MemoryMarshal.Cast<byte, double>(buffer.AsSpan());
        for (var i = 0; i < values.Length; i++) result[i] = double.CreateTruncating(values[i]);
        return Build(data, ColumnType.Double, buffer);
    }

    static IArrowArray Timestamps(IArrowArray array, TimestampType type)
    {
        var data = array.Data;
        if (type.Unit == TimeUnit.Microsecond)
            return type.Timezone == Columns.UtcMicroseconds.Timezone ? array : ArrowArrayFactory.BuildArray(
                new ArrayData(Columns.UtcMicroseconds, data.Length, data.NullCount, data.Offset, data.Buffers, null));
        var values = Values<long>(data);
        var buffer = new byte[8L * values.Length];
        var result = MemoryMarshal.Cast<byte, long>(buffer.AsSpan());
        if (type.Unit == TimeUnit.Nanosecond)
        {
            for (var i = 0; i < values.Length; i++) result[i] = FloorDivide(values[i], 1000);
            return Build(data, ColumnType.Timestamp, buffer);
        }
        var factor = type.Unit == TimeUnit.Second ? 1_000_000L : 1000L;
        for (var i = 0; i < values.Length; i++) result[i] = unchecked(values[i] * factor);
        Check(data, i => Math.BigMul(Values<long>(data)[i], factor, out var low) == low >> 63,
            i => $"timestamp {Values<long>(data)[i]} ({type.Unit}) does not fit into 64 bits of microseconds since 1970 (years -290308 to 294247)");
        return Build(data, ColumnType.Timestamp, buffer);
    }

    static IArrowArray Date64(ArrayData data)
    {
        var values = Values<long>(data);
        var buffer = new byte[4L * values.Length];
        var result = MemoryMarshal.Cast<byte, int>(buffer.AsSpan());
        for (var i = 0; i < values.Length; i++) result[i] = unchecked((int)FloorDivide(values[i], 86_400_000));
        Check(data, i => FloorDivide(Values<long>(data)[i], 86_400_000) is >= int.MinValue and <= int.MaxValue,
            i => $"date of {Values<long>(data)[i]} ms since 1970 does not fit into 32 bits of days");
        return Build(data, ColumnType.Date, buffer);
    }

    static long FloorDivide(long value, long divisor) => value >= 0 ? value / divisor : ~(~value / divisor);

    /// <summary>Values under nulls may be anything, so only the others are looked at.</summary>
    static void Check(ArrayData data, Func<int, bool> fits, Func<int, string> problem)
    {
        var validity = Bitmap.Validity(data).Span;
        for (var i = 0; i < data.Length; i++)
            if ((validity.IsEmpty || Bitmap.Get(validity, i)) && !fits(i))
                throw new DataException($"row {i}: {problem(i)}");
    }

    static IArrowArray Dictionary(DictionaryArray array)
    {
        var indices = (Int64Array)(array.Indices is Int64Array wide ? wide : Widen(array.Indices));
        var rows = new int[array.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = indices.IsNull(i) ? -1 : checked((int)indices.Values[i]);
        return Columns.Take(Widen(array.Dictionary), rows);
    }

    delegate ReadOnlySpan<byte> TextAt(int row);

    static ReadOnlySpan<byte> LargeText(ArrayData data, int row)
    {
        var offsets = MemoryMarshal.Cast<byte, long>(data.Buffers[1].Span).Slice(data.Offset + row, 2);
        return data.Buffers[2].Span[checked((int)offsets[0])..checked((int)offsets[1])];
    }

    static IArrowArray Strings(ArrayData data, TextAt text)
    {
        var validity = Bitmap.Validity(data);
        var builder = new TextBuilder(data.Length);
        for (var i = 0; i < data.Length; i++)
            if (validity.IsEmpty || Bitmap.Get(validity.Span, i)) builder.Append(text(i));
            else builder.AppendNull();
        return builder.Build();
    }
}
