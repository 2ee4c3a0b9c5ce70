namespace BatchMl.Fakes;

/// <summary>The columns of Parquet files, as BigQuery sees them. cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet.</summary>
static class ParquetFile
{
    public static string Sql(IReadOnlyList<string> files) => $"read_parquet([{string.Join(", ", files.Select(Duck.Text))}])";

    /// <summary>Columns with DuckDB's idea of their types; modes as the first file has them.</summary>
    public static IReadOnlyList<Field> Fields(Duck duck, IReadOnlyList<string> files)
    {
        var fields = new List<Field>();
        var required = duck.Rows($"SELECT name FROM parquet_schema({Duck.Text(files[0])}) WHERE repetition_type = 'REQUIRED'").Select(row => (string)row[0]!).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, type) in duck.Describe($"SELECT * FROM {Sql(files)}"))
        {
            // "Other combinations of Parquet types and converted types are not supported": no nanoseconds, no JSON or UUID.
            if (type.StartsWith("TIMESTAMP_NS", StringComparison.Ordinal) || type is "UUID" or "JSON") throw FakeError.Invalid($"Column {name} has the Parquet type of {type}, which is not supported.");
            var field = DuckTypes.FieldOf(name, type);
            if (!field.IsRepeated && required.Contains(name)) field.Json["mode"] = "REQUIRED";
            fields.Add(field);
        }
        return fields;
    }

    /// <summary>The schema that BigQuery makes of them when the job gives none.</summary>
    public static Field Inferred(Field file, bool lists, IReadOnlyList<string> decimals)
    {
        if (file.IsRepeated && !lists)
        {
            // Without enableListInference a list is a record: #list_logical_type.
            var element = Field.Of("element", file.Type, "NULLABLE", [.. file.Fields.Select(f => Inferred(f, lists, decimals))]);
            return Field.Of(file.Name, "RECORD", "NULLABLE", Field.Of("list", "RECORD", "REPEATED", element));
        }
        return file.Type switch
        {
            // A timestamp is TIMESTAMP whether or not it is adjusted to UTC, unless a schema says DATETIME: cloud.google.com/bigquery/docs/exporting-data#parquet_export_details.
            "DATETIME" => Field.Of(file.Name, "TIMESTAMP", file.Mode),
            "NUMERIC" or "BIGNUMERIC" => Field.Of(file.Name, Decimal(file, decimals), file.Mode),
            "RECORD" => Field.Of(file.Name, "RECORD", file.Mode, [.. file.Fields.Select(f => Inferred(f, lists, decimals))]),
            _ => file,
        };
    }

    /// <summary>The first of the allowed types that holds the digits: .../rest/v2/Job#JobConfigurationLoad.FIELDS.decimal_target_types.</summary>
    static string Decimal(Field file, IReadOnlyList<string> allowed)
    {
        var (precision, scale) = (file.Json.Number("precision") ?? 38, file.Json.Number("scale") ?? 9);
        foreach (var type in new[] { "NUMERIC", "BIGNUMERIC", "STRING" })
            if (allowed.Contains(type) && (type == "STRING" || (type == "NUMERIC" ? scale <= 9 && precision - scale <= 29 : scale <= 38 && precision - scale <= 38))) return type;
        throw FakeError.Invalid($"Column {file.Name} has DECIMAL({precision},{scale}), which is none of {string.Join(", ", allowed)}.");
    }

    /// <summary>Whether a file's columns can be read as a schema's. Wording of types: cal-itp/data-infra#811 ("does not match the target cpp_type"). Assumption: the same for a load as for the external table there, and for every pair of types that the documentation does not name.</summary>
    public static void CheckReadable(IReadOnlyList<Field> file, IReadOnlyList<Field> schema, bool lists, bool ignoreUnknown, string prefix = "")
    {
        foreach (var column in file)
        {
            var name = prefix + column.Name;
            if (Conversion.Find(schema, column.Name) is not { } field)
            {
                if (!ignoreUnknown) throw FakeError.Invalid($"Column {name} of the file is not in the schema of the job. (no such field: {name})");
                continue;
            }
            // Seen in 2019, googleapis/google-cloud-python#8093; unproven for today.
            if (column.IsRequired && field.Mode == "NULLABLE") throw FakeError.Invalid($"Field '{name}' is specified as NULLABLE in provided schema which does not match REQUIRED as specified in the file.");
            if (column.IsRepeated != field.IsRepeated && !(column.IsRepeated && !lists && field.Type == "RECORD")) throw FakeError.Invalid($"Parquet column '{name}' is {column.Mode} and the schema says {field.Mode}.");
            if (column.IsRepeated && !field.IsRepeated) continue;
            if (column.IsRepeated && !lists) throw FakeError.Invalid($"Parquet column '{name}' is a list, which is read as a record with the field 'list' without enableListInference.");
            if (!Fits(column, field)) throw FakeError.Invalid($"Parquet column '{name}' has type {column.Type} which does not match the target cpp_type {field.Type}.");
            if (field.Type == "RECORD") CheckReadable(column.Fields, field.Fields, lists, ignoreUnknown, $"{name}.");
        }
        foreach (var field in schema)
            if (field.IsRequired && Conversion.Find(file, field.Name) is null) throw FakeError.Invalid($"Required field {prefix}{field.Name} is not in the file.");
    }

    static bool Fits(Field file, Field schema) => file.Type == schema.Type || (file.Type, schema.Type) switch
    {
        ("DATETIME", "TIMESTAMP") or ("TIMESTAMP", "DATETIME") => true,
        ("STRING", "JSON" or "GEOGRAPHY") => true,
        ("NUMERIC" or "BIGNUMERIC", "NUMERIC" or "BIGNUMERIC") => true,
        _ => false,
    };
}
