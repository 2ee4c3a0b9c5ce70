using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Engine;

/// <summary>Typed keys outside of the kernel: their hash buckets, and their text for one row.</summary>
static class EventKeys
{
    public static int[] BucketsOf(IReadOnlyList<IArrowArray> keys, int rows, int buckets) => [.. HashesOf(keys, rows).Select(h => (int)((h >> 33) % (ulong)buckets))];

    /// <summary>A number for each row that its key decides, the same for ever.</summary>
    public static ulong[] HashesOf(IReadOnlyList<IArrowArray> keys, int rows)
    {
        var hashes = new ulong[rows];
        foreach (var key in keys)
        {
            for (var i = 0; i < rows; i++) hashes[i] = (hashes[i] ^ HashOf(key, i)) * 0x9E3779B97F4A7C15 + 1;
        }
        return hashes;
    }

    static ulong HashOf(IArrowArray key, int row)
    {
        if (key.IsNull(row)) return 0;
        return key switch
        {
            StringArray s => XxHash3.HashToUInt64(s.GetBytes(row)),
            Int64Array v => Mix(v.Values[row]),
            TimestampArray v => Mix(v.Values[row]),
            Date32Array v => Mix(v.Values[row]),
            BooleanArray v => Mix(v.GetValue(row) == true ? 1 : 0),
            // NaN equals itself and -0.0 equals 0.0.
            DoubleArray v => Mix(double.IsNaN(v.Values[row]) ? -1 : BitConverter.DoubleToInt64Bits(v.Values[row] + 0.0)),
            _ => throw new ArgumentException($"A key of type {key.Data.DataType.Name} is not canonical.", nameof(key)),
        };
    }

    static ulong Mix(long value) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in value)));

    /// <summary>A row's key as unambiguous text; null when a component is null (which matches nothing).</summary>
    public static string? Of(IReadOnlyList<IArrowArray> keys, int row)
    {
        var text = new StringBuilder();
        foreach (var key in keys)
        {
            if (key.IsNull(row)) return null;
            var part = Columns.ValueAt(key, row) switch
            {
                double d => (d + 0.0).ToString("R", System.Globalization.CultureInfo.InvariantCulture),
                var v => FormattableString.Invariant($"{v}"),
            };
            text.Append(part.Length).Append(':').Append(part);
        }
        return text.ToString();
    }
}
