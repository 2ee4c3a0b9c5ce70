using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Spark.Connect;

/// <summary>
/// Arrow types and Spark's: booleans, signed integers, float, double, decimal (128 bits), text, binary, date, timestamp (an instant in microseconds; TIMESTAMP_NTZ where it has no zone), list, struct, map and null.
/// Whatever else either side has is an error that names the column.
/// </summary>
public static class SparkTypes
{
    /// <summary>The columns as DDL, e.g. <c>`id` BIGINT, `tags` ARRAY&lt;STRING&gt;</c>. Whether nulls may occur is left out: Spark reads a null under NOT NULL as garbage, and a column without it takes everything.</summary>
    /// <param name="schema">The columns.</param>
    /// <exception cref="DefinitionException">A type has no counterpart: every such column.</exception>
    public static string ToDdl(Schema schema)
    {
        var problems = new List<string>();
        var ddl = string.Join(", ", schema.FieldsList.Select(f => $"{SparkRelation.Quote(f.Name)} {Ddl(f.DataType, f.Name, problems)}"));
        return problems.Count == 0 ? ddl : throw new DefinitionException(problems);
    }

    /// <summary>The columns that DDL describes.</summary>
    /// <param name="ddl">As Spark writes it, e.g. <c>id BIGINT NOT NULL, s STRUCT&lt;a: INT&gt;</c>.</param>
    /// <exception cref="DefinitionException">It can not be read, or a type has no counterpart in Arrow.</exception>
    public static Schema FromDdl(string ddl) => new DdlParser(ddl).Columns();

    /// <summary>What Spark says of a relation.</summary>
    internal static Schema FromProto(Proto.DataType type)
    {
        if (type.KindCase != Proto.DataType.KindOneofCase.Struct)
            throw new SparkException($"Got a relation of the type {type.KindCase}, expected a struct.", FailureKind.Bug);
        var problems = new List<string>();
        var fields = Fields(type.Struct, null, problems);
        return problems.Count == 0 ? new Schema(fields, null) : throw new DefinitionException(problems);
    }

    /// <summary>The columns as Spark's struct.</summary>
    internal static Proto.DataType ToProto(Schema schema)
    {
        var problems = new List<string>();
        var type = StructOf(schema.FieldsList, null, problems);
        return problems.Count == 0 ? type : throw new DefinitionException(problems);
    }

    static string Ddl(IArrowType type, string where, List<string> problems) => type switch
    {
        NullType => "VOID",
        BooleanType => "BOOLEAN",
        Int8Type => "TINYINT",
        Int16Type => "SMALLINT",
        Int32Type => "INT",
        Int64Type => "BIGINT",
        FloatType => "FLOAT",
        DoubleType => "DOUBLE",
        StringType => "STRING",
        BinaryType => "BINARY",
        Date32Type => "DATE",
        TimestampType { Unit: TimeUnit.Microsecond, Timezone: null or "" } => "TIMESTAMP_NTZ",
        TimestampType { Unit: TimeUnit.Microsecond } => "TIMESTAMP",
        Decimal128Type d => $"DECIMAL({d.Precision},{d.Scale})",
        MapType m => $"MAP<{Ddl(m.KeyField.DataType, $"{where}.key", problems)}, {Ddl(m.ValueField.DataType, $"{where}.value", problems)}>",
        ListType l => $"ARRAY<{Ddl(l.ValueDataType, $"{where}.element", problems)}>",
        StructType s => $"STRUCT<{string.Join(", ", s.Fields.Select(f => $"{SparkRelation.Quote(f.Name)}: {Ddl(f.DataType, $"{where}.{f.Name}", problems)}"))}>",
        _ => Refuse(type, where, problems, ""),
    };

    static Proto.DataType Message(IArrowType type, string where, List<string> problems) => type switch
    {
        NullType => new() { Null = new() },
        BooleanType => new() { Boolean = new() },
        Int8Type => new() { Byte = new() },
        Int16Type => new() { Short = new() },
        Int32Type => new() { Integer = new() },
        Int64Type => new() { Long = new() },
        FloatType => new() { Float = new() },
        DoubleType => new() { Double = new() },
        StringType => new() { String = new() },
        BinaryType => new() { Binary = new() },
        Date32Type => new() { Date = new() },
        TimestampType { Unit: TimeUnit.Microsecond, Timezone: null or "" } => new() { TimestampNtz = new() },
        TimestampType { Unit: TimeUnit.Microsecond } => new() { Timestamp = new() },
        Decimal128Type d => new() { Decimal = new() { Precision = d.Precision, Scale = d.Scale } },
        MapType m => new()
        {
            Map = new()
            {
                KeyType = Message(m.KeyField.DataType, $"{where}.key", problems),
                ValueType = Message(m.ValueField.DataType, $"{where}.value", problems),
                ValueContainsNull = m.ValueField.IsNullable,
            },
        },
        ListType l => new() { Array = new() { ElementType = Message(l.ValueDataType, $"{where}.element", problems), ContainsNull = l.ValueField.IsNullable } },
        StructType s => StructOf(s.Fields, where, problems),
        _ => Refuse(type, where, problems, new Proto.DataType()),
    };

    static Proto.DataType StructOf(IEnumerable<Field> fields, string? where, List<string> problems) => new()
    {
        Struct = new()
        {
            Fields = { fields.Select(f => new Proto.DataType.Types.StructField { Name = f.Name, DataType = Message(f.DataType, Inside(where, f.Name), problems), Nullable = f.IsNullable }) },
        },
    };

    static List<Field> Fields(Proto.DataType.Types.Struct type, string? where, List<string> problems) =>
        [.. type.Fields.Select(f => new Field(f.Name, Arrow(f.DataType, Inside(where, f.Name), problems), f.Nullable))];

    static IArrowType Arrow(Proto.DataType type, string where, List<string> problems)
    {
        switch (type.KindCase)
        {
            case Proto.DataType.KindOneofCase.Null: return NullType.Default;
            case Proto.DataType.KindOneofCase.Boolean: return BooleanType.Default;
            case Proto.DataType.KindOneofCase.Byte: return Int8Type.Default;
            case Proto.DataType.KindOneofCase.Short: return Int16Type.Default;
            case Proto.DataType.KindOneofCase.Integer: return Int32Type.Default;
            case Proto.DataType.KindOneofCase.Long: return Int64Type.Default;
            case Proto.DataType.KindOneofCase.Float: return FloatType.Default;
            case Proto.DataType.KindOneofCase.Double: return DoubleType.Default;
            case Proto.DataType.KindOneofCase.String or Proto.DataType.KindOneofCase.Char or Proto.DataType.KindOneofCase.VarChar: return StringType.Default;
            case Proto.DataType.KindOneofCase.Binary: return BinaryType.Default;
            case Proto.DataType.KindOneofCase.Date: return Date32Type.Default;
            case Proto.DataType.KindOneofCase.Timestamp: return Columns.UtcMicroseconds;
            case Proto.DataType.KindOneofCase.TimestampNtz: return new TimestampType(TimeUnit.Microsecond, (string?)null);
            case Proto.DataType.KindOneofCase.Decimal: return new Decimal128Type(type.Decimal.HasPrecision ? type.Decimal.Precision : 10, type.Decimal.Scale);
            case Proto.DataType.KindOneofCase.Array: return List(Arrow(type.Array.ElementType, $"{where}.element", problems), type.Array.ContainsNull);
            case Proto.DataType.KindOneofCase.Struct: return new StructType(Fields(type.Struct, where, problems));
            case Proto.DataType.KindOneofCase.Map: return Map(Arrow(type.Map.KeyType, $"{where}.key", problems), Arrow(type.Map.ValueType, $"{where}.value", problems), type.Map.ValueContainsNull);
            default:
                problems.Add($"The column '{where}' has Spark's type {(type.KindCase == Proto.DataType.KindOneofCase.None ? "(newer than 4.3)" : type.KindCase)}, which has no counterpart here: cast it in Spark, e.g. to STRING.");
                return NullType.Default;
        }
    }

    /// <summary>A list as Spark names its parts.</summary>
    internal static ListType List(IArrowType element, bool nullable) => new(new Field("element", element, nullable));

    /// <summary>A map as Spark names its parts.</summary>
    internal static MapType Map(IArrowType key, IArrowType value, bool nullable) => new(new Field("key", key, false), new Field("value", value, nullable));

    static string Inside(string? where, string name) => where is null ? name : $"{where}.{name}";

    static T Refuse<T>(IArrowType type, string where, List<string> problems, T instead)
    {
        var name = type is TimestampType t ? $"timestamp in {t.Unit}s" : type.Name;
        problems.Add($"The column '{where}' has the Arrow type {name}, which has no counterpart in Spark; expected boolean, a signed integer, float, double, decimal of 128 bits, text, binary, date, timestamp in microseconds, list, struct or map.");
        return instead;
    }
}
