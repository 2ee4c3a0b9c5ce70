using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchMl.Monitoring;

/// <summary>A sketch's levels in JSON: a value that is there three times or more is written once, as <c>[value, times]</c>. Most columns of a day have few different values.</summary>
sealed class RunLengthLevels : JsonConverter<IReadOnlyList<double[]>>
{
    const int LeastRun = 3;

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<double[]> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var level in value)
        {
            writer.WriteStartArray();
            for (int from = 0, to; from < level.Length; from = to)
            {
                for (to = from + 1; to < level.Length && level[to] == level[from];) to++;
                if (to - from < LeastRun)
                {
                    for (var i = from; i < to; i++) Write(writer, level[i]);
                    continue;
                }
                writer.WriteStartArray();
                Write(writer, level[from]);
                writer.WriteNumberValue(to - from);
                writer.WriteEndArray();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }

    static void Write(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteStringValue(value > 0 ? "Infinity" : "-Infinity");
    }

    public override IReadOnlyList<double[]> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var levels = new List<double[]>();
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) levels.Add(Level(ref reader));
        return levels;
    }

    static double[] Level(ref Utf8JsonReader reader)
    {
        var values = new List<double>();
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var times = 1;
            double value;
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                reader.Read();
                value = Value(ref reader);
                reader.Read();
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out times)) throw new JsonException("a run of equal values is [value, times]");
                reader.Read();
                Expect(ref reader, JsonTokenType.EndArray);
            }
            else value = Value(ref reader);
            // Checked before memory is taken for it: a file may say anything.
            if (times < 1 || values.Count + (long)times > QuantileSketch.Capacity) throw new JsonException($"a level has at most {QuantileSketch.Capacity} values");
            if (values.Count > 0 && value < values[^1]) throw new JsonException("a level's values are ascending");
            for (var i = 0; i < times; i++) values.Add(value);
        }
        return [.. values];
    }

    static double Value(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Number => reader.GetDouble(),
        JsonTokenType.String when reader.ValueTextEquals("Infinity"u8) => double.PositiveInfinity,
        JsonTokenType.String when reader.ValueTextEquals("-Infinity"u8) => double.NegativeInfinity,
        _ => throw new JsonException($"a value is a number, not {reader.TokenType}"),
    };

    static void Expect(ref Utf8JsonReader reader, JsonTokenType expected)
    {
        if (reader.TokenType != expected) throw new JsonException($"expected {expected}, got {reader.TokenType}");
    }
}
