using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Engine;

/// <summary>Arrow columns from plain arrays, and instants in the engine's unit.</summary>
static class ArrowColumns
{
    public static TimestampArray Timestamps(long[] values) => new(
        new ArrayData(Columns.UtcMicroseconds, values.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer.Builder<long>(values.Length).Append(values).Build()]));

    public static Int64Array Numbers(long[] values) => new(new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray()), ArrowBuffer.Empty, values.Length, 0, 0);

    /// <summary>A column without rows.</summary>
    public static IArrowArray Empty(ColumnType type) => type switch
    {
        ColumnType.Boolean => new BooleanArray.Builder().Build(),
        ColumnType.Int64 => new Int64Array.Builder().Build(),
        ColumnType.Double => new DoubleArray.Builder().Build(),
        ColumnType.String => new StringArray.Builder().Build(),
        ColumnType.Timestamp => Timestamps([]),
        ColumnType.Date => new Date32Array.Builder().Build(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    public static long ToUnixMicroseconds(this DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromUnixMicroseconds(long value) => new(DateTime.UnixEpoch.Ticks + value * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
