using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.BigQuery.Client;
using BatchMl.Data;

namespace BatchMl.BigQuery.Source;

/// <summary>
/// Columns of BigQuery as Arrow, from the text that they are sent as. Lists, records, intervals and ranges are left out: a query can take them apart. A row is kept as one line of JSON texts between tabs, the same for the same values.
/// </summary>
sealed class WireColumns
{
    static readonly JsonSerializerOptions plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly BigQueryField[] fields;
    readonly int[] positions;

    public WireColumns(BigQuerySchema schema)
    {
        positions = [.. Enumerable.Range(0, schema.Fields.Count).Where(i => TypeOf(schema.Fields[i]) is not null)];
        fields = [.. positions.Select(i => schema.Fields[i])];
        LeftOut = [.. schema.Fields.Where(f => TypeOf(f) is null).Select(f => f.Name)];
        Schema = new Schema(fields.Select(f => new Field(f.Name, TypeOf(f), f.Mode != FieldMode.Required)), null);
    }

    /// <summary>The columns that are read.</summary>
    public Schema Schema { get; }

    /// <summary>Columns that are not.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Names and types in words: what two tables must have in common to hold the same rows.</summary>
    public string Text => string.Join(", ", fields.Select(f => $"{f.Name} {FieldType.Canonical(f.Type)}{(f.Precision is { } p ? $"({p}, {f.Scale ?? 0})" : "")}{(f.Mode == FieldMode.Required ? " required" : "")}"));

    static IArrowType? TypeOf(BigQueryField field) => field.Mode == FieldMode.Repeated ? null : FieldType.Canonical(field.Type) switch
    {
        FieldType.Integer => Int64Type.Default,
        FieldType.Float => DoubleType.Default,
        FieldType.Boolean => BooleanType.Default,
        FieldType.String or FieldType.Json or "GEOGRAPHY" => StringType.Default,
        FieldType.Bytes => BinaryType.Default,
        FieldType.Date => Date32Type.Default,
        FieldType.Timestamp => Columns.UtcMicroseconds,
        FieldType.DateTime => new TimestampType(TimeUnit.Microsecond, (string?)null),
        FieldType.Time => new Time64Type(TimeUnit.Microsecond),
        FieldType.Numeric => new Decimal128Type((int)(field.Precision ?? 38), (int)(field.Precision is null ? 9 : field.Scale ?? 0)),
        FieldType.BigNumeric => new Decimal256Type((int)(field.Precision ?? 76), (int)(field.Precision is null ? 38 : field.Scale ?? 0)),
        _ => null,
    };

    /// <summary>A row as one line.</summary>
    public string LineOf(BigQueryRow row) => string.Join('\t', positions.Select(p => row.Text(p) is { } text ? JsonSerializer.Serialize(text, plain) : "null"));

    /// <summary>Which chunk a row is of, by a column: a name that a file may have.</summary>
    /// <exception cref="DefinitionException">There is no such column, or it is one that is left out.</exception>
    public Func<BigQueryRow, string> ChunkBy(string? column, string what)
    {
        if (column is null) return _ => "all";
        var at = System.Array.FindIndex(fields, f => f.Name.Equals(column, StringComparison.OrdinalIgnoreCase));
        if (at < 0) throw new DefinitionException($"PartitionBy of {what} is '{column}', which is no column that can be read of it. There are: {string.Join(", ", fields.Select(f => f.Name))}.");
        var position = positions[at];
        return FieldType.Canonical(fields[at].Type) switch
        {
            FieldType.Timestamp => row => row.Text(position) is { } micros ? Day(Micros(micros)) : "null",
            FieldType.Date => row => row.Text(position) ?? "null",
            FieldType.DateTime => row => row.Text(position)?[..10] ?? "null",
            // Any text, so not as it is.
            _ => row => row.Text(position) is { } text ? $"c{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..24]}" : "null",
        };
    }

    static string Day(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Lines as a batch.</summary>
    public RecordBatch BatchOf(IReadOnlyList<string> lines)
    {
        var columns = fields.Select(_ => new string?[lines.Count]).ToArray();
        for (var row = 0; row < lines.Count; row++)
        {
            var cells = lines[row].Split('\t');
            for (var c = 0; c < columns.Length; c++) columns[c][row] = cells[c] == "null" ? null : JsonSerializer.Deserialize<string>(cells[c]);
        }
        return new RecordBatch(Schema, columns.Select((c, i) => ArrayOf(Schema.GetFieldByIndex(i).DataType, c)), lines.Count);
    }

    static IArrowArray ArrayOf(IArrowType type, string?[] texts)
    {
        switch (type)
        {
            case Int64Type: return Fill(new Int64Array.Builder(), texts, (b, t) => b.Append(long.Parse(t, CultureInfo.InvariantCulture)), b => b.AppendNull()).Build();
            // "NaN", "Infinity" and "-Infinity" among them.
            case DoubleType: return Fill(new DoubleArray.Builder(), texts, (b, t) => b.Append(double.Parse(t, CultureInfo.InvariantCulture)), b => b.AppendNull()).Build();
            case BooleanType: return Fill(new BooleanArray.Builder(), texts, (b, t) => b.Append(t.Equals("true", StringComparison.OrdinalIgnoreCase)), b => b.AppendNull()).Build();
            case StringType: return Fill(new StringArray.Builder(), texts, (b, t) => b.Append(t), b => b.AppendNull()).Build();
            case BinaryType: return Fill(new BinaryArray.Builder(), texts, (b, t) => b.Append(Convert.FromBase64String(t)), b => b.AppendNull()).Build();
            case Date32Type: return Fill(new Date32Array.Builder(), texts, (b, t) => b.Append(DateOnly.ParseExact(t, "yyyy-MM-dd", CultureInfo.InvariantCulture)), b => b.AppendNull()).Build();
            case TimestampType { Timezone: not null } zoned: return Fill(new TimestampArray.Builder(zoned), texts, (b, t) => b.Append(DateTimeOffset.UnixEpoch.AddTicks(Micros(t) * 10)), b => b.AppendNull()).Build();
            case TimestampType naive: return Fill(new TimestampArray.Builder(naive), texts, (b, t) => b.Append(DateTimeOffset.Parse(t, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)), b => b.AppendNull()).Build();
            case Time64Type time: return Fill(new Time64Array.Builder(time), texts, (b, t) => b.Append(TimeOnly.Parse(t, CultureInfo.InvariantCulture).Ticks / 10), b => b.AppendNull()).Build();
            case Decimal128Type narrow: return Fill(new Decimal128Array.Builder(narrow), texts, (b, t) => b.Append(t), b => b.AppendNull()).Build();
            case Decimal256Type wide: return Fill(new Decimal256Array.Builder(wide), texts, (b, t) => b.Append(t), b => b.AppendNull()).Build();
            default: throw new ArgumentOutOfRangeException(nameof(type), type.Name, null);
        }
    }

    static B Fill<B>(B builder, string?[] texts, Action<B, string> append, Action<B> appendNull)
    {
        foreach (var text in texts)
        {
            if (text is null) appendNull(builder);
            else append(builder, text);
        }
        return builder;
    }

    static long Micros(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
