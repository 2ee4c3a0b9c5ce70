using System.Text.Json;

namespace BatchMl.Hosting.Places;

/// <summary>A JSON file of settings, looked at before it is read: a name that is there twice, whatever its case, would lose one of its values, and the reader of settings does not say where.</summary>
static class SettingsFile
{
    static readonly JsonReaderOptions lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>All that is wrong with a file; nothing if it is not there.</summary>
    public static IReadOnlyList<string> Problems(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(path)) return [];
        try
        {
            var bytes = File.ReadAllBytes(path);
            return Walk(name, bytes.AsSpan(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
        }
        catch (JsonException e)
        {
            var what = e.Message.Split(" LineNumber:")[0];
            return [$"{name}, line {e.LineNumber + 1}: {what} Expected JSON, e.g. {{ \"Sources\": {{ \"orders\": {{ \"Path\": \"orders.parquet\" }} }} }}."];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [$"{path} can not be read: {e.Message}"];
        }
    }

    // Where the reader is: the settings' name so far, and in lists the number of the next value.
    sealed record Frame(string Name, bool IsList)
    {
        public int Next { get; set; }
    }

    static List<string> Walk(string file, ReadOnlySpan<byte> json)
    {
        var problems = new List<string>();
        var lines = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);
        var frames = new Stack<Frame>();
        var reader = new Utf8JsonReader(json, lenient);
        var property = "";
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    property = Below(frames.Peek().Name, reader.GetString()!);
                    var line = 1L + json[..(int)reader.TokenStartIndex].Count((byte)'\n');
                    if (!lines.TryAdd(property, line)) problems.Add($"{file} has {property} twice, in lines {lines[property]} and {line} (upper and lower case are the same); expected once.");
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    if (frames.Count == 0 && reader.TokenType == JsonTokenType.StartArray) return [$"{file} is a list; expected an object of settings."];
                    frames.Push(new Frame(Here(frames, property), reader.TokenType == JsonTokenType.StartArray));
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    frames.Pop();
                    break;
                default:
                    if (frames.Count == 0) return [$"{file} is a single value; expected an object of settings."];
                    _ = Here(frames, property);
                    break;
            }
        }
        return problems;
    }

    static string Here(Stack<Frame> frames, string property) =>
        !frames.TryPeek(out var frame) ? "" : frame.IsList ? Below(frame.Name, frame.Next++.ToString(System.Globalization.CultureInfo.InvariantCulture)) : property;

    static string Below(string name, string next) => name.Length == 0 ? next : $"{name}:{next}";
}
