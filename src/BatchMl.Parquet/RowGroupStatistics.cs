using System.Runtime.InteropServices;
using System.Text;
using BatchMl.Data;
using ParquetSharp;

namespace BatchMl.Parquet;

/// <summary>
/// A row group's statistics in the contract's representation. What the footer's numbers mean is told by the file's own (logical) type, not by the Arrow type that they are read as. A column whose bounds
/// can not be trusted or compared is left out.
/// </summary>
static class RowGroupStatistics
{
    static readonly UTF8Encoding strictUtf8 = new(false, throwOnInvalidBytes: true);

    public static Dictionary<string, ColumnStatistics> Read(RowGroupMetaData group, IReadOnlyList<(string Name, int Leaf)> columns)
    {
        var statistics = new Dictionary<string, ColumnStatistics>(StringComparer.Ordinal);
        foreach (var (name, leaf) in columns)
        {
            using var chunk = group.GetColumnChunkMetaData(leaf);
            using var found = chunk.IsStatsSet ? chunk.Statistics : null;
            if (found is null) continue;
            // The reader reports a missing null count as 0, so 0 is only believed where nulls can not be.
            var descriptor = group.Schema.Column(leaf);
            var nulls = found.NullCount > 0 || descriptor.MaxDefinitionLevel == 0 ? found.NullCount : -1;
            if (nulls == group.NumRows) statistics[name] = new ColumnStatistics(null, null, nulls);
            else if (found.HasMinMax && Bounds(found, descriptor) is var (min, max)) statistics[name] = new ColumnStatistics(min, max, nulls);
        }
        return statistics;
    }

    static (object Min, object Max)? Bounds(Statistics statistics, ColumnDescriptor descriptor)
    {
        using var type = descriptor.LogicalType;
        return (statistics, type) switch
        {
            (Statistics<bool> s, NoneLogicalType) => (s.Min, s.Max),
            (Statistics<int> s, NoneLogicalType or IntLogicalType { IsSigned: true }) => ((long)s.Min, (long)s.Max),
            (Statistics<int> s, IntLogicalType) => ((long)(uint)s.Min, (long)(uint)s.Max),
            (Statistics<int> s, DateLogicalType) => (s.Min, s.Max),
            (Statistics<long> s, NoneLogicalType or IntLogicalType { IsSigned: true }) => (s.Min, s.Max),
            (Statistics<long> s, IntLogicalType) when s.Min >= 0 && s.Max >= 0 => (s.Min, s.Max),
            (Statistics<long> s, TimestampLogicalType t) => Microseconds(s.Min, s.Max, t.TimeUnit),
            // NaN is in no bound: readers of a Double column must expect it beyond them.
            (Statistics<float> s, NoneLogicalType) when !float.IsNaN(s.Min) && !float.IsNaN(s.Max) => ((double)s.Min, (double)s.Max),
            (Statistics<double> s, NoneLogicalType) when !double.IsNaN(s.Min) && !double.IsNaN(s.Max) => (s.Min, s.Max),
            // A bound that the writer cut off is still a bound, if it is text.
            (Statistics<ByteArray> s, StringLogicalType) => Text(s.Min) is { } min && Text(s.Max) is { } max ? (min, max) : null,
            _ => null,
        };
    }

    static (object, object)? Microseconds(long min, long max, TimeUnit unit) => unit switch
    {
        TimeUnit.Micros => (min, max),
        TimeUnit.Millis when min >= long.MinValue / 1000 && max <= long.MaxValue / 1000 => (min * 1000, max * 1000),
        TimeUnit.Nanos => (FloorDiv1000(min), FloorDiv1000(max)),
        _ => null,
    };

    // As Columns.Normalize does: cut off towards the past.
    static long FloorDiv1000(long value) => value / 1000 - (value % 1000 < 0 ? 1 : 0);

    static string? Text(ByteArray bytes)
    {
        var copy = new byte[bytes.Length];
        if (bytes.Length > 0) Marshal.Copy(bytes.Pointer, copy, 0, bytes.Length);
        try
        {
            return strictUtf8.GetString(copy);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
