using System.Globalization;
using Google.Protobuf;

namespace BatchMl.Spark.Connect;

/// <summary>Values of .NET as literals of Spark that every version knows.</summary>
static class Literals
{
    public static Proto.Expression.Types.Literal Of(string where, object? value) => value switch
    {
        null => new() { Null = new() { Null = new() } },
        bool v => new() { Boolean = v },
        sbyte v => new() { Byte = v },
        short v => new() { Short = v },
        int v => new() { Integer = v },
        long v => new() { Long = v },
        float v => new() { Float = v },
        double v => new() { Double = v },
        decimal v => new() { Decimal = new() { Value = v.ToString(CultureInfo.InvariantCulture) } },
        string v => new() { String = v },
        byte[] v => new() { Binary = ByteString.CopyFrom(v) },
        DateOnly v => new() { Date = v.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber },
        DateTimeOffset v => new() { Timestamp = (v.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond },
        _ => throw new DefinitionException(
            $"{where} is a {value.GetType().FullName}; expected null, bool, sbyte, short, int, long, float, double, decimal, string, byte[], DateOnly or DateTimeOffset."),
    };
}
