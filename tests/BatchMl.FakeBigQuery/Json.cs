using System.Globalization;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Reading and merging JSON.</summary>
static class Json
{
    /// <summary>What stands at a path; null: nothing.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path) node = (node as JsonObject)?[name];
        return node;
    }

    /// <summary>Text, or a number or truth value as text; null: nothing there.</summary>
    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) is JsonValue value ? value.ToString() : null;

    /// <summary>A 64-bit integer, as number or text (both are taken in requests).</summary>
    public static long? Number(this JsonNode? node, params ReadOnlySpan<string> path) => node.Text(path) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) => node.Text(path) is "true" or "True";

    public static IEnumerable<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) is JsonArray array ? array.Select(item => item!.ToString()) : [];

    public static string Wire(this long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>PATCH: what is absent stays, null removes, lists are replaced. RFC 7396, which cloud.google.com/bigquery/docs/reference/rest/v2/tables/patch follows ("patch semantics").</summary>
    public static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null) target.Remove(name);
            else if (value is JsonObject inner && target[name] is JsonObject old) Merge(old, inner);
            else target[name] = Clean(value);
        }
    }

    /// <summary>A copy without nulls, since null in an insert means absent.</summary>
    public static JsonNode Clean(JsonNode value) => value is JsonObject source
        ? new JsonObject(source.Where(p => p.Value is not null).Select(p => KeyValuePair.Create(p.Key, (JsonNode?)Clean(p.Value!))))
        : value.DeepClone();
}
