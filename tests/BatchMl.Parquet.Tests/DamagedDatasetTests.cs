using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;
using ParquetSharp;

namespace BatchMl.Parquet.Tests;

/// <summary>
/// Hundreds of damaged files: of our own datasets no damage goes unseen; of others none ends the process. The native reader meets them in a process of its own. <c>BATCHML_SOAK=1</c>: forty times as many.
/// </summary>
public sealed class DamagedDatasetTests : IDisposable
{
    static readonly PartitionKey key = new("parquet", "scores", "day", "2013-10-01");
    static readonly int damages = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 20_000 : 500;

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    ParquetSink Sink => new(folder.Path);

    /// <summary>A published partition of several pages and kinds of columns.</summary>
    async Task<PartitionManifest> PublishAsync(RecordBatch rows)
    {
        await using var stage = await Sink.StageAsync(key, 1, rows.Schema, default);
        await stage.WriteAsync(rows, default);
        await stage.AddFileAsync(FileKind.Profile, "profile.json", "{\"Rows\":1500,\"Columns\":[]}"u8.ToArray(), 0, default);
        var manifest = new PartitionManifest(1, await stage.CompleteAsync(default), "r1", "f1", new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero));
        await Sink.PublishAsync(manifest, default);
        return manifest;
    }

    static async Task<List<string>> RowsAsync(IBatchSource source)
    {
        using var snapshot = await source.OpenAsync(default);
        var rows = new List<string>();
        string[] columns = [.. TestTable.Schema.FieldsList.Select(f => f.Name).Where(n => n != "day")];
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(columns), default))
            using (batch) rows.AddRange(TestTable.Rows(batch.Batch));
        return rows;
    }

    static async Task<List<string>> RowsAsync(ParquetSink sink, PartitionManifest manifest)
    {
        var rows = new List<string>();
        await foreach (var batch in sink.ReadAsync(manifest, null, default))
            using (batch) rows.AddRange(TestTable.Rows(batch));
        return rows;
    }

    // The partition's column is in the folder's name.
    static RecordBatch Table()
    {
        var table = TestTable.Create(1500);
        return TestTable.Select(table, "id", "text", "amount", "flag", "at");
    }

    [Fact]
    public void No_damage_to_rows_of_our_own_goes_unseen() => OwnProcess.Run(TimeSpan.FromMinutes(10), () => DamageAsync().GetAwaiter().GetResult());

    async Task DamageAsync()
    {
        var table = Table();
        var manifest = await PublishAsync(table);
        var expected = TestTable.Rows(table);
        Assert.Equal(expected, await RowsAsync(Sink, manifest));
        var path = Sink.PathOf(manifest, manifest.Partition.Files[0]);
        var content = await File.ReadAllBytesAsync(path);
        var random = new Random(20130102);
        for (var i = 0; i < damages; i++)
        {
            var damaged = Corruption.Of(content, random);
            await File.WriteAllBytesAsync(path, damaged);
            foreach (var read in (Func<Task<List<string>>>[])[() => RowsAsync(Sink, manifest), () => RowsAsync(new ParquetSource(folder.At("scores")))])
            {
                if (damaged.AsSpan().SequenceEqual(content)) Assert.Equal(expected, await read());
                else Assert.Contains(path, (await Assert.ThrowsAsync<DataException>(read)).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Statistics_of_our_own_that_were_tampered_with_are_seen_before_any_row_is_read()
    {
        var table = Table();
        var manifest = await PublishAsync(table);
        var path = Sink.PathOf(manifest, manifest.Partition.Files[0]);
        var content = await File.ReadAllBytesAsync(path);
        // The greatest id, as the footer's statistics have it.
        var at = content.AsSpan().LastIndexOf(BitConverter.GetBytes(1499L));
        Assert.True(at > content.Length * 2 / 3);
        content[at] ^= 1;
        await File.WriteAllBytesAsync(path, content);
        Assert.Contains("footer", (await Assert.ThrowsAsync<DataException>(() => new ParquetSource(folder.At("scores")).OpenAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_manifest_is_refused_or_says_what_it_said_before()
    {
        var manifest = await PublishAsync(Table());
        var path = folder.At("scores/day=2013-10-01/_manifest.json");
        var content = await File.ReadAllBytesAsync(path);
        var random = new Random(20130103);
        var refused = 0;
        for (var i = 0; i < 2 * damages; i++)
        {
            await File.WriteAllBytesAsync(path, Corruption.Of(content, random));
            try
            {
                Assert.Equivalent(manifest, await Sink.ReadManifestAsync(key, default), strict: true);
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, damages, 2 * damages);
    }

    [Fact]
    public async Task A_damaged_profile_is_refused()
    {
        var manifest = await PublishAsync(Table());
        var file = manifest.Partition.Files.Single(f => f.Kind == FileKind.Profile);
        var path = Sink.PathOf(manifest, file);
        Assert.NotEmpty(CommittedFile.Read(path, file));
        var content = await File.ReadAllBytesAsync(path);
        content[8] ^= 1;
        await File.WriteAllBytesAsync(path, content);
        Assert.Contains(path, Assert.Throws<DataException>(() => CommittedFile.Read(path, file)).Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Contains(path, Assert.Throws<DataException>(() => CommittedFile.Read(path, file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_of_another_tool_beside_foreign_files_is_not_ours()
    {
        var table = Table();
        ParquetFixture.Write(folder.At("foreign/a.parquet"), table);
        await File.WriteAllTextAsync(folder.At("foreign/_manifest.json"), """{"entries": []}""");
        Assert.Equal(TestTable.Rows(table), await RowsAsync(new ParquetSource(folder.At("foreign"))));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("dictionary")]
    [InlineData("snappy")]
    public async Task A_page_with_a_wrong_checksum_is_refused_whoever_wrote_it(string how)
    {
        var table = Table();
        var path = ParquetFixture.Write(folder.At("a.parquet"), table, with: b => With(b, how));
        var content = await File.ReadAllBytesAsync(path);
        // In the middle of the column of doubles, whose bits all mean something.
        var at = content.AsSpan().IndexOf(BitConverter.GetBytes(((DoubleArray)table.Column("amount")).Values.ToArray().First(v => Math.Abs(v) > 1e5)));
        if (how == "snappy") at = content.Length / 3;
        content[at] ^= 1;
        await File.WriteAllBytesAsync(path, content);
        Assert.Contains("a.parquet", (await Assert.ThrowsAsync<DataException>(() => RowsAsync(new ParquetSource(path)))).Message, StringComparison.Ordinal);
    }

    static void With(WriterPropertiesBuilder builder, string how)
    {
        builder.Compression(how == "snappy" ? Compression.Snappy : Compression.Uncompressed);
        if (how != "dictionary") builder.DisableDictionary();
    }

    [Fact]
    public void Damaged_files_without_checksums_never_end_the_process_nor_hang() => OwnProcess.Run(TimeSpan.FromMinutes(10), () => ForeignAsync().GetAwaiter().GetResult());

    async Task ForeignAsync()
    {
        var random = new Random(20130104);
        Action<WriterPropertiesBuilder>[] writers =
        [
            b => b.DisablePageChecksum().Compression(Compression.Uncompressed), b => b.DisablePageChecksum().Compression(Compression.Uncompressed).DisableDictionary(),
            b => b.DisablePageChecksum().Compression(Compression.Snappy), b => b.DisablePageChecksum().Compression(Compression.Zstd),
            b => b.DisablePageChecksum().Compression(Compression.Gzip),
        ];
        var refused = 0;
        for (var i = 0; i < damages; i++)
        {
            var path = folder.At("a.parquet");
            // Written anew, so that all of them are met.
            if (i % 100 == 0) ParquetFixture.Write(path, Table(), rowGroupRows: 400, with: writers[i / 100 % writers.Length]);
            var content = i % 100 == 0 ? await File.ReadAllBytesAsync(path) : whole;
            whole = content;
            await File.WriteAllBytesAsync(path, Corruption.Of(content, random));
            try
            {
                await RowsAsync(new ParquetSource(path));
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, damages / 4, damages);
    }

    byte[] whole = [];
}
