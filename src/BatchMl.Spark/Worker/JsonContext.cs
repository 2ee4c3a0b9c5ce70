using System.Text.Json;

namespace BatchMl.Spark.Worker;

/// <summary>The task's context as JSON, as Spark 4.2 and later send it. Keys come in any order and unknown ones are ignored. It always holds a secret, so no error repeats it.</summary>
static class JsonContext
{
    internal static TaskContext Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var context = document.RootElement;
            return new TaskContext
            {
                StageId = Value(context, "stageId", e => e.GetInt32()),
                PartitionId = Value(context, "partitionId", e => e.GetInt32()),
                Attempt = Value(context, "attemptNumber", e => e.GetInt32()),
                TaskAttemptId = Value(context, "taskAttemptId", e => e.GetInt64()),
                Cpus = Value(context, "cpus", e => e.GetInt32()),
                Resources = Value(context, "resources", Resources),
                LocalProperties = Value(context, "localProperties", e => Entries(e, p => p.GetString()!)),
            };
        }
        catch (JsonException)
        {
            // Its message may quote the text.
            throw new ProtocolException("The task's context is not JSON, expected one JSON object (Spark 4.2 and later).");
        }
    }

    static T Value<T>(JsonElement context, string key, Func<JsonElement, T> read)
    {
        try
        {
            return context.TryGetProperty(key, out var value) ? read(value) : throw new ProtocolException($"The task's context has no '{key}'.");
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw new ProtocolException($"In the task's context '{key}' is of another kind than expected.");
        }
    }

    static Dictionary<string, IReadOnlyList<string>> Resources(JsonElement resources) =>
        Entries<IReadOnlyList<string>>(resources, r => r.TryGetProperty("addresses", out var addresses) ? [.. addresses.EnumerateArray().Select(a => a.GetString() ?? "")] : []);

    static Dictionary<string, T> Entries<T>(JsonElement map, Func<JsonElement, T> read)
    {
        var entries = new Dictionary<string, T>();
        foreach (var entry in map.EnumerateObject()) entries[entry.Name] = read(entry.Value);
        return entries;
    }
}
