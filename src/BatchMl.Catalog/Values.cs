using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchMl.Lineage;
using BatchMl.Runs;

namespace BatchMl.Catalog;

/// <summary>How values are kept in columns.</summary>
static class Values
{
    public static string OfTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    public static string? OfTime(DateTimeOffset? time) => time is { } known ? OfTime(known) : null;

    /// <summary>Text from anywhere, such as a message that quotes data: PostgreSQL takes neither the character 0 nor half of a surrogate pair.</summary>
    public static string? OfText(string? text) => text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD');

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public static DateTimeOffset? TimeOrNull(string? text) => text is null ? null : Time(text);

    public static string OfObject(CommittedVersion value) => JsonSerializer.Serialize(value, JsonTypes.Default.CommittedVersion);

    public static string OfObject(LineageRun value) => JsonSerializer.Serialize(value, JsonTypes.Default.LineageRun);

    public static CommittedVersion Version(string json) => JsonSerializer.Deserialize(json, JsonTypes.Default.CommittedVersion) ?? throw new JsonException("It is null.");

    public static LineageRun Lineage(string json) => JsonSerializer.Deserialize(json, JsonTypes.Default.LineageRun) ?? throw new JsonException("It is null.");

    /// <summary>A digest of texts, so that those who read them know that they are those that were written: the database has no checksums of its own.</summary>
    public static string DigestOf(params ReadOnlySpan<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in texts) hash.AppendData(Encoding.UTF8.GetBytes($"{text.Length}:{text}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>Written by the compiler rather than made when the program starts: a ledger of thousands of partitions is read at every run.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(CommittedVersion))]
[JsonSerializable(typeof(LineageRun))]
sealed partial class JsonTypes : JsonSerializerContext;
