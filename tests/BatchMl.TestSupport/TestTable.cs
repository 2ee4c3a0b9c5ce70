using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.TestSupport;

/// <summary>A table with a column of every type, nulls and awkward values, from a seed; and its rows as .NET values.</summary>
public static class TestTable
{
    public static Schema Schema { get; } = new(
    [
        new Field("id", Columns.ArrowType(ColumnType.Int64), false),
        new Field("text", Columns.ArrowType(ColumnType.String), true),
        new Field("amount", Columns.ArrowType(ColumnType.Double), true),
        new Field("flag", Columns.ArrowType(ColumnType.Boolean), true),
        new Field("at", Columns.ArrowType(ColumnType.Timestamp), true),
        new Field("day", Columns.ArrowType(ColumnType.Date), true),
    ], null);

    static readonly string[] texts = ["plain", "com,ma", "quo\"te", "two\nlines", "ünïcödé 🛫", "x", "007"];

    public static RecordBatch Create(int rows, int seed = 1, long firstId = 0)
    {
        var random = new Random(seed);
        var id = new Int64Array.Builder();
        var text = new StringArray.Builder();
        var amount = new DoubleArray.Builder();
        var flag = new BooleanArray.Builder();
        var at = new TimestampArray.Builder(Columns.UtcMicroseconds);
        var day = new Date32Array.Builder();
        for (var i = 0; i < rows; i++)
        {
            id.Append(firstId + i);
            if (random.Next(5) == 0) text.AppendNull(); else text.Append(texts[random.Next(texts.Length)]);
            if (random.Next(5) == 0) amount.AppendNull(); else amount.Append(random.Next(10) == 0 ? 1e-300 : (random.NextDouble() - 0.5) * 1e6);
            if (random.Next(5) == 0) flag.AppendNull(); else flag.Append(random.Next(2) == 0);
            if (random.Next(5) == 0) at.AppendNull(); else at.Append(DateTimeOffset.UnixEpoch.AddTicks(random.NextInt64(-1_000_000_000_000, 1_000_000_000_000) * 10));
            if (random.Next(5) == 0) day.AppendNull(); else day.Append(new DateOnly(1960, 1, 1).AddDays(random.Next(30_000)));
        }
        return new RecordBatch(Schema, [id.Build(), text.Build(), amount.Build(), flag.Build(), at.Build(), day.Build()], rows);
    }

    /// <summary>One text a row, values as <see cref="Columns.ValueAt"/> sees them after normalisation, doubles by their bits.</summary>
    public static List<string> Rows(RecordBatch batch)
    {
        var columns = batch.Arrays.Select(Columns.Normalize).ToArray();
        return [.. Enumerable.Range(0, batch.Length).Select(row => string.Join(" | ", columns.Select(c => Text(Columns.ValueAt(c, row)))))];
    }

    /// <summary>The named columns of a batch.</summary>
    public static RecordBatch Select(RecordBatch batch, params IEnumerable<string> columns)
    {
        var at = columns.Select(c => batch.Schema.GetFieldIndex(c)).ToArray();
        return new RecordBatch(new Schema(at.Select(batch.Schema.GetFieldByIndex), null), at.Select(batch.Column), batch.Length);
    }

    /// <summary>Rows <paramref name="from"/> on, sharing memory.</summary>
    public static RecordBatch Slice(RecordBatch batch, int from, int count) =>
        new(batch.Schema, batch.Arrays.Select(a => ArrowArrayFactory.Slice(a, from, count)), count);

    static string Text(object? value) => value switch
    {
        null => "∅",
        double d => BitConverter.DoubleToInt64Bits(d).ToString("x16", CultureInfo.InvariantCulture),
        byte[] b => Convert.ToHexString(b),
        object?[] items => "[" + string.Join(", ", items.Select(Text)) + "]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
