using System.Globalization;
using System.Text.Json.Nodes;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.TestSupport;
using Parquet;

namespace BatchMl.Parquet.Tests;

public sealed class ParquetSinkTests : IDisposable
{
    static readonly PartitionKey key = new("parquet", "flight-delays/score", "flight_date", "2013-10-01");

    readonly TestFolder folder = new();

    ParquetSink Sink => new(folder.Path);

    static PartitionManifest Manifest(StagedPartition staged) => new(1, staged, "r1", "f1", new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero));

    static async Task<StagedPartition> StageAsync(ParquetSink sink, RecordBatch rows, long fence, int batchSize = 1000, PartitionKey? at = null)
    {
        await using var stage = await sink.StageAsync(at ?? key, fence, rows.Schema, default);
        for (var from = 0; from < rows.Length; from += batchSize) await stage.WriteAsync(TestTable.Slice(rows, from, Math.Min(batchSize, rows.Length - from)), default);
        await stage.AddFileAsync(FileKind.Profile, "profile.json", "{}"u8.ToArray(), 0, default);
        await stage.AddFileAsync(FileKind.DeadLetters, "dead_letters.ndjson", "{}"u8.ToArray(), 1, default);
        return await stage.CompleteAsync(default);
    }

    string[] FilesBelow() => [.. Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder.Path, f)).Order(StringComparer.Ordinal)];

    static RecordBatch With(RecordBatch rows, string name, IArrowArray column) =>
        new(new Schema([.. rows.Schema.FieldsList, new Field(name, column.Data.DataType, true)], null), [.. rows.Arrays, column], rows.Length);

    [Fact]
    public async Task The_layout_is_what_other_tools_expect()
    {
        await Sink.PublishAsync(Manifest(await StageAsync(Sink, TestTable.Create(10), 12)), default);
        Assert.Equal(
        [
            "flight-delays/score/flight_date=2013-10-01/_dead_letters-0000000012.ndjson",
            "flight-delays/score/flight_date=2013-10-01/_manifest.json",
            "flight-delays/score/flight_date=2013-10-01/_profile-0000000012.json",
            "flight-delays/score/flight_date=2013-10-01/part-0000000012-0.parquet",
        ], FilesBelow());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.At("flight-delays/score/_staging")));
    }

    [Fact]
    public async Task An_independent_reader_finds_the_same_rows()
    {
        var rows = TestTable.Create(70_000);
        var manifest = Manifest(await StageAsync(Sink, rows, 1));
        await Sink.PublishAsync(manifest, default);
        await using var reader = await ParquetReader.CreateAsync(Sink.PathOf(manifest, manifest.Partition.Files[0]));
        Assert.Equal(1, reader.RowGroupCount);
        foreach (var field in rows.Schema.FieldsList)
        {
            var column = rows.Column(field.Name);
            Assert.Equal(Enumerable.Range(0, rows.Length).Select(r => ParquetNet.Text(Columns.ValueAt(column, r))), await ParquetNet.ColumnAsync(reader, 0, field.Name));
        }
    }

    [Fact]
    public async Task A_glob_over_a_dataset_finds_rows_only_and_the_partition_column_with_them()
    {
        foreach (var day in new[] { "2013-10-01", "2013-10-02" })
        {
            var staged = await StageAsync(Sink, TestTable.Create(10), 1, at: key with { Value = day });
            await Sink.PublishAsync(Manifest(staged), default);
        }
        await StageAsync(Sink, TestTable.Create(10), 2);
        foreach (var glob in new[] { "*/*.parquet", "**/*.parquet", "", "*/*" })
        {
            using var snapshot = await new ParquetSource(folder.At("flight-delays/score", glob)).OpenAsync(default);
            Assert.Equal(20, snapshot.Fragments.Sum(f => f.Rows));
            Assert.Equal(ColumnType.Date, Columns.TypeOf(snapshot.Schema.GetFieldByName("flight_date").DataType));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(65_536)]
    [InlineData(100_000)]
    [InlineData(300_000)]
    public async Task The_same_rows_give_the_same_bytes_however_they_are_cut(int batchSize)
    {
        var rows = TestTable.Create(batchSize == 1 ? 3000 : 300_000);
        var whole = await StageAsync(Sink, rows, 1, rows.Length, key with { Value = "a" });
        var cut = await StageAsync(Sink, rows, 1, batchSize, key with { Value = "b" });
        Assert.Equal(whole.Files, cut.Files);
        Assert.Equal(whole.ContentDigest, cut.ContentDigest);
    }

    [Fact]
    public async Task Row_groups_are_of_one_size_and_pages_carry_checksums()
    {
        var manifest = Manifest(await StageAsync(Sink, TestTable.Create(600_000), 1, 50_000));
        await Sink.PublishAsync(manifest, default);
        var path = Sink.PathOf(manifest, manifest.Partition.Files[0]);
        using (var snapshot = await new ParquetSource(path).OpenAsync(default)) Assert.Equal([262_144, 262_144, 75_712], snapshot.Fragments.Select(f => f.Rows));
        // One bit of a value, where nothing but a checksum can tell.
        var content = await File.ReadAllBytesAsync(path);
        content[5000] ^= 1;
        await File.WriteAllBytesAsync(path, content);
        await Assert.ThrowsAsync<DataException>(async () =>
        {
            await foreach (var batch in Sink.ReadAsync(manifest, null, default)) batch.Dispose();
        });
    }

    [Fact]
    public async Task The_digest_does_not_depend_on_dictionaries_offsets_widths_null_slots_or_kinds_of_NaN()
    {
        async Task<string> Digest(params IArrowArray[] columns)
        {
            var schema = new Schema(columns.Select((c, i) => new Field($"c{i}", c.Data.DataType, true)), null);
            await using var stage = await Sink.StageAsync(key, 1, schema, default);
            await stage.WriteAsync(new RecordBatch(schema, columns, columns[0].Length), default);
            return (await stage.CompleteAsync(default)).ContentDigest;
        }

        var plain = await Digest(
            new StringArray.Builder().Append("a").AppendNull().Append("b").Build(),
            new Int64Array.Builder().Append(1).AppendNull().Append(3).Build(),
            new DoubleArray.Builder().Append(double.NaN).AppendNull().Append(0.5).Build());
        var text = new StringArray.Builder().Append("zz").Append("a").Append("garbage").Append("b").Build();
        var withGarbage = new StringArray(3, text.ValueOffsetsBuffer, text.ValueBuffer, new ArrowBuffer(new byte[] { 0b1011 }), 1, 1);
        var oddNaN = new ArrowBuffer.Builder<float>().AppendRange([BitConverter.Int32BitsToSingle(-1), 77f, 0.5f]).Build();
        var dictionary = new DictionaryArray(
            new DictionaryType(Int32Type.Default, StringType.Default, false), new Int32Array.Builder().Append(1).AppendNull().Append(0).Build(), new StringArray.Builder().Append("b").Append("a").Build());
        var number = new Int16Array.Builder().Append(1).AppendNull().Append(3).Build();
        Assert.Equal(plain, await Digest(withGarbage, number, new FloatArray(oddNaN, new ArrowBuffer(new byte[] { 0b101 }), 3, 1, 0)));
        Assert.Equal(plain, await Digest(dictionary, number, new FloatArray(oddNaN, new ArrowBuffer(new byte[] { 0b101 }), 3, 1, 0)));
    }

    [Fact]
    public async Task Nested_rows_have_a_digest_and_come_back()
    {
        var list = new ListArray.Builder(StringType.Default);
        list.Append();
        ((StringArray.Builder)list.ValueBuilder).Append("a").AppendNull();
        list.AppendNull();
        list.Append();
        var fields = new StructType([new Field("n", Int64Type.Default, true)]);
        var struct3 = new StructArray(fields, 3, [new Int64Array.Builder().Append(1).Append(2).AppendNull().Build()], new ArrowBuffer(new byte[] { 0b101 }), 1);
        var rows = With(With(TestTable.Create(3), "list", list.Build()), "struct", struct3);
        var manifest = Manifest(await StageAsync(Sink, rows, 1, batchSize: 3));
        Assert.Equal(manifest.Partition.ContentDigest, (await StageAsync(Sink, rows, 2, batchSize: 1)).ContentDigest);
        await Sink.PublishAsync(manifest, default);
        var read = new List<string>();
        await foreach (var batch in Sink.ReadAsync(manifest, null, default)) read.AddRange(TestTable.Rows(batch));
        Assert.Equal(TestTable.Rows(rows), read);
    }

    [Fact]
    public async Task The_partition_column_is_kept_in_the_folder_and_comes_back_with_its_type()
    {
        var days = new Date32Array.Builder();
        for (var i = 0; i < 10; i++) days.Append(new DateOnly(2013, 10, 1));
        var rows = With(TestTable.Create(10), "flight_date", days.Build());
        var manifest = Manifest(await StageAsync(Sink, rows, 1));
        await Sink.PublishAsync(manifest, default);
        await using (var reader = await ParquetReader.CreateAsync(Sink.PathOf(manifest, manifest.Partition.Files[0])))
            Assert.DoesNotContain("flight_date", reader.Schema.GetDataFields().Select(f => f.Name));
        Assert.Contains("flight_date", manifest.Partition.SchemaJson, StringComparison.Ordinal);
        await foreach (var batch in Sink.ReadAsync(manifest, null, default))
        {
            Assert.Equal(TestTable.Rows(rows), TestTable.Rows(batch));
            Assert.IsType<Date32Array>(batch.Column("flight_date"));
        }
    }

    [Fact]
    public async Task A_row_of_another_partition_is_refused()
    {
        var rows = With(TestTable.Create(2), "flight_date", new StringArray.Builder().Append("2013-10-01").Append("2013-10-02").Build());
        var error = await Assert.ThrowsAsync<DataException>(() => StageAsync(Sink, rows, 1));
        Assert.Contains("Row 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("2013-10-02", error.Message, StringComparison.Ordinal);
        Assert.Empty(FilesBelow());
    }

    [Fact]
    public async Task A_partition_column_that_a_folder_can_not_carry_is_refused_before_rows_move()
    {
        var schema = new Schema([new Field("flight_date", DoubleType.Default, true)], null);
        await Assert.ThrowsAsync<DefinitionException>(() => Sink.StageAsync(key, 1, schema, default));
    }

    [Fact]
    public async Task An_unwritable_place_is_found_before_rows_move()
    {
        await File.WriteAllTextAsync(folder.At("flight-delays"), "a file where a folder is needed");
        var error = await Assert.ThrowsAsync<BatchMlException>(() => Sink.StageAsync(key, 1, TestTable.Schema, default));
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Permanent, error.Kind);
    }

    [Fact]
    public async Task A_full_disk_is_transient_and_leaves_nothing()
    {
        var sink = new ParquetSink(folder.Path, path => new FullDisk(File.Create(path), 100_000), _ => { });
        var error = await Assert.ThrowsAsync<BatchMlException>(() => StageAsync(sink, TestTable.Create(300_000), 1));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        Assert.Empty(FilesBelow());
    }

    [Theory]
    [InlineData("s3://bucket/out")]
    [InlineData("gs://bucket/out")]
    public void Object_stores_are_refused_with_the_reason(string root) =>
        Assert.Contains("atomic renames", Assert.Throws<DefinitionException>(() => new ParquetSink(root)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Corrupt_and_newer_manifests_are_refused_with_what_to_do()
    {
        await Sink.PublishAsync(Manifest(await StageAsync(Sink, TestTable.Create(1), 1)), default);
        var path = folder.At("flight-delays/score/flight_date=2013-10-01/_manifest.json");
        var json = await File.ReadAllTextAsync(path);
        async Task<string> Error(string content)
        {
            await File.WriteAllTextAsync(path, content);
            return (await Assert.ThrowsAsync<DataException>(() => Sink.ReadManifestAsync(key, default))).Message;
        }

        Assert.Contains("format version 2", await Error(json.Replace("\"formatVersion\": 1", "\"formatVersion\": 2", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(path, await Error(json[..(json.Length / 2)]), StringComparison.Ordinal);
        Assert.Contains(path, await Error("{}"), StringComparison.Ordinal);
        Assert.Contains(path, await Error("[]"), StringComparison.Ordinal);
        Assert.Contains("not a file name", await Error(json.Replace("part-", "../part-", StringComparison.Ordinal)), StringComparison.Ordinal);
        var extended = JsonNode.Parse(json)!;
        extended["somethingNew"] = 1;
        await File.WriteAllTextAsync(path, extended.ToJsonString());
        Assert.Contains("changed after it was written", (await Assert.ThrowsAsync<DataException>(() => Sink.ReadManifestAsync(key, default))).Message, StringComparison.Ordinal);
        extended.AsObject().Remove("digest");
        await File.WriteAllTextAsync(path, extended.ToJsonString());
        Assert.NotNull(await Sink.ReadManifestAsync(key, default));
    }

    [Fact]
    public async Task A_data_file_of_another_size_than_the_manifest_says_is_refused()
    {
        var manifest = Manifest(await StageAsync(Sink, TestTable.Create(10), 1));
        await Sink.PublishAsync(manifest, default);
        ParquetFixture.Write(Sink.PathOf(manifest, manifest.Partition.Files[0]), TestTable.Create(11));
        var error = await Assert.ThrowsAsync<DataException>(async () =>
        {
            await foreach (var batch in Sink.ReadAsync(manifest, null, default)) batch.Dispose();
        });
        Assert.Contains(manifest.Partition.Files[0].Bytes.ToString(CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    sealed class FullDisk(Stream inner, int capacity) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => inner.Length;
        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (inner.Length + buffer.Length > capacity) throw new IOException("No space left on device");
            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
