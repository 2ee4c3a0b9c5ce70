namespace BatchMl.BigQuery.Client;

/// <summary>The columns of a table.</summary>
/// <param name="Fields">In their order.</param>
public sealed record BigQuerySchema(IReadOnlyList<BigQueryField> Fields);

/// <summary>A column, or a field of a record.</summary>
public sealed record BigQueryField
{
    /// <summary>Its name; two names may not differ in case alone.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="FieldType"/>. Answers have the older names: see <see cref="FieldType.Canonical"/>.</summary>
    public required string Type { get; init; }

    /// <summary>One of <see cref="FieldMode"/>; null: nullable.</summary>
    public string? Mode { get; init; }

    /// <summary>The fields of a record; null: none.</summary>
    public IReadOnlyList<BigQueryField>? Fields { get; init; }

    /// <summary>For people, at most 1,024 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Digits of NUMERIC or BIGNUMERIC in all; null: unlimited.</summary>
    public long? Precision { get; init; }

    /// <summary>Digits after the point; null: unlimited.</summary>
    public long? Scale { get; init; }

    /// <summary>Of STRING or BYTES; null: unlimited.</summary>
    public long? MaxLength { get; init; }
}

/// <summary>What a field may hold.</summary>
public static class FieldMode
{
    /// <summary>A value or null.</summary>
    public const string Nullable = "NULLABLE";

    /// <summary>A value.</summary>
    public const string Required = "REQUIRED";

    /// <summary>Any number of values; never null.</summary>
    public const string Repeated = "REPEATED";
}

/// <summary>The types of fields, by the names that answers have.</summary>
public static class FieldType
{
    /// <summary>Text.</summary>
    public const string String = "STRING";

    /// <summary>Bytes.</summary>
    public const string Bytes = "BYTES";

    /// <summary>64 bits, in SQL INT64.</summary>
    public const string Integer = "INTEGER";

    /// <summary>A double, in SQL FLOAT64.</summary>
    public const string Float = "FLOAT";

    /// <summary>True or false, in SQL BOOL.</summary>
    public const string Boolean = "BOOLEAN";

    /// <summary>An instant in microseconds.</summary>
    public const string Timestamp = "TIMESTAMP";

    /// <summary>A day.</summary>
    public const string Date = "DATE";

    /// <summary>A time of day.</summary>
    public const string Time = "TIME";

    /// <summary>A day and a time of day, without a zone.</summary>
    public const string DateTime = "DATETIME";

    /// <summary>Decimal, 29 digits before and 9 after the point.</summary>
    public const string Numeric = "NUMERIC";

    /// <summary>Decimal, 38 digits on each side of the point.</summary>
    public const string BigNumeric = "BIGNUMERIC";

    /// <summary>JSON.</summary>
    public const string Json = "JSON";

    /// <summary>Fields of its own, in SQL STRUCT.</summary>
    public const string Record = "RECORD";

    /// <summary>The name that answers have for a type, e.g. INTEGER for INT64.</summary>
    public static string Canonical(string type) => type.ToUpperInvariant() switch
    {
        "INT64" => Integer,
        "FLOAT64" => Float,
        "BOOL" => Boolean,
        "STRUCT" => Record,
        var other => other,
    };
}
