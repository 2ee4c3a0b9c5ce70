using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.TestSupport;
using Parquet;

namespace BatchMl.Parquet.Tests;

public sealed class ParquetSourceTests : IDisposable
{
    readonly TestFolder folder = new();

    static async Task<(Schema Schema, List<string> Rows)> ReadAsync(string path)
    {
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        var rows = new List<string>();
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest([.. snapshot.Schema.FieldsList.Select(f => f.Name)]), default)) rows.AddRange(TestTable.Rows(batch.Batch));
        return (snapshot.Schema, rows);
    }

    static RecordBatch Table(params (string Name, IArrowArray Values)[] columns) =>
        new(new Schema(columns.Select(c => new Field(c.Name, c.Values.Data.DataType, true)), null), columns.Select(c => c.Values), columns[0].Values.Length);

    [Fact]
    public async Task The_real_flights_are_read_exactly_as_an_independent_reader_reads_them()
    {
        var path = Shared.Path("data/nycflights13/flights.parquet");
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        string[] columns = ["month", "dep_delay", "carrier", "tailnum", "time_hour"];
        await using var oracle = await ParquetReader.CreateAsync(path);
        var rows = 0L;
        for (var g = 0; g < oracle.RowGroupCount; g++)
        {
            var expected = new List<List<string>>();
            foreach (var column in columns) expected.Add(await ParquetNet.ColumnAsync(oracle, g, column));
            var at = 0;
            await foreach (var batch in snapshot.ReadAsync(new ScanRequest(columns, [g]), default))
            {
                for (var c = 0; c < columns.Length; c++)
                {
                    var column = Columns.Normalize(batch.Batch.Column(c));
                    for (var row = 0; row < column.Length; row++) Assert.Equal(expected[c][at + row], ParquetNet.Text(Columns.ValueAt(column, row)));
                }
                at += batch.Batch.Length;
            }
            rows += at;
        }
        Assert.Equal(336_776, rows);
    }

    [Fact]
    public async Task Partition_folders_become_typed_columns()
    {
        ParquetFixture.Write(folder.At("day=2013-10-02", "n=7", "city=New%20York%2FJFK", "a.parquet"), TestTable.Create(2));
        ParquetFixture.Write(folder.At("day=2013-10-01", "n=-5", "city=007", "b.parquet"), TestTable.Create(1));
        ParquetFixture.Write(folder.At("day=2013-10-03", "n=__HIVE_DEFAULT_PARTITION__", "city=x", "c.parquet"), TestTable.Create(1));
        // The folder's column wins over the file's.
        var (schema, rows) = await ReadAsync(folder.Path);
        Assert.Equal(["id", "text", "amount", "flag", "at", "day", "n", "city"], schema.FieldsList.Select(f => f.Name));
        Assert.Equal([ColumnType.Date, ColumnType.Int64, ColumnType.String], schema.FieldsList.TakeLast(3).Select(f => Columns.TypeOf(f.DataType)!.Value));
        Assert.Equal(["15979 | -5 | 007", "15980 | 7 | New York/JFK", "15980 | 7 | New York/JFK", "15981 | ∅ | x"], rows.Select(r => string.Join(" | ", r.Split(" | ").TakeLast(3))));
        using var snapshot = await new ParquetSource(folder.Path).OpenAsync(default);
        Assert.Equal(new ColumnStatistics(15979, 15979, 0), snapshot.Fragments[0].Statistics["day"]);
        Assert.Equal(new ColumnStatistics(null, null, 1), snapshot.Fragments[2].Statistics["n"]);
        Assert.Equal(rows[..1], (await ReadAsync(folder.At("day=2013-10-01"))).Rows.Select(r => r));
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(["city", "day"], [1]), default)) Assert.Equal(["New York/JFK | 15980", "New York/JFK | 15980"], TestTable.Rows(batch.Batch));
    }

    [Theory]
    [InlineData("", "a.parquet b1.parquet sub/c.parquet")]
    [InlineData("*.parquet", "a.parquet b1.parquet")]
    [InlineData("b?.parquet", "b1.parquet")]
    [InlineData("[!a].parquet", "")]
    [InlineData("[a-c]*.parquet", "a.parquet b1.parquet")]
    [InlineData("**/*.parquet", "a.parquet b1.parquet sub/c.parquet")]
    [InlineData("s*/c.parquet", "sub/c.parquet")]
    [InlineData("_x.parquet", "_x.parquet")]
    public async Task A_path_is_a_file_a_folder_or_a_glob(string pattern, string expected)
    {
        foreach (var name in new[] { "a.parquet", "b1.parquet", "sub/c.parquet", "_x.parquet", ".y.parquet", "_sub/z.parquet", "notes.txt" })
            ParquetFixture.Write(folder.At(name), TestTable.Create(1));
        var source = new ParquetSource(folder.At(pattern));
        if (expected.Length == 0)
        {
            Assert.Contains("No file matches", (await Assert.ThrowsAsync<DataException>(() => source.OpenAsync(default))).Message, StringComparison.Ordinal);
            return;
        }
        using var snapshot = await source.OpenAsync(default);
        Assert.Equal(expected, string.Join(' ', snapshot.Files.Select(f => Path.GetRelativePath(folder.Path, f.Path))));
    }

    [Fact]
    public async Task All_differences_between_schemas_are_reported_at_once()
    {
        ParquetFixture.Write(folder.At("a.parquet"), TestTable.Create(1));
        ParquetFixture.Write(folder.At("b.parquet"), TestTable.Select(TestTable.Create(1), "id", "text", "flag", "at"));
        ParquetFixture.Write(folder.At("c.parquet"), Table([.. TestTable.Schema.FieldsList.Select(f => (f.Name, (IArrowArray)new Int64Array.Builder().Append(1).Build())), ("more", new Int64Array.Builder().Append(1).Build())]));
        var message = (await Assert.ThrowsAsync<DataException>(() => new ParquetSource(folder.Path).OpenAsync(default))).Message;
        foreach (var expected in new[] { "b.parquet has no column 'amount'", "b.parquet has no column 'day'", "c.parquet has column 'text' of type int64", "c.parquet has column 'at'", "c.parquet has a column 'more'" })
            Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_may_stand_in_another_order_in_another_file()
    {
        ParquetFixture.Write(folder.At("a.parquet"), TestTable.Create(2));
        ParquetFixture.Write(folder.At("b.parquet"), TestTable.Select(TestTable.Create(2), "at", "day", "text", "id", "flag", "amount"));
        var rows = (await ReadAsync(folder.Path)).Rows;
        Assert.Equal(rows[..2], rows[2..]);
    }

    [Fact]
    public async Task Nested_columns_decimals_and_binary_pass_through()
    {
        var list = new ListArray.Builder(Int32Type.Default);
        var items = (Int32Array.Builder)list.ValueBuilder;
        list.Append();
        items.Append(1).Append(2);
        list.AppendNull();
        list.Append();
        var numbers = new Int64Array.Builder().Append(7).AppendNull().Append(9).Build();
        var letters = new StringArray.Builder().Append("a").Append("b").AppendNull().Build();
        var fields = new StructType([new Field("n", Int64Type.Default, true), new Field("s", StringType.Default, true)]);
        var table = Table(
            ("before", numbers),
            ("list", list.Build()),
            ("struct", new StructArray(fields, 3, [numbers, letters], ArrowBuffer.Empty, 0)),
            ("money", new Decimal128Array.Builder(new Decimal128Type(20, 2)).Append(12.34m).AppendNull().Append(-0.01m).Build()),
            ("bytes", new BinaryArray.Builder().Append([1, 255]).AppendNull().Append([]).Build()),
            ("after", letters));
        var path = ParquetFixture.Write(folder.At("a.parquet"), table);
        Assert.Equal(TestTable.Rows(table), (await ReadAsync(path)).Rows);
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(["after", "struct"]), default)) Assert.Equal(TestTable.Rows(TestTable.Select(table, "after", "struct")), TestTable.Rows(batch.Batch));
    }

    [Fact]
    public async Task Statistics_are_normalised_whatever_the_unit()
    {
        IArrowArray Times(TimeUnit unit, params long[] values)
        {
            var builder = new ArrowBuffer.Builder<long>().AppendRange(values).Build();
            return new TimestampArray(new TimestampType(unit, "UTC"), builder, ArrowBuffer.Empty, values.Length, 0, 0);
        }

        var path = ParquetFixture.Write(folder.At("a.parquet"), Table(
            ("ms", Times(TimeUnit.Millisecond, -5, 7)),
            ("us", Times(TimeUnit.Microsecond, -5, 7)),
            ("ns", Times(TimeUnit.Nanosecond, -1500, 1999)),
            ("u32", new UInt32Array.Builder().Append(1).Append(4_000_000_000).Build()),
            ("u8", new UInt8Array.Builder().Append(1).Append(200).Build()),
            ("i8", new Int8Array.Builder().Append(-1).Append(100).Build()),
            ("f32", new FloatArray.Builder().Append(-0.5f).Append(2.5f).Build()),
            ("nan", new DoubleArray.Builder().Append(double.NaN).Append(3).Build()),
            ("onlynan", new DoubleArray.Builder().Append(double.NaN).Append(double.NaN).Build()),
            ("text", new StringArray.Builder().Append("ünï").Append("a").Build()),
            ("none", new StringArray.Builder().AppendNull().AppendNull().Build()),
            ("some", new Int64Array.Builder().AppendNull().Append(3).Build()),
            ("date", new Date32Array.Builder().Append(new DateOnly(1969, 12, 31)).Append(new DateOnly(1970, 1, 3)).Build()),
            ("yes", new BooleanArray.Builder().Append(true).Append(true).Build())));
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        var statistics = snapshot.Fragments.Single().Statistics;
        string Text(string name) => statistics.TryGetValue(name, out var s) ? string.Create(CultureInfo.InvariantCulture, $"{s.Min}..{s.Max} {s.Min?.GetType().Name}") : "absent";
        Assert.Equal("-5000..7000 Int64", Text("ms"));
        Assert.Equal("-5..7 Int64", Text("us"));
        Assert.Equal("-2..1 Int64", Text("ns"));
        Assert.Equal("1..4000000000 Int64", Text("u32"));
        Assert.Equal("1..200 Int64", Text("u8"));
        Assert.Equal("-1..100 Int64", Text("i8"));
        Assert.Equal("-0.5..2.5 Double", Text("f32"));
        Assert.Equal("3..3 Double", Text("nan"));
        Assert.Equal("absent", Text("onlynan"));
        Assert.Equal("a..ünï String", Text("text"));
        Assert.Equal("-1..2 Int32", Text("date"));
        Assert.Equal("True..True Boolean", Text("yes"));
        Assert.Equal(new ColumnStatistics(null, null, 2), statistics["none"]);
        Assert.Equal(new ColumnStatistics(3L, 3L, 1), statistics["some"]);
    }

    [Fact]
    public async Task A_file_without_statistics_is_read_all_the_same()
    {
        var table = TestTable.Create(50);
        var path = ParquetFixture.Write(folder.At("a.parquet"), table, with: b => b.DisableStatistics());
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        Assert.Empty(snapshot.Fragments.Single().Statistics);
        Assert.Equal(TestTable.Rows(table), (await ReadAsync(path)).Rows);
    }

    [Fact]
    public async Task Paths_of_object_stores_are_refused_with_the_reason()
    {
        var error = await Assert.ThrowsAsync<DefinitionException>(() => new ParquetSource("s3://bucket/a.parquet").OpenAsync(default));
        Assert.Contains("local file system", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
