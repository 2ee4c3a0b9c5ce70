using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>A batch with a column of every type that both sides have, and nulls in all of them; and its rows as text.</summary>
static class AllTypes
{
    public static readonly Schema Schema = new(
    [
        new Field("bool", BooleanType.Default, true),
        new Field("i8", Int8Type.Default, true),
        new Field("i16", Int16Type.Default, true),
        new Field("i32", Int32Type.Default, true),
        new Field("i64", Int64Type.Default, true),
        new Field("f32", FloatType.Default, true),
        new Field("f64", DoubleType.Default, true),
        new Field("dec", new Decimal128Type(38, 10), true),
        new Field("text with ` and space", StringType.Default, true),
        new Field("bin", BinaryType.Default, true),
        new Field("day", Date32Type.Default, true),
        new Field("at", new TimestampType(TimeUnit.Microsecond, "UTC"), true),
        new Field("local", new TimestampType(TimeUnit.Microsecond, (string?)null), true),
        new Field("list", SparkTypes.List(Int64Type.Default, true), true),
        new Field("struct", new StructType([new Field("a", Int32Type.Default, true), new Field("b", StringType.Default, true)]), true),
        new Field("map", SparkTypes.Map(StringType.Default, DoubleType.Default, true), true),
    ], null);

    public static RecordBatch Create()
    {
        var list = new ListArray.Builder(((ListType)Schema.GetFieldByName("list").DataType).ValueField);
        var elements = (Int64Array.Builder)list.ValueBuilder;
        list.Append();
        elements.Append(1).AppendNull().Append(long.MaxValue);
        list.Append();
        list.AppendNull();
        var map = new MapArray.Builder((MapType)Schema.GetFieldByName("map").DataType);
        map.Append();
        ((StringArray.Builder)map.KeyBuilder).Append("x").Append("ÿ");
        ((DoubleArray.Builder)map.ValueBuilder).Append(double.Epsilon).AppendNull();
        map.Append();
        map.AppendNull();
        var dec = new Decimal128Array.Builder(new Decimal128Type(38, 10)).Append("1234567890123456789012345678.0123456789").Append("-0.0000000001").AppendNull();
        var structs = new StructArray(Schema.GetFieldByName("struct").DataType, 3,
            [new Int32Array.Builder().Append(1).AppendNull().AppendNull().Build(), new StringArray.Builder().AppendNull().Append("b").AppendNull().Build()],
            new ArrowBuffer(new byte[] { 0b011 }), nullCount: 1);
        IArrowArray[] columns =
        [
            new BooleanArray.Builder().Append(true).Append(false).AppendNull().Build(),
            new Int8Array.Builder().Append(sbyte.MinValue).Append(sbyte.MaxValue).AppendNull().Build(),
            new Int16Array.Builder().Append(short.MinValue).Append(short.MaxValue).AppendNull().Build(),
            new Int32Array.Builder().Append(int.MinValue).Append(int.MaxValue).AppendNull().Build(),
            new Int64Array.Builder().Append(long.MinValue).Append(long.MaxValue).AppendNull().Build(),
            new FloatArray.Builder().Append(float.NaN).Append(-0f).AppendNull().Build(),
            new DoubleArray.Builder().Append(double.NegativeInfinity).Append(-0d).AppendNull().Build(),
            dec.Build(),
            new StringArray.Builder().Append("").Append("ünï\n🛫").AppendNull().Build(),
            new BinaryArray.Builder().Append(new byte[] { 0, 255 }.AsEnumerable()).Append(System.Array.Empty<byte>().AsEnumerable()).AppendNull().Build(),
            new Date32Array.Builder().Append(new DateOnly(1582, 10, 15)).Append(new DateOnly(9999, 12, 31)).AppendNull().Build(),
            Times("UTC"),
            Times(null),
            list.Build(),
            structs,
            map.Build(),
        ];
        return new RecordBatch(Schema, columns, 3);
    }

    /// <summary>The rows, value by value; floating point by its bits.</summary>
    public static string[] Rows(RecordBatch batch) => [.. Enumerable.Range(0, batch.Length).Select(row => string.Join(" | ", batch.Arrays.Select(a => Text(a, row))))];

    static TimestampArray Times(string? zone)
    {
        var values = new ArrowBuffer.Builder<long>().Append(-62_135_596_800_000_000).Append(1_700_000_000_123_456).Append(0).Build();
        return new TimestampArray(new ArrayData(new TimestampType(TimeUnit.Microsecond, zone), 3, 1, 0, [new ArrowBuffer(new byte[] { 0b011 }), values]));
    }

    static string Text(IArrowArray array, int row) => array.IsNull(row) ? "null" : array switch
    {
        BooleanArray a => $"{a.GetValue(row)}",
        Int8Array a => $"{a.GetValue(row)}",
        Int16Array a => $"{a.GetValue(row)}",
        Int32Array a => $"{a.GetValue(row)}",
        TimestampArray a => $"{a.GetValue(row)}",
        Int64Array a => $"{a.GetValue(row)}",
        FloatArray a => $"{BitConverter.SingleToInt32Bits(a.GetValue(row)!.Value)}",
        DoubleArray a => $"{BitConverter.DoubleToInt64Bits(a.GetValue(row)!.Value)}",
        Decimal128Array a => a.GetString(row),
        StringArray a => a.GetString(row),
        BinaryArray a => Convert.ToHexString(a.GetBytes(row)),
        Date32Array a => $"{a.GetValue(row)}",
        MapArray a => Range(a.KeyValues, a.ValueOffsets[row], a.ValueOffsets[row + 1]),
        ListArray a => Range(a.Values, a.ValueOffsets[row], a.ValueOffsets[row + 1]),
        StructArray a => $"({string.Join(", ", a.Fields.Select(f => Text(f, row)))})",
        _ => throw new NotSupportedException(array.GetType().Name),
    };

    static string Range(IArrowArray values, int from, int to) => $"[{string.Join(", ", Enumerable.Range(from, to - from).Select(i => Text(values, i)))}]";
}
