using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>Reads a vector from JSON.</summary>
static class VectorReader
{
    internal static ConformanceVector Read(JsonElement json)
    {
        var name = json.GetProperty("name").GetString()!;
        try
        {
            var events = Table.Read(json.GetProperty("events"));
            var spine = Table.Read(json.GetProperty("spine"));
            return new ConformanceVector(name, json.GetProperty("holds").GetString()!,
                Events(events), new SpineTable(spine.Of("key"), (TimestampArray)spine.One("as_of")!), Query(json.GetProperty("query"), events),
                json.TryGetProperty("expected", out var expected) ? Table.Read(expected).Arrays : null,
                json.TryGetProperty("error", out var error) ? [.. error.EnumerateArray().Select(e => e.GetString()!)] : null);
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            throw new ArgumentException($"Vector '{name}' can not be read: {e.Message}", e);
        }
    }

    static EventTable Events(Table table) => new()
    {
        Rows = table.Rows,
        Keys = table.Of("key"),
        EventTime = (TimestampArray?)table.One("event_time"),
        AvailableAt = (TimestampArray?)table.One("available_at"),
        TieBreak = table.Of("tie_break"),
        Fact = table.Of("fact"),
        Deleted = (BooleanArray?)table.One("deleted"),
        ValidFrom = (TimestampArray?)table.One("valid_from"),
        ValidTo = (TimestampArray?)table.One("valid_to"),
        ClosedKnownAt = (TimestampArray?)table.One("closed_known_at"),
        Values = table.Of("value"),
    };

    static AsOfQuery Query(JsonElement json, Table events) => new()
    {
        Ttl = json.TryGetProperty("ttl", out var ttl) ? VectorValues.Duration(ttl.GetString()!) : null,
        Latest = [.. List(json, "latest").Select(l => new LatestSpec(events.ValueIndex(l), Flag(l, "non_null")))],
        Windows = [.. List(json, "windows").Select(w => new WindowAggregates(Window(w), [.. List(w, "aggregates").Select(a => Aggregate(a, events))]))],
        TiesAllowed = Flag(json, "ties_allowed"),
        UnknownDeletesAllowed = Flag(json, "unknown_deletes_allowed"),
        IgnoreAvailability = Flag(json, "ignore_availability"),
    };

    static WindowSpec Window(JsonElement json) => new(
        VectorValues.Duration(json.GetProperty("length").GetString()!),
        json.TryGetProperty("ends_before", out var before) ? VectorValues.Duration(before.GetString()!) : 0,
        Text(json, "convention", "(T-W,T]") switch
        {
            "(T-W,T]" => WindowConvention.OpenClosed,
            "[T-W,T)" => WindowConvention.ClosedOpen,
            "[T-W,T]" => WindowConvention.Closed,
            var other => throw new FormatException($"Got the convention '{other}'; expected (T-W,T], [T-W,T) or [T-W,T]."),
        },
        Text(json, "axis", "event_time") switch
        {
            "event_time" => WindowAxis.EventTime,
            "effective_at" => WindowAxis.EffectiveAt,
            var other => throw new FormatException($"Got the axis '{other}'; expected event_time or effective_at."),
        });

    static AggregateSpec Aggregate(JsonElement json, Table events) => new(
        Enum.Parse<AggregateKind>(json.GetProperty("kind").GetString()!.Replace("_", ""), ignoreCase: true),
        json.TryGetProperty("value", out _) ? events.ValueIndex(json) : -1,
        json.TryGetProperty("parameter", out var parameter) ? parameter.GetDouble() : 0);

    static IEnumerable<JsonElement> List(JsonElement json, string name) => json.TryGetProperty(name, out var list) ? list.EnumerateArray() : [];

    static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out var flag) && flag.GetBoolean();

    static string Text(JsonElement json, string name, string otherwise) => json.TryGetProperty(name, out var text) ? text.GetString()! : otherwise;

    /// <summary>Columns with roles; the columns of expected results have a type only.</summary>
    sealed record Table(int Rows, IReadOnlyList<(string Name, IReadOnlyList<string> Roles)> Columns, IReadOnlyList<IArrowArray> Arrays)
    {
        internal static Table Read(JsonElement json)
        {
            var columns = json.GetProperty("columns").EnumerateArray().Select(c => c.GetString()!.Split(' ')).ToList();
            var types = columns.Select(c => VectorValues.Type(c[c.Length == 1 ? 0 : 1])).ToList();
            var rows = json.GetProperty("rows").EnumerateArray().Select(r => r.EnumerateArray().ToList()).ToList();
            if (rows.FindIndex(r => r.Count != columns.Count) is var bad and >= 0)
                throw new FormatException($"Row {bad} has {rows[bad].Count} values; expected {columns.Count}.");
            return new Table(rows.Count, [.. columns.Select(c => (c[0], (IReadOnlyList<string>)[.. c.Skip(2)]))],
                [.. types.Select((type, i) => Cells.Build(type, [.. rows.Select(r => VectorValues.Cell(type, r[i]))]))]);
        }

        internal IReadOnlyList<IArrowArray> Of(string role) => [.. Arrays.Where((_, i) => Columns[i].Roles.Contains(role))];

        internal IArrowArray? One(string role) => Of(role).SingleOrDefault();

        internal int ValueIndex(JsonElement json)
        {
            var name = json.GetProperty("value").GetString();
            var index = Columns.Where(c => c.Roles.Contains("value")).Select(c => c.Name).ToList().IndexOf(name!);
            return index >= 0 ? index : throw new FormatException($"No column of role value is named '{name}'.");
        }
    }
}
