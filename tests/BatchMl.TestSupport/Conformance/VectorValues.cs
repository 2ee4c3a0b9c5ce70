using System.Globalization;
using System.Text.Json;
using BatchMl.Data;

namespace BatchMl.TestSupport.Conformance;

/// <summary>The text of types, values and durations in vectors.</summary>
static class VectorValues
{
    static readonly string[] instants = ["yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'"];

    internal static ColumnType Type(string text) => text switch
    {
        "bool" => ColumnType.Boolean,
        "int64" => ColumnType.Int64,
        "double" => ColumnType.Double,
        "string" => ColumnType.String,
        "timestamp" => ColumnType.Timestamp,
        "date" => ColumnType.Date,
        _ => throw new FormatException($"Got the type '{text}'; expected bool, int64, double, string, timestamp or date."),
    };

    internal static object? Cell(ColumnType type, JsonElement json) => json.ValueKind == JsonValueKind.Null ? null : type switch
    {
        ColumnType.Boolean => json.GetBoolean(),
        ColumnType.Int64 => json.GetInt64(),
        ColumnType.Double => json.ValueKind == JsonValueKind.String ? NotFinite(json.GetString()!) : json.GetDouble(),
        ColumnType.String => json.GetString()!,
        ColumnType.Timestamp => json.ValueKind == JsonValueKind.Number ? json.GetInt64() : Instant(json.GetString()!),
        _ => DateOnly.ParseExact(json.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber,
    };

    /// <summary>Microseconds of e.g. <c>1d 6h 1us</c>.</summary>
    internal static long Duration(string text) => text.Split(' ').Sum(part =>
    {
        var unit = part.TrimStart('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        var count = long.Parse(part[..^unit.Length], CultureInfo.InvariantCulture);
        return count * unit switch
        {
            "us" => 1L,
            "s" => 1_000_000L,
            "m" => 60_000_000L,
            "h" => 3_600_000_000L,
            "d" => 86_400_000_000L,
            _ => throw new FormatException($"Got the unit '{unit}' in '{text}'; expected d, h, m, s or us."),
        };
    });

    static long Instant(string text)
    {
        var instant = DateTime.ParseExact(text, instants, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal);
        return (instant - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    }

    static double NotFinite(string text) => text switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => throw new FormatException($"Got the double '{text}'; finite ones are JSON numbers, the others NaN, Infinity and -Infinity."),
    };
}
