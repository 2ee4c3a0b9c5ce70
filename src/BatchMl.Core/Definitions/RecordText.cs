using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl;

/// <summary>C# for a table that nobody described yet: a record type of its columns, and the source bound to it.</summary>
public static class RecordText
{
    // What a record has already, or may not have.
    static readonly HashSet<string> taken = ["Clone", "Deconstruct", "EqualityContract", "Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "PrintMembers", "ReferenceEquals", "ToString"];

    /// <summary>The code, which compiles as it is below a namespace. Columns of types that no property can have are named in a comment.</summary>
    /// <param name="schema">The table's columns; a nullable one becomes a nullable property.</param>
    /// <param name="source">What configuration will bind to the table, e.g. <c>flights</c>.</param>
    /// <param name="table">What the table is called in the comment.</param>
    /// <exception cref="DataException">There is no column that a property can have.</exception>
    public static string Of(Schema schema, string source, string table)
    {
        var name = Pascal(source);
        var record = $"{name}Row";
        var used = new HashSet<string>(taken, StringComparer.Ordinal) { record };
        var properties = new List<string>();
        var leftOut = new List<string>();
        foreach (var field in schema.FieldsList)
        {
            if (Columns.TypeOf(field.DataType) is { } type) properties.Add(Property(field.Name, $"{TypeText(type)}{(field.IsNullable ? "?" : "")}", used));
            else leftOut.Add($"{field.Name} ({LineageTypes.Text(field.DataType)})");
        }
        if (properties.Count == 0) throw new DataException($"{table} has no column that a record's property can have; allowed are {RecordColumns.AllowedTypes}. It has: {string.Join(", ", leftOut)}.");
        var text = new StringBuilder();
        text.Append($"/// <summary>A row of {Xml(table)}; a property is nullable where the column has nulls.</summary>\n");
        if (leftOut.Count > 0) text.Append($"// Left out, since no property can have their type: {string.Join(", ", leftOut).ReplaceLineEndings(" ")}.\n");
        text.Append($"public sealed record {record}(\n    {string.Join(",\n    ", properties)});\n\n");
        text.Append($"/// <summary>Where rows of {record} come from.</summary>\npublic static class {name}Source\n{{\n");
        text.Append($"    /// <summary>Bound to its place by the setting Sources:{Xml(source)}.</summary>\n");
        text.Append($"    public static readonly Source<{record}> {name} = Source.Bind<{record}>({Literal(source)});\n}}\n");
        return text.ToString();
    }

    static string Property(string column, string type, HashSet<string> used)
    {
        var property = Pascal(column);
        for (var (plain, n) = (property, 2); !used.Add(property); n++) property = $"{plain}{n}";
        return RecordColumns.SnakeCase(property) == column ? $"{type} {property}" : $"[property: Column({Literal(column)})] {type} {property}";
    }

    /// <summary><c>dep_delay</c> to <c>DepDelay</c>: letters and digits only, each word with a capital.</summary>
    static string Pascal(string name)
    {
        var text = new StringBuilder(name.Length);
        var starts = true;
        foreach (var c in name)
        {
            if (char.IsLetterOrDigit(c)) text.Append(starts ? char.ToUpperInvariant(c) : c);
            starts = !char.IsLetterOrDigit(c);
        }
        return text.Length == 0 ? "Column" : char.IsDigit(text[0]) ? $"_{text}" : text.ToString();
    }

    static string TypeText(ColumnType type) => type switch
    {
        ColumnType.Boolean => "bool",
        ColumnType.Int64 => "long",
        ColumnType.Double => "double",
        ColumnType.String => "string",
        ColumnType.Timestamp => "DateTimeOffset",
        ColumnType.Date => "DateOnly",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    // JSON's escapes are among C#'s.
    static string Literal(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    static string Xml(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
