using System.Buffers.Binary;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Parquet.Tests;

public sealed class CorruptFileTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly string path;
    readonly byte[] whole;
    readonly List<string> expected;

    public CorruptFileTests()
    {
        var table = TestTable.Create(2000);
        path = ParquetFixture.Write(folder.At("a.parquet"), table, rowGroupRows: 700);
        whole = File.ReadAllBytes(path);
        expected = TestTable.Rows(table);
    }

    static async Task<List<string>> ReadAsync(string path)
    {
        using var snapshot = await new ParquetSource(path).OpenAsync(default);
        var rows = new List<string>();
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest([.. snapshot.Schema.FieldsList.Select(f => f.Name)], BatchSize: 500), default))
        {
            using (batch) rows.AddRange(TestTable.Rows(batch.Batch));
        }
        return rows;
    }

    async Task<DataException> Broken(byte[] content)
    {
        await File.WriteAllBytesAsync(path, content);
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        return error;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(11)]
    public async Task An_empty_or_tiny_file_is_not_a_Parquet_file(int bytes) =>
        Assert.Contains("not a Parquet file", (await Broken(whole[..bytes])).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_text_file_is_not_a_Parquet_file() =>
        Assert.Contains("not a Parquet file", (await Broken("id,text\n1,a\n2,b\n3,c\n"u8.ToArray())).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_file_that_was_cut_off_is_told_from_its_end()
    {
        foreach (var bytes in new[] { 100, whole.Length / 2, whole.Length - 1 }) Assert.Contains("cut off", (await Broken(whole[..bytes])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_footer_longer_than_the_file_is_told_before_it_is_read()
    {
        var content = whole.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(content.Length - 8), int.MaxValue);
        Assert.Contains("corrupt footer", (await Broken(content)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_its_middle_cut_out_is_an_error() => await Broken([.. whole[..500], .. whole[1500..]]);

    [Fact]
    public async Task A_flipped_byte_in_the_data_is_found_or_harmless()
    {
        var body = whole.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(whole.Length - 8));
        var found = await FlipAsync(400, random => random.Next(4, body), rows => Assert.Equal(expected, rows));
        Assert.InRange(found, 300, 400);
    }

    [Fact]
    public async Task A_flipped_byte_in_the_footer_never_crashes()
    {
        var body = whole.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(whole.Length - 8));
        // The format has no checksum of the footer: a changed name or statistic reads as such. Rows can not get lost.
        await FlipAsync(400, random => random.Next(body, whole.Length - 8), _ => { });
    }

    async Task<int> FlipAsync(int flips, Func<Random, int> where, Action<List<string>> check)
    {
        var random = new Random(20130101);
        var found = 0;
        for (var i = 0; i < flips; i++)
        {
            var content = whole.ToArray();
            content[where(random)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(path, content);
            try
            {
                check(await ReadAsync(path));
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message, StringComparison.Ordinal);
                found++;
            }
        }
        return found;
    }

    public void Dispose() => folder.Dispose();
}
