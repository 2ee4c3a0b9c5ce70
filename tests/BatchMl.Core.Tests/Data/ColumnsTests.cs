using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Core.Tests.Data;

public sealed class ColumnsTests
{
    static T Build<T, TBuilder>(IEnumerable<object?> values, TBuilder builder, Action<TBuilder, object> append, Func<TBuilder, T> build)
        where TBuilder : IArrowArrayBuilder<T, TBuilder> where T : IArrowArray
    {
        foreach (var value in values)
            if (value is null) ((dynamic)builder).AppendNull();
            else append(builder, value);
        return build(builder);
    }

    static readonly object?[] Numbers = [1, null, 0, 7, null, 100, 3, 2, 1, 99, null, 5, 6, 4, 3, 2, 1, null, 9];

    public static IEnumerable<(string Name, IArrowArray Array, object?[] Expected)> Samples()
    {
        object?[] As(Func<int, object> f) => [.. Numbers.Select(n => n is int i ? f(i) : null)];
        T Of<T, TBuilder>(TBuilder builder, Action<TBuilder, int> append)
            where TBuilder : IArrowArrayBuilder<T, TBuilder> where T : IArrowArray =>
            Build(Numbers, builder, (b, v) => append(b, (int)v), b => b.Build(null!));
        yield return ("int8", Of<Int8Array, Int8Array.Builder>(new(), (b, i) => b.Append((sbyte)-i)), As(i => (long)-i));
        yield return ("int16", Of<Int16Array, Int16Array.Builder>(new(), (b, i) => b.Append((short)-i)), As(i => (long)-i));
        yield return ("int32", Of<Int32Array, Int32Array.Builder>(new(), (b, i) => b.Append(-i)), As(i => (long)-i));
        yield return ("int64", Of<Int64Array, Int64Array.Builder>(new(), (b, i) => b.Append(-i)), As(i => (long)-i));
        yield return ("uint8", Of<UInt8Array, UInt8Array.Builder>(new(), (b, i) => b.Append((byte)(i + 150))), As(i => (long)i + 150));
        yield return ("uint16", Of<UInt16Array, UInt16Array.Builder>(new(), (b, i) => b.Append((ushort)(i + 65000))), As(i => (long)i + 65000));
        yield return ("uint32", Of<UInt32Array, UInt32Array.Builder>(new(), (b, i) => b.Append((uint)i + 4_000_000_000)), As(i => i + 4_000_000_000L));
        yield return ("uint64", Of<UInt64Array, UInt64Array.Builder>(new(), (b, i) => b.Append((ulong)i)), As(i => (long)i));
        yield return ("half", Of<HalfFloatArray, HalfFloatArray.Builder>(new(), (b, i) => b.Append((Half)(i / 2f))), As(i => i / 2.0));
        yield return ("float", Of<FloatArray, FloatArray.Builder>(new(), (b, i) => b.Append(i / 4f)), As(i => i / 4.0));
        yield return ("double", Of<DoubleArray, DoubleArray.Builder>(new(), (b, i) => b.Append(i / 3.0)), As(i => i / 3.0));
        yield return ("bool", Of<BooleanArray, BooleanArray.Builder>(new(), (b, i) => b.Append(i % 2 == 1)), As(i => i % 2 == 1));
        var strings = new StringArray.Builder();
        foreach (var n in Numbers)
            if (n is null) strings.AppendNull();
            else strings.Append($"n{n}é");
        yield return ("string", strings.Build(), As(i => $"n{i}é"));
        var views = new StringViewArray.Builder();
        foreach (var n in Numbers)
            if (n is null) views.AppendNull();
            else views.Append($"a text longer than twelve bytes {n}");
        yield return ("view", views.Build(), As(i => $"a text longer than twelve bytes {i}"));
        foreach (var (unit, factor) in new[] { (TimeUnit.Second, 1_000_000L), (TimeUnit.Millisecond, 1000), (TimeUnit.Microsecond, 1) })
        foreach (var zone in new[] { null, "UTC", "Europe/Berlin" })
        {
            var raw = Of<Int64Array, Int64Array.Builder>(new(), (b, i) => b.Append(-i));
            yield return ($"{unit} {zone}", new TimestampArray(new ArrayData(new TimestampType(unit, zone), raw.Length, raw.NullCount, 0, raw.Data.Buffers)), As(i => -i * factor));
        }
        var nanos = Of<Int64Array, Int64Array.Builder>(new(), (b, i) => b.Append(-i));
        yield return ("ns", new TimestampArray(new ArrayData(new TimestampType(TimeUnit.Nanosecond, (string?)null), nanos.Length, nanos.NullCount, 0, nanos.Data.Buffers)), As(i => i == 0 ? 0L : -1L));
        var days = Of<Int32Array, Int32Array.Builder>(new(), (b, i) => b.Append(-i));
        yield return ("date32", new Date32Array(new ArrayData(Date32Type.Default, days.Length, days.NullCount, 0, days.Data.Buffers)), As(i => -i));
        yield return ("date64", new Date64Array(new ArrayData(Date64Type.Default, nanos.Length, nanos.NullCount, 0, nanos.Data.Buffers)), As(i => i == 0 ? 0 : -1));
        var words = new StringArray.Builder().Append("zero").Append("one").AppendNull().Append("three").Build();
        var indices = Of<UInt8Array, UInt8Array.Builder>(new(), (b, i) => b.Append((byte)(i % 4)));
        yield return ("dictionary", new DictionaryArray(new DictionaryType(UInt8Type.Default, StringType.Default, false), indices, words),
            As(i => (i % 4) switch { 0 => "zero", 1 => "one", 2 => null!, _ => "three" }));
    }

    static IArrowArray Nested()
    {
        var list = new ListArray.Builder(StringType.Default);
        var text = (StringArray.Builder)list.ValueBuilder;
        for (var i = 0; i < 19; i++)
        {
            if (i % 5 == 4) { list.AppendNull(); continue; }
            list.Append();
            for (var j = 0; j < i % 4; j++)
                if (j == 1) text.AppendNull();
                else text.Append($"{i}.{j}");
        }
        var lists = list.Build();
        var numbers = new Int32Array.Builder().AppendRange(Enumerable.Range(0, 19)).Build();
        var validity = new ArrowBuffer.BitmapBuilder();
        for (var i = 0; i < 19; i++) validity.Append(i % 7 != 3);
        return new StructArray(
            new StructType([new Field("l", lists.Data.DataType, true), new Field("n", Int32Type.Default, true)]), 19, [lists, numbers], validity.Build(), 3);
    }

    [Fact]
    public void Every_type_is_widened_whatever_its_offset()
    {
        var random = new Random(1);
        foreach (var (name, array, expected) in Samples())
            for (var round = 0; round < 20; round++)
            {
                var from = round == 0 ? 0 : random.Next(array.Length);
                var length = round == 0 ? array.Length : random.Next(array.Length - from + 1);
                var widened = Columns.Normalize(ArrowArrayFactory.Slice(array, from, length));
                Assert.Equal(Columns.ArrowType(Columns.TypeOf(array.Data.DataType)!.Value).Name, widened.Data.DataType.Name);
                Assert.True(Columns.TypeOf(widened.Data.DataType) == Columns.TypeOf(array.Data.DataType), name);
                for (var i = 0; i < length; i++)
                    Assert.True(Equals(expected[from + i], Columns.ValueAt(widened, i)), $"{name} [{from}+{i}] {expected[from + i]} {Columns.ValueAt(widened, i)}");
                Assert.Equal(expected.Skip(from).Take(length).Count(v => v is null), Enumerable.Range(0, length).Count(widened.IsNull));
            }
    }

    [Fact]
    public void Rows_of_every_type_are_gathered_and_joined_whatever_the_offset()
    {
        var random = new Random(2);
        var arrays = Samples().Select(s => s.Array).Append(Nested()).Append(((StructArray)Nested()).Fields[0]);
        foreach (var array in arrays)
            for (var round = 0; round < 20; round++)
            {
                var from = random.Next(array.Length);
                var slice = ArrowArrayFactory.Slice(array, from, random.Next(array.Length - from) + 1);
                var rows = Enumerable.Range(0, random.Next(30)).Select(_ => random.Next(-1, slice.Length)).ToArray();
                var taken = Columns.Take(slice, rows);
                Assert.Equal(rows.Length, taken.Length);
                for (var i = 0; i < rows.Length; i++)
                    Assert.Equal(rows[i] < 0 ? null : Columns.ValueAt(slice, rows[i]), Columns.ValueAt(taken, i));
                var joined = Columns.Concat([slice, taken, slice]);
                for (var i = 0; i < joined.Length; i++)
                    Assert.Equal(
                        i < slice.Length ? Columns.ValueAt(slice, i)
                        : i < slice.Length + taken.Length ? Columns.ValueAt(taken, i - slice.Length)
                        : Columns.ValueAt(slice, i - slice.Length - taken.Length),
                        Columns.ValueAt(joined, i));
            }
    }

    [Fact]
    public void A_canonical_column_is_returned_as_it_is()
    {
        var array = new Int64Array.Builder().Append(1).Build();
        Assert.Same(array, Columns.Normalize(array));
        Assert.Same(array, Columns.Concat([array]));
    }

    [Fact]
    public void Values_that_do_not_fit_are_errors_unless_they_are_under_a_null()
    {
        var unsigned = new UInt64Array.Builder().Append(1).Append(ulong.MaxValue).Build();
        Assert.Contains("row 1: unsigned value 18446744073709551615", Assert.Throws<DataException>(() => Columns.Normalize(unsigned)).Message);
        var seconds = new Int64Array.Builder().Append(long.MaxValue / 1_000_000).Append(long.MinValue / 1_000_000 - 1).Build();
        var times = new ArrayData(new TimestampType(TimeUnit.Second, "UTC"), 2, 0, 0, seconds.Data.Buffers);
        Assert.Contains("row 1: timestamp", Assert.Throws<DataException>(() => Columns.Normalize(new TimestampArray(times))).Message);
        var masked = new ArrayData(times.DataType, 2, 1, 0, [new ArrowBuffer(new byte[] { 1 }), times.Buffers[1]]);
        Assert.Null(Columns.ValueAt(Columns.Normalize(new TimestampArray(masked)), 1));
        var far = new ArrayData(Date64Type.Default, 1, 0, 0, [ArrowBuffer.Empty, new Int64Array.Builder().Append(long.MaxValue).Build().ValueBuffer]);
        Assert.Throws<DataException>(() => Columns.Normalize(new Date64Array(far)));
    }
}
