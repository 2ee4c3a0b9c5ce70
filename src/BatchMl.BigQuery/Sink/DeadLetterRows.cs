using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.BigQuery;

/// <summary>Dead letters as rows of the table beside: the partition, and what each line of their file says.</summary>
static class DeadLetterRows
{
    /// <summary>Behind the names of table and dataset.</summary>
    public const string Suffix = "_dead_letters";

    /// <summary>The column that, with the partition, tells dead letters apart.</summary>
    public const string Row = "row_number";

    static readonly string[] texts = ["stage", "reason", "row_values", "model", "model_digest", "run_id"];

    /// <summary>Columns beside a partition column of a type.</summary>
    public static Schema SchemaOf(string partitionColumn, ColumnType type)
    {
        static Field Text(string name, string description) => new(name, Columns.ArrowType(ColumnType.String), true, [KeyValuePair.Create("description", description)]);
        return new Schema(
        [
            new Field(partitionColumn, Columns.ArrowType(type), false),
            new Field(Row, Columns.ArrowType(ColumnType.Int64), false, [KeyValuePair.Create("description", "Ordinal of the row within its partition's input, from 0")]),
            Text("stage", "Where it failed: spine, features, encode or score"), Text("reason", "What went wrong"), Text("row_values", "The row's columns as far as they were known, as JSON"),
            Text("model", "The model, name@version"), Text("model_digest", "Digest of its package"), Text("run_id", "The run"),
        ], null);
    }

    /// <summary>The rows of a file.</summary>
    /// <exception cref="DataException">It is not such a file.</exception>
    public static RecordBatch Of(byte[]? content, PartitionKey key, ColumnType type, string runId)
    {
        var schema = SchemaOf(key.Column, type);
        var (numbers, columns) = (new Int64Array.Builder(), texts.Select(_ => new StringArray.Builder()).ToArray());
        foreach (var line in Encoding.UTF8.GetString(content ?? []).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var letter = JsonDocument.Parse(line);
                numbers.Append(letter.RootElement.TryGetProperty("row", out var row) ? row.GetInt64() : numbers.Length);
                for (var c = 0; c < texts.Length; c++)
                {
                    if (texts[c] == "run_id") columns[c].Append(runId);
                    else if (!letter.RootElement.TryGetProperty(texts[c] == "row_values" ? "values" : texts[c], out var value)) columns[c].AppendNull();
                    else columns[c].Append(value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new DataException($"Line {numbers.Length + 1} of the dead letters of {key} is not one: {e.Message} Make the partition again (replay).", e);
            }
        }
        return new RecordBatch(schema, [Constant(key.Value, type, numbers.Length), numbers.Build(), .. columns.Select(c => c.Build())], numbers.Length);
    }

    static IArrowArray Constant(string value, ColumnType type, int rows)
    {
        IArrowArray one = type switch
        {
            ColumnType.Date => new Date32Array.Builder().Append(DateOnly.ParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture)).Build(),
            ColumnType.Int64 => new Int64Array.Builder().Append(long.Parse(value, CultureInfo.InvariantCulture)).Build(),
            _ => new StringArray.Builder().Append(value).Build(),
        };
        return Columns.Take(one, new int[rows]);
    }
}
