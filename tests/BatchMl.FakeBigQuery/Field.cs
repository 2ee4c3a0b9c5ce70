using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>A column as BigQuery's JSON has it, and as DuckDB's types have it.</summary>
readonly record struct Field(JsonObject Json)
{
    public string Name => Json.Text("name") ?? throw FakeError.Invalid("A field has no name.");

    /// <summary>By the names that answers have: "responses come back with the old names", see the types of cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.type.</summary>
    public string Type => (Json.Text("type") ?? throw FakeError.Invalid($"Field {Name} has no type.")).ToUpperInvariant() switch
    {
        "INT64" => "INTEGER",
        "FLOAT64" => "FLOAT",
        "BOOL" => "BOOLEAN",
        "STRUCT" => "RECORD",
        var other => other,
    };

    public string Mode => Json.Text("mode") ?? "NULLABLE";

    public bool IsRepeated => Mode == "REPEATED";

    public bool IsRequired => Mode == "REQUIRED";

    public IReadOnlyList<Field> Fields => All(Json["fields"]);

    /// <summary>DuckDB's type of one value.</summary>
    public string DuckValue => Type switch
    {
        "STRING" or "GEOGRAPHY" => "VARCHAR",
        "BYTES" => "BLOB",
        "INTEGER" => "BIGINT",
        "FLOAT" => "DOUBLE",
        "BOOLEAN" => "BOOLEAN",
        "TIMESTAMP" => "TIMESTAMPTZ",
        "DATE" => "DATE",
        "TIME" => "TIME",
        "DATETIME" => "TIMESTAMP",
        // NUMERIC has 29 digits before and 9 after the point: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types. BIGNUMERIC's 76 digits are beyond DuckDB.
        "NUMERIC" => $"DECIMAL({Json.Number("precision") ?? 38},{Json.Number("scale") ?? (Json["precision"] is null ? 9 : 0)})",
        "BIGNUMERIC" => $"DECIMAL({Json.Number("precision") ?? 38},{Json.Number("scale") ?? (Json["precision"] is null ? 18 : 0)})",
        "JSON" => "JSON",
        "RECORD" => $"STRUCT({string.Join(", ", Fields.Select(f => $"{Duck.Quote(f.Name)} {f.DuckType}"))})",
        var other => throw FakeError.Invalid($"Invalid value for type: {other} is not a valid value"),
    };

    public string DuckType => IsRepeated ? $"{DuckValue}[]" : DuckValue;

    public static IReadOnlyList<Field> All(JsonNode? fields) => fields is JsonArray array ? [.. array.Select(f => new Field((JsonObject)f!))] : [];

    /// <summary>The same with canonical type names throughout, and with modes spelled out as answers have them.</summary>
    public Field Canonical()
    {
        var copy = (JsonObject)Fakes.Json.Clean(Json);
        copy["type"] = Type;
        if (Json["fields"] is not null) copy["fields"] = new JsonArray([.. Fields.Select(f => (JsonNode)f.Canonical().Json)]);
        return new(copy);
    }

    public static Field Of(string name, string type, string mode = "NULLABLE", params IReadOnlyList<Field> fields)
    {
        var json = new JsonObject { ["name"] = name, ["type"] = type, ["mode"] = mode };
        if (fields.Count > 0) json["fields"] = new JsonArray([.. fields.Select(f => f.Json.DeepClone())]);
        return new(json);
    }
}
