using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>Small batches, written down as .NET values; null is null.</summary>
static class Rows
{
    public static RecordBatch Batch(params (string Name, IArrowArray Column)[] columns) => new(
        new Schema([.. columns.Select(c => new Field(c.Name, c.Column.Data.DataType, nullable: true))], null), columns.Select(c => c.Column), columns[0].Column.Length);

    public static IArrowArray Text(params string?[] values)
    {
        var builder = new StringArray.Builder();
        foreach (var value in values) builder.Append(value);
        return builder.Build();
    }

    public static IArrowArray Doubles(params double?[] values)
    {
        var builder = new DoubleArray.Builder();
        foreach (var value in values) builder.Append(value);
        return builder.Build();
    }

    public static IArrowArray Longs(params long?[] values)
    {
        var builder = new Int64Array.Builder();
        foreach (var value in values) builder.Append(value);
        return builder.Build();
    }

    public static IArrowArray Flags(params bool?[] values)
    {
        var builder = new BooleanArray.Builder();
        foreach (var value in values) _ = value is { } flag ? builder.Append(flag) : builder.AppendNull();
        return builder.Build();
    }

    public static IArrowArray Days(params int[] values) => new Date32Array(new ArrowBuffer.Builder<int>().AppendRange(values).Build(), ArrowBuffer.Empty, values.Length, 0, 0);

    public static IArrowArray Times(params long[] values) =>
        new TimestampArray(Columns.UtcMicroseconds, new ArrowBuffer.Builder<long>().AppendRange(values).Build(), ArrowBuffer.Empty, values.Length, 0, 0);

    public static float[] Floats(this RecordBatch batch, string column) => ((FloatArray)batch.Column(column)).Values.ToArray();
}
