using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>All types of the protocol's table, those that were never recorded included, there and back.</summary>
public sealed class TypesTests
{
    static readonly IArrowType[] Types = [
        BooleanType.Default, Int8Type.Default, Int16Type.Default, Int32Type.Default, Int64Type.Default, FloatType.Default, DoubleType.Default, new Decimal128Type(38, 10), StringType.Default, BinaryType.Default,
        LargeStringType.Default, LargeBinaryType.Default, Date32Type.Default, new TimestampType(TimeUnit.Microsecond, "Europe/Berlin"), new TimestampType(TimeUnit.Microsecond, (string?)null), new Time64Type(TimeUnit.Nanosecond),
        DurationType.Microsecond, new IntervalType(IntervalUnit.YearMonth), NullType.Default,
        new ListType(new Field("element", StringType.Default, true)), new MapType(new Field("key", StringType.Default, false), new Field("value", DoubleType.Default, true)),
        new StructType([new Field("a", Int64Type.Default, true), new Field("b", new ListType(new Field("element", Int32Type.Default, true)), true)]),
    ];

    [Fact]
    public async Task Every_type_comes_back_as_it_went()
    {
        const int rows = 37;
        var schema = new Schema([.. Types.Select((t, i) => new Field($"c{i}", t, true))], null);
        var seed = new Random(5);
        var arrays = Types.Select(t => ArrowArrayFactory.BuildArray(Column(t, rows, seed))).ToList();
        var batches = new[] { new RecordBatch(schema, arrays, rows), new RecordBatch(schema, [.. arrays.Select(a => ArrowArrayFactory.Slice(a, 0, 0))], 0), new RecordBatch(schema, arrays, rows) };
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(new TaskBytes { Spark = "4.3", PythonVersion = "dotnet1/spark4.3" }.With(TaskBytes.Rows(schema, batches)));
        var said = jvm.Reply.Task(hasProcessingTime: true);
        var row = new StructArray(new StructType(schema.FieldsList), rows, arrays, ArrowBuffer.Empty, 0);
        var once = Enumerable.Range(0, rows).Select(r => $"row {ArrowText.Of(row, r)}").ToList();
        Assert.Equal(once.Concat(once), said.Where(l => l.StartsWith("row", StringComparison.Ordinal)));
        Assert.Equal($"column _0: struct<{string.Join(", ", schema.FieldsList.Select(ArrowText.Of))}>", said[1]);
        Assert.Equal("end -4", said[^1]);
    }

    // Random values with nulls in a third of the rows, from the format's own description.
    static ArrayData Column(IArrowType type, int rows, Random seed)
    {
        if (type is NullType) return new ArrayData(type, rows, rows, 0, System.Array.Empty<ArrowBuffer>(), null!);
        var valid = new ArrowBuffer.BitmapBuilder(rows);
        var nulls = 0;
        for (var i = 0; i < rows; i++)
        {
            var isNull = seed.Next(3) == 0;
            nulls += isNull ? 1 : 0;
            valid.Append(!isNull);
        }
        byte[] Random(int count)
        {
            var bytes = new byte[count];
            seed.NextBytes(bytes);
            return bytes;
        }
        int[] Lengths() => [.. Enumerable.Range(0, rows).Select(_ => seed.Next(4))];
        ArrayData Make(ArrowBuffer[] buffers, params ArrayData[] children) => new(type, rows, nulls, 0, [valid.Build(), .. buffers], children.Length == 0 ? null! : children);
        switch (type)
        {
            case StructType s:
                return Make([], [.. s.Fields.Select(f => Column(f.DataType, rows, seed))]);
            case MapType m:
            {
                var offsets = Offsets<int>(Lengths(), out var total);
                return Make([offsets], new ArrayData(m.Fields[0].DataType, total, 0, 0, [ArrowBuffer.Empty], [WithoutNulls(m.KeyField.DataType, total, seed), Column(m.ValueField.DataType, total, seed)]));
            }
            case ListType l:
            {
                var offsets = Offsets<int>(Lengths(), out var total);
                return Make([offsets], Column(l.ValueDataType, total, seed));
            }
            case StringType or BinaryType:
            {
                var offsets = Offsets<int>(Lengths(), out var total);
                return Make([offsets, new ArrowBuffer(Ascii(total, seed))]);
            }
            case LargeStringType or LargeBinaryType:
            {
                var offsets = Offsets<long>(Lengths(), out var total);
                return Make([offsets, new ArrowBuffer(Ascii(total, seed))]);
            }
            case Decimal128Type:
                // Any 128 bits are more than 38 digits; the upper half is left small.
                return Make([new ArrowBuffer(Random(16 * rows).Select((b, i) => i % 16 >= 8 ? (byte)0 : b).ToArray())]);
            case Date32Type:
                return Make([new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(Enumerable.Range(0, rows).Select(_ => seed.Next(-50_000, 50_000)).ToArray()).ToArray())]);
            default:
                return Make([new ArrowBuffer(Random((((FixedWidthType)type).BitWidth * rows + 7) / 8))]);
        }
    }

    static ArrayData WithoutNulls(IArrowType type, int rows, Random seed)
    {
        var data = Column(type, rows, seed);
        return new ArrayData(type, rows, 0, 0, [ArrowBuffer.Empty, .. data.Buffers[1..]], data.Children);
    }

    static byte[] Ascii(int count, Random seed) => [.. Enumerable.Range(0, count).Select(_ => (byte)seed.Next('!', '~'))];

    static ArrowBuffer Offsets<T>(int[] lengths, out int total) where T : struct, System.Numerics.INumber<T>
    {
        var offsets = new T[lengths.Length + 1];
        total = 0;
        for (var i = 0; i < lengths.Length; i++) offsets[i + 1] = T.CreateChecked(total += lengths[i]);
        return new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray());
    }
}
