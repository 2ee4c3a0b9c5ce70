using System.IO.Compression;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.DuckDb.Tests;

public sealed class TextSourceTests : IDisposable
{
    readonly TestFolder folder = new();

    static async Task<List<string>> ReadAsync(IBatchSource source)
    {
        using var snapshot = await source.OpenAsync(default);
        var rows = new List<string>();
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest([.. snapshot.Schema.FieldsList.Select(f => f.Name)]), default)) rows.AddRange(TestTable.Rows(batch.Batch));
        return rows;
    }

    string Write(string name, string content)
    {
        File.WriteAllText(folder.At(name), content);
        return folder.At(name);
    }

    [Fact]
    public async Task A_bad_value_in_CSV_is_told_with_file_line_and_column()
    {
        var path = Write("a.csv", "id,text\n" + string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i},x\n")) + "oops,x\n");
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new CsvSource(path)));
        foreach (var expected in new[] { path, "Line: 30002", "\"id\"", "oops", "Types" }) Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("/fd/", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_with_too_many_fields_is_told()
    {
        var path = Write("a.csv", "id,text\n" + string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i},x\n")) + "7,x,y\n");
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new CsvSource(path)));
        Assert.Contains("30002", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Given_types_win_over_guessed_ones()
    {
        var path = Write("a.csv", "zip,n\n01234,1\n98765,2\n");
        Assert.Equal(["01234 | 1", "98765 | 2"], await ReadAsync(new CsvSource(path, new Dictionary<string, string> { ["zip"] = "VARCHAR" })));
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new CsvSource(path, new Dictionary<string, string> { ["nope"] = "VARCHAR" })));
        Assert.Contains("'nope'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quotes_that_appear_late_are_quotes()
    {
        var path = Write("a.csv", "id,text\n" + string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i},x\n")) + "30000,\"a,\"\"b\"\"\"\n");
        Assert.Equal("30000 | a,\"b\"", (await ReadAsync(new CsvSource(path)))[^1]);
    }

    [Fact]
    public async Task Differing_columns_of_files_are_reported_at_once()
    {
        Write("a.csv", "id,x,y\n1,2,3\n");
        Write("b.csv", "id,x\n1,2\n");
        Write("c.csv", "id,x,y,z\n1,2,3,4\n");
        var message = (await Assert.ThrowsAsync<DataException>(() => ReadAsync(new CsvSource(folder.Path)))).Message;
        Assert.Contains("b.csv has no column 'y'", message, StringComparison.Ordinal);
        Assert.Contains("c.csv has a column 'z'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_JSON_is_told_with_its_file_and_place()
    {
        var path = Write("a.json", "{\"id\": 1}\n{\"id\": 2\n");
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(new JsonSource(path)));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("line", error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("/fd/", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_JSON_array_and_packed_files_are_read_too()
    {
        Assert.Equal(["1 | a", "2 | ∅"], await ReadAsync(new JsonSource(Write("a.json", "[{\"id\": 1, \"t\": \"a\"}, {\"id\": 2}]"))));
        await using (var packed = new GZipStream(File.Create(folder.At("b.csv.gz")), CompressionLevel.Fastest)) await packed.WriteAsync("id,t\n7,x\n"u8.ToArray());
        Assert.Equal(["7 | x"], await ReadAsync(new CsvSource(folder.At("*.csv.gz"))));
    }

    [Fact]
    public async Task Nested_JSON_passes_through() =>
        Assert.Equal(["1 | [1, [2, 3]]"], await ReadAsync(new JsonSource(Write("a.json", "{\"id\": 1, \"n\": {\"x\": 1, \"list\": [2, 3]}}\n"))));

    [Fact]
    public async Task An_empty_CSV_is_told()
    {
        var path = Write("a.csv", "");
        Assert.Contains(path, (await Assert.ThrowsAsync<DataException>(() => ReadAsync(new CsvSource(path)))).Message, StringComparison.Ordinal);
        Assert.Empty(await ReadAsync(new CsvSource(Write("b.csv", "id,t\n"))));
    }

    [Fact]
    public async Task The_identity_follows_the_given_types()
    {
        var path = Write("a.csv", "id\n1\n");
        using var guessed = await new CsvSource(path).OpenAsync(default);
        using var given = await new CsvSource(path, new Dictionary<string, string> { ["id"] = "VARCHAR" }).OpenAsync(default);
        Assert.NotEqual(guessed.Files[0].Digest, given.Files[0].Digest);
    }

    public void Dispose() => folder.Dispose();
}
