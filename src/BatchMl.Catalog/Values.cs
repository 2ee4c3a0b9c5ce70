using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchMl.Catalog;

/// <summary>How values are kept in columns.</summary>
static class Values
{
    static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    public static string OfTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public static string OfObject<T>(T value) => JsonSerializer.Serialize(value, Json);

    public static T Object<T>(string json) => JsonSerializer.Deserialize<T>(json, Json)!;
}
