using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Hosting.Output;

/// <summary>Rows for a terminal or for other programs.</summary>
sealed class RowsPrinter(TextWriter output, Schema schema)
{
    /// <summary>Columns side by side, numbers at the right; says when there are more rows.</summary>
    public async Task PrintTableAsync(ISourceSnapshot rows, int limit, CancellationToken cancel)
    {
        var lines = new List<string[]> { schema.FieldsList.Select(f => f.Name).ToArray() };
        // One more tells whether there are more.
        await foreach (var batch in ReadAsync(rows, limit == int.MaxValue ? limit : limit + 1, cancel))
        {
            var columns = batch.Arrays.Select(Columns.Normalize).ToArray();
            for (var row = 0; row < batch.Length; row++) lines.Add([.. columns.Select(c => (CsvText.ValueAt(c, row) ?? "").ReplaceLineEndings(" "))]);
        }
        var isCut = lines.Count - 1 > limit;
        if (isCut) lines.RemoveAt(lines.Count - 1);
        var widths = Enumerable.Range(0, schema.FieldsList.Count).Select(c => lines.Max(l => l[c].Length)).ToArray();
        var isNumber = schema.FieldsList.Select(f => Columns.TypeOf(f.DataType) is ColumnType.Int64 or ColumnType.Double || f.DataType is Apache.Arrow.Types.Decimal128Type).ToArray();
        foreach (var line in lines) await output.WriteLineAsync(string.Join("  ", line.Select((t, c) => isNumber[c] ? t.PadLeft(widths[c]) : t.PadRight(widths[c]))).TrimEnd());
        if (isCut) await output.WriteLineAsync($"(the first {limit.ToString("N0", CultureInfo.InvariantCulture)} rows; --limit gives more)");
    }

    public async Task PrintCsvAsync(ISourceSnapshot rows, int limit, CancellationToken cancel)
    {
        var text = new CsvText(output);
        text.WriteNames(schema);
        await foreach (var batch in ReadAsync(rows, limit, cancel)) text.Write(batch);
    }

    /// <summary>An array of objects, one a line.</summary>
    public async Task PrintJsonAsync(ISourceSnapshot rows, int limit, CancellationToken cancel)
    {
        var names = schema.FieldsList.Select(f => JsonSerializer.Serialize(f.Name, JsonText.Indented)).ToArray();
        var before = "[";
        await foreach (var batch in ReadAsync(rows, limit, cancel))
        {
            var columns = batch.Arrays.Select(Columns.Normalize).ToArray();
            for (var row = 0; row < batch.Length; row++)
            {
                await output.WriteAsync($"{before}\n  {{ {string.Join(", ", columns.Select((c, i) => $"{names[i]}: {Json(c, row)}"))} }}");
                before = ",";
            }
        }
        await output.WriteLineAsync(before == "[" ? "[]" : "\n]");
    }

    static string Json(IArrowArray column, int row) => column switch
    {
        _ when column.IsNull(row) => "null",
        Decimal128Array => CsvText.ValueAt(column, row)!,
        BooleanArray or Int64Array or DoubleArray or ListArray or StructArray => JsonSerializer.Serialize(Columns.ValueAt(column, row), JsonText.Indented),
        _ => JsonSerializer.Serialize(CsvText.ValueAt(column, row), JsonText.Indented),
    };

    async IAsyncEnumerable<RecordBatch> ReadAsync(ISourceSnapshot rows, int limit, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (limit == 0) yield break;
        var left = limit;
        await foreach (var read in rows.ReadAsync(new ScanRequest([.. schema.FieldsList.Select(f => f.Name)], null, Math.Min(limit, 2_048)), cancel))
        {
            using (read)
            {
                var count = Math.Min(left, read.Batch.Length);
                yield return count == read.Batch.Length ? read.Batch : new RecordBatch(schema, read.Batch.Arrays.Select(a => ArrowArrayFactory.Slice(a, 0, count)), count);
                left -= count;
            }
            if (left == 0) yield break;
        }
    }
}
