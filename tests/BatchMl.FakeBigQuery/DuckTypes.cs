using System.Globalization;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Reads DuckDB's names of types, e.g. <c>STRUCT(a BIGINT, "b c" VARCHAR[])</c>.</summary>
sealed class DuckTypes
{
    readonly string text;
    int at;

    DuckTypes(string text) => this.text = text;

    /// <summary>The column that a type of DuckDB is. Lists of lists and types that BigQuery does not have are errors.</summary>
    public static Field FieldOf(string name, string type)
    {
        var reader = new DuckTypes(type);
        var field = reader.Read(name);
        return reader.at == type.Length ? field : throw FakeError.Unsupported($"type {type}");
    }

    Field Read(string name)
    {
        var word = Word();
        var field = word switch
        {
            "VARCHAR" => Field.Of(name, "STRING"),
            "BLOB" => Field.Of(name, "BYTES"),
            "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" or "UBIGINT" or "HUGEINT" => Field.Of(name, "INTEGER"),
            "FLOAT" or "DOUBLE" => Field.Of(name, "FLOAT"),
            "BOOLEAN" => Field.Of(name, "BOOLEAN"),
            "TIMESTAMP WITH TIME ZONE" => Field.Of(name, "TIMESTAMP"),
            "TIMESTAMP" or "TIMESTAMP_MS" or "TIMESTAMP_S" => Field.Of(name, "DATETIME"),
            "DATE" => Field.Of(name, "DATE"),
            "TIME" => Field.Of(name, "TIME"),
            "JSON" => Field.Of(name, "JSON"),
            "DECIMAL" => Decimal(name),
            "STRUCT" => Struct(name),
            "\"NULL\"" or "NULL" => Field.Of(name, "INTEGER"),
            _ => throw FakeError.Invalid($"Column {name} has the type {text}, which BigQuery does not have."),
        };
        for (; at + 1 < text.Length && text[at] == '[' && text[at + 1] == ']'; at += 2)
        {
            // cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_type: "ARRAYs of ARRAYs are not supported".
            if (field.IsRepeated) throw FakeError.Invalid($"Column {name} is an array of arrays, which BigQuery does not have.");
            field.Json["mode"] = "REPEATED";
        }
        return field;
    }

    Field Decimal(string name)
    {
        Expect('(');
        var precision = Digits();
        Expect(',');
        var scale = Digits();
        Expect(')');
        var field = Field.Of(name, scale <= 9 && precision - scale <= 29 ? "NUMERIC" : "BIGNUMERIC");
        (field.Json["precision"], field.Json["scale"]) = (JsonValue.Create(precision.Wire()), JsonValue.Create(scale.Wire()));
        return field;
    }

    Field Struct(string name)
    {
        Expect('(');
        var fields = new List<Field>();
        do
        {
            while (text[at] is ',' or ' ') at++;
            var inner = Name();
            at++;
            fields.Add(Read(inner));
        }
        while (text[at] == ',');
        Expect(')');
        return Field.Of(name, "RECORD", "NULLABLE", fields);
    }

    /// <summary>Letters of a type, with the blanks within <c>TIMESTAMP WITH TIME ZONE</c>.</summary>
    string Word()
    {
        var start = at;
        while (at < text.Length && text[at] is not ('(' or ')' or ',' or '[')) at++;
        return text[start..at].Trim();
    }

    string Name()
    {
        var start = at;
        if (text[at] != '"')
        {
            while (text[at] != ' ') at++;
            return text[start..at];
        }
        for (at++; text[at] != '"' || at + 1 < text.Length && text[at + 1] == '"'; at++)
            if (text[at] == '"') at++;
        at++;
        return text[(start + 1)..(at - 1)].Replace("\"\"", "\"", StringComparison.Ordinal);
    }

    long Digits()
    {
        var start = at;
        while (char.IsAsciiDigit(text[at])) at++;
        return long.Parse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture);
    }

    void Expect(char c)
    {
        if (at >= text.Length || text[at] != c) throw FakeError.Unsupported($"type {text}");
        at++;
    }
}
