using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary><c>encoder.json</c>: <c>{"format":1,"label":…,"weight":…,"encodings":[{"feature","type","encoding",…}]}</c>, properties always in this order.</summary>
static class EncoderJson
{
    const int Format = 1;

    internal static byte[] Write(Encoder encoder)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            if (encoder.Label is not null) json.WriteString("label", encoder.Label);
            if (encoder.Weight is not null) json.WriteString("weight", encoder.Weight);
            json.WriteStartArray("encodings");
            foreach (var encoding in encoder.Encodings)
            {
                json.WriteStartObject();
                json.WriteString("feature", encoding.Feature);
                json.WriteString("type", encoding.Type.ToString());
                json.WriteString("encoding", encoding.Kind);
                encoding.Write(json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    internal static Encoder Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.GetProperty("format").GetInt32() is var format && format != Format)
                throw new DataException($"The encoder has format {format}; this version reads {Format}. Use the version of BatchMl that made the model, or train it again.");
            var label = root.TryGetProperty("label", out var text) ? text.GetString() : null;
            return new(label, [.. root.GetProperty("encodings").EnumerateArray().Select(One)], root.TryGetProperty("weight", out var weight) ? weight.GetString() : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new DataException($"Not a fitted encoder: {e.Message} Take the model package's encoder.json as it was written, or train the model again.", e);
        }
    }

    static FittedEncoding One(JsonElement json)
    {
        var feature = json.GetProperty("feature").GetString()!;
        var type = Enum.Parse<ColumnType>(json.GetProperty("type").GetString()!);
        return json.GetProperty("encoding").GetString() switch
        {
            "numeric" => FittedNumeric.Read(feature, type, json),
            "category" => FittedCategory.Read(feature, type, json),
            "one-hot" => FittedOneHot.Read(feature, type, json),
            "target" => FittedTarget.Read(feature, type, json),
            "pass" => FittedPassThrough.Read(feature, type, json),
            var other => throw new DataException($"Feature {feature} has the unknown encoding {other}; known are numeric, category, one-hot, target and pass."),
        };
    }
}
