using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>What of a schema may change, and how. cloud.google.com/bigquery/docs/managing-table-schemas: columns may be added (not required ones), also within records, and required ones may become nullable; all else is DDL.</summary>
static class SchemaChange
{
    /// <summary>Forbidden prefixes: cloud.google.com/bigquery/docs/schemas#column_names.</summary>
    static readonly string[] forbidden = ["_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER", "_CHANGE_"];

    /// <summary>Whether a schema may be at all.</summary>
    public static void Check(IReadOnlyList<Field> fields, int depth = 1)
    {
        // cloud.google.com/bigquery/docs/nested-repeated: "15 levels of nested structs".
        if (depth > 15) throw FakeError.Invalid("Too many nested fields.");
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in fields)
        {
            if (field.Name.Length > 300 || field.Name.Contains('.', StringComparison.Ordinal) || forbidden.Any(p => field.Name.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
                throw FakeError.Invalid($"Invalid field name \"{field.Name}\".");
            if (!seen.Add(field.Name)) throw FakeError.Invalid($"Field {field.Name} already exists in schema");
            if (field.Type == "RECORD" && field.Fields.Count == 0) throw FakeError.Invalid($"Field {field.Name} is type RECORD but has no schema");
            _ = field.DuckValue;
            Check(field.Fields, depth + 1);
        }
    }

    /// <summary>The schema that results; an error names the first field that may not change so. Wording: googleapis/google-cloud-python#8093.</summary>
    /// <param name="table">For messages.</param>
    /// <param name="old">The table's.</param>
    /// <param name="given">The wanted one.</param>
    /// <param name="whole">Whether fields that are not in it are an error (a patch: "send the whole schema") rather than left as they are (a load).</param>
    /// <param name="add">New ones are allowed.</param>
    /// <param name="relax">Required ones may become nullable.</param>
    public static IReadOnlyList<Field> Merge(TableName table, IReadOnlyList<Field> old, IReadOnlyList<Field> given, bool whole, bool add, bool relax, string prefix = "")
    {
        FakeError Mismatch(string what) => FakeError.Invalid($"Provided Schema does not match Table {table}. {what}");
        var merged = new List<Field>();
        foreach (var before in old)
        {
            var name = prefix + before.Name;
            if (Conversion.Find(given, before.Name) is not { } after)
            {
                if (whole) throw Mismatch($"Field {name} is missing in new schema");
                // A required column must be in the data. Assumption: the same text as for other missing fields.
                if (before.IsRequired) throw Mismatch($"Required field {name} is missing in new schema");
                merged.Add(before);
                continue;
            }
            if (before.Type != after.Type) throw Mismatch($"Field {name} has changed type from {before.Type} to {after.Type}");
            if (before.Mode != after.Mode && !(relax && before.IsRequired && after.Mode == "NULLABLE")) throw Mismatch($"Field {name} has changed mode from {before.Mode} to {after.Mode}");
            var json = (JsonObject)before.Json.DeepClone();
            json["mode"] = after.Mode;
            if (after.Json["description"] is { } description) json["description"] = description.DeepClone();
            if (before.Type == "RECORD") json["fields"] = new JsonArray([.. Merge(table, before.Fields, after.Fields, whole, add, relax, $"{name}.").Select(f => (JsonNode)f.Json.DeepClone())]);
            merged.Add(new(json));
        }
        foreach (var added in given.Where(f => Conversion.Find(old, f.Name) is null))
        {
            if (!add) throw Mismatch($"Cannot add fields (field: {prefix}{added.Name})");
            if (added.IsRequired) throw Mismatch($"Cannot add required fields to an existing schema. (field: {prefix}{added.Name})");
            merged.Add(added.Canonical());
        }
        return merged;
    }

    /// <summary>Makes the table in DuckDB so.</summary>
    public static void Apply(Duck duck, FakeTable table, IReadOnlyList<Field> fields)
    {
        foreach (var field in fields)
        {
            var column = Duck.Quote(field.Name);
            if (Conversion.Find(table.Fields, field.Name) is not { } before)
            {
                duck.Run($"ALTER TABLE {table.Sql} ADD COLUMN {column} {field.DuckType}");
                if (field.IsRepeated) duck.Run($"UPDATE {table.Sql} SET {column} = []");
                continue;
            }
            if (before.IsRequired && !field.IsRequired) duck.Run($"ALTER TABLE {table.Sql} ALTER COLUMN {column} DROP NOT NULL");
            if (before.DuckType != field.DuckType) duck.Run($"ALTER TABLE {table.Sql} ALTER COLUMN {column} SET DATA TYPE {field.DuckType} USING {Conversion.Sql(column, before, field)}");
        }
        table.Fields = fields;
    }
}
