using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.DuckDb.Tests;

/// <summary>Writes <see cref="TestTable"/> rows as CSV and JSON, by hand.</summary>
static class TextFixture
{
    public static string Csv(string path, RecordBatch rows)
    {
        var text = new StringBuilder().AppendJoin(',', rows.Schema.FieldsList.Select(f => f.Name)).Append('\n');
        for (var row = 0; row < rows.Length; row++)
            text.AppendJoin(',', rows.Arrays.Select(a => Value(a, row) is var v && a is StringArray && v is not null ? $"\"{v.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : v)).Append('\n');
        File.WriteAllText(path, text.ToString());
        return path;
    }

    public static string Json(string path, RecordBatch rows)
    {
        using var file = File.CreateText(path);
        for (var row = 0; row < rows.Length; row++)
        {
            var line = new JsonObject();
            for (var c = 0; c < rows.ColumnCount; c++)
            {
                var text = Value(rows.Column(c), row);
                // A null is written in one row and left out in the next.
                if (text is null && row % 2 == 1) continue;
                line[rows.Schema.GetFieldByIndex(c).Name] = text is null ? null : rows.Column(c) is StringArray or TimestampArray or Date32Array ? JsonValue.Create(text) : JsonNode.Parse(text);
            }
            file.WriteLine(line.ToJsonString());
        }
        return path;
    }

    static string? Value(IArrowArray column, int row) => Columns.ValueAt(column, row) switch
    {
        null => null,
        bool b => b ? "true" : "false",
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        int days => DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        long us when column is TimestampArray => DateTime.UnixEpoch.AddTicks(us * 10).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture),
        var other => Convert.ToString(other, CultureInfo.InvariantCulture),
    };
}

public sealed class CsvSourceContract : SourceContract
{
    protected override Task<string> WriteAsync(string name, RecordBatch rows) => Task.FromResult(TextFixture.Csv(Folder.At($"{name}.csv"), rows));

    protected override IBatchSource Open(params string[] files) => new CsvSource(files.Length == 1 ? files[0] : Folder.Path);
}

public sealed class JsonSourceContract : SourceContract
{
    protected override Task<string> WriteAsync(string name, RecordBatch rows) => Task.FromResult(TextFixture.Json(Folder.At($"{name}.json"), rows));

    protected override IBatchSource Open(params string[] files) => new JsonSource(files.Length == 1 ? files[0] : Folder.Path);
}
