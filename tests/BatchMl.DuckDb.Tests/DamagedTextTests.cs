using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.DuckDb.Tests;

/// <summary>Hundreds of damaged CSV and JSON files, plain and packed: other rows or a clear error, never the end of the process. Texts carry no checksum: a changed digit is another number. <c>BATCHML_SOAK=1</c>: forty times as many.</summary>
public sealed class DamagedTextTests : IDisposable
{
    static readonly int damages = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 8_000 : 200;

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Damaged_CSV_never_ends_the_process() => OwnProcess.Run(TimeSpan.FromMinutes(10), () => DamageAsync("csv").GetAwaiter().GetResult());

    [Fact]
    public void Damaged_JSON_never_ends_the_process() => OwnProcess.Run(TimeSpan.FromMinutes(10), () => DamageAsync("json").GetAwaiter().GetResult());

    async Task DamageAsync(string format)
    {
        var path = folder.At($"a.{format}");
        var table = TestTable.Create(120);
        var content = await File.ReadAllBytesAsync(format == "csv" ? TextFixture.Csv(path, table) : TextFixture.Json(path, table));
        var packed = new MemoryStream();
        await using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true)) await gzip.WriteAsync(content);
        var random = new Random(20130106);
        var (refused, read) = (0, 0);
        for (var i = 0; i < damages; i++)
        {
            var isPacked = i % 3 == 0;
            var at = isPacked ? path + ".gz" : path;
            await File.WriteAllBytesAsync(at, Corruption.Of(isPacked ? packed.ToArray() : content, random));
            try
            {
                using var snapshot = await (format == "csv" ? (IBatchSource)new CsvSource(at) : new JsonSource(at)).OpenAsync(default);
                await foreach (var batch in snapshot.ReadAsync(new ScanRequest([.. snapshot.Schema.FieldsList.Select(f => f.Name)]), default))
                    using (batch) TestTable.Rows(batch.Batch);
                read++;
            }
            catch (DataException e)
            {
                Assert.Contains(at, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.True(refused > damages / 10 && read > damages / 10, $"{refused} refused, {read} read of {damages}");
    }
}
