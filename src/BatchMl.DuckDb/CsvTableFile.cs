using System.Buffers;
using System.Globalization;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.DuckDb;

/// <summary>
/// Rows as a CSV file that <see cref="CsvSource"/> reads back: a line of names, fields quoted by <c>"</c> where need be, nulls empty and empty texts <c>""</c>; doubles with as many digits as tell them apart, instants in ISO 8601 and UTC.
/// </summary>
public sealed class CsvTableFile : ITableFile
{
    static readonly SearchValues<char> quoted = SearchValues.Create(",\"\r\n;\t");

    readonly StreamWriter writer;
    readonly FileStream stream;

    /// <summary>Opens a new file.</summary>
    /// <exception cref="DefinitionException">A column's type is not one of single values.</exception>
    public CsvTableFile(string path, Schema schema)
    {
        var nested = schema.FieldsList.Where(f => Columns.TypeOf(f.DataType) is null && f.DataType is not Apache.Arrow.Types.Decimal128Type).Select(f => $"{f.Name} ({LineageTypes.Text(f.DataType)})").ToArray();
        if (nested.Length > 0) throw new DefinitionException($"CSV can not carry these columns: {string.Join(", ", nested)}. Expected single values; write Parquet, or leave the columns out.");
        stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        WriteLine(schema.FieldsList.Select(f => Field(f.Name)));
    }

    /// <inheritdoc/>
    public void Write(RecordBatch batch)
    {
        var columns = batch.Arrays.Select(Columns.Normalize).ToArray();
        for (var row = 0; row < batch.Length; row++) WriteLine(columns.Select(c => Text(c, row)));
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

    static string Text(IArrowArray column, int row) => (Columns.TypeOf(column.Data.DataType), Columns.ValueAt(column, row)) switch
    {
        (_, null) => "",
        (ColumnType.Timestamp, long t) => Instant(t),
        (ColumnType.Date, int d) => DateTime.UnixEpoch.AddDays(d).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        (_, bool b) => b ? "true" : "false",
        (_, double n) => n.ToString("R", CultureInfo.InvariantCulture),
        (_, string s) => Field(s),
        var (_, other) => Convert.ToString(other, CultureInfo.InvariantCulture)!,
    };

    static string Instant(long microseconds) => new DateTime(DateTime.UnixEpoch.Ticks + microseconds * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    // A text that is empty or begins or ends with a space is quoted too: it is neither null nor to be trimmed.
    static string Field(string text) => text.Length > 0 && !text.AsSpan().ContainsAny(quoted) && text[0] != ' ' && text[^1] != ' ' ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <inheritdoc/>
    public void Complete()
    {
        writer.Flush();
        stream.Flush(flushToDisk: true);
        writer.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();
}
