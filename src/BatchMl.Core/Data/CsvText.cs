using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Apache.Arrow;

namespace BatchMl.Data;

/// <summary>
/// Rows as CSV: a line of names, fields quoted by <c>"</c> where need be, nulls empty and empty texts <c>""</c>; doubles with as many digits as tell them apart, instants in ISO 8601 and UTC, before the year 1 and after 9999 as microseconds since 1970, nested values as JSON.
/// </summary>
public sealed class CsvText(TextWriter writer)
{
    // Beyond the years that have a text an instant is the number of its microseconds.
    static readonly long earliest = Microseconds(DateTime.MinValue), latest = Microseconds(DateTime.MaxValue);
    static readonly SearchValues<char> quoted = SearchValues.Create(",\"\r\n;\t");

    /// <summary>Writes the line of names.</summary>
    public void WriteNames(Schema schema) => WriteLine(schema.FieldsList.Select(f => Field(f.Name)));

    /// <summary>Writes the lines of rows.</summary>
    public void Write(RecordBatch batch)
    {
        var columns = batch.Arrays.Select(Columns.Normalize).ToArray();
        for (var row = 0; row < batch.Length; row++) WriteLine(columns.Select(c => ValueAt(c, row) is { } text ? c is StringArray or ListArray or StructArray ? Field(text) : text : ""));
    }

    void WriteLine(IEnumerable<string> fields)
    {
        var isFirst = true;
        foreach (var field in fields)
        {
            if (!isFirst) writer.Write(',');
            writer.Write(field);
            isFirst = false;
        }
        writer.Write('\n');
    }

    /// <summary>A value as text, not quoted; null: there is none.</summary>
    public static string? ValueAt(IArrowArray column, int row) => column.IsNull(row) ? null : column switch
    {
        // Its digits may be more than .NET's decimal has.
        Decimal128Array numbers => numbers.GetString(row),
        _ => (Columns.TypeOf(column.Data.DataType), Columns.ValueAt(column, row)) switch
        {
            (ColumnType.Timestamp, long t) when t >= earliest && t <= latest => new DateTime(DateTime.UnixEpoch.Ticks + t * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
            (ColumnType.Date, int d) => DateTime.UnixEpoch.AddDays(d).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            (_, bool b) => b ? "true" : "false",
            (_, double n) => n.ToString("R", CultureInfo.InvariantCulture),
            (_, object?[] items) => JsonSerializer.Serialize(items),
            (_, byte[] bytes) => Convert.ToHexStringLower(bytes),
            var (_, other) => Convert.ToString(other, CultureInfo.InvariantCulture),
        },
    };

    static long Microseconds(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    // A text that is empty or begins or ends with a space is quoted too: it is neither null nor to be trimmed.
    static string Field(string text) => text.Length > 0 && !text.AsSpan().ContainsAny(quoted) && text[0] != ' ' && text[^1] != ' ' ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
