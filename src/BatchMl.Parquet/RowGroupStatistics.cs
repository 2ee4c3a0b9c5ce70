using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using ParquetSharp;

namespace BatchMl.Parquet;

/// <summary>A row group's statistics in the normalised representation. A column whose bounds can not be trusted or compared is left out.</summary>
static class RowGroupStatistics
{
    public static Dictionary<string, ColumnStatistics> Read(RowGroupMetaData group, IReadOnlyList<(Field Field, int Leaf)> columns)
    {
        var statistics = new Dictionary<string, ColumnStatistics>(StringComparer.Ordinal);
        foreach (var (field, leaf) in columns)
        {
            using var chunk = group.GetColumnChunkMetaData(leaf);
            using var found = chunk.IsStatsSet ? chunk.Statistics : null;
            if (found is null) continue;
            if (found.NullCount == group.NumRows) statistics[field.Name] = new ColumnStatistics(null, null, found.NullCount);
            else if (found.HasMinMax && Bounds(found, field.DataType) is { } bounds) statistics[field.Name] = new ColumnStatistics(bounds.Min, bounds.Max, found.NullCount);
        }
        return statistics;
    }

    static (object Min, object Max)? Bounds(Statistics statistics, IArrowType type) => (statistics, type) switch
    {
        (Statistics<bool> s, BooleanType) => (s.Min, s.Max),
        (Statistics<int> s, Int8Type or Int16Type or Int32Type or Date32Type) => ((long)s.Min, (long)s.Max),
        (Statistics<long> s, Int64Type) => (s.Min, s.Max),
        (Statistics<long> s, TimestampType t) => Microseconds(s.Min, s.Max, t.Unit),
        (Statistics<float> s, FloatType) when !float.IsNaN(s.Min) && !float.IsNaN(s.Max) => ((double)s.Min, (double)s.Max),
        (Statistics<double> s, DoubleType) when !double.IsNaN(s.Min) && !double.IsNaN(s.Max) => (s.Min, s.Max),
        (Statistics<ByteArray> s, StringType) => Text(s.Min) is { } min && Text(s.Max) is { } max ? (min, max) : null,
        _ => null,
    };

    static (object, object)? Microseconds(long min, long max, Apache.Arrow.Types.TimeUnit unit) => unit switch
    {
        Apache.Arrow.Types.TimeUnit.Microsecond => (min, max),
        Apache.Arrow.Types.TimeUnit.Millisecond when min > long.MinValue / 1000 && max < long.MaxValue / 1000 => (min * 1000, max * 1000),
        Apache.Arrow.Types.TimeUnit.Nanosecond => (Math.DivRem(min, 1000).Quotient - 1, Math.DivRem(max, 1000).Quotient + 1),
        _ => null,
    };

    static string? Text(ByteArray bytes)
    {
        var copy = new byte[bytes.Length];
        System.Runtime.InteropServices.Marshal.Copy(bytes.Pointer, copy, 0, bytes.Length);
        var text = System.Text.Encoding.UTF8.GetString(copy);
        return text.Contains('\uFFFD') ? null : text;
    }
}
