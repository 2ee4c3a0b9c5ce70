using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Parquet.Tests;

/// <summary>A process that dies in the middle of a publication, at every step, and another that publishes again.</summary>
public sealed class PublicationTests : IDisposable
{
    static readonly PartitionKey key = new("parquet", "d", "day", "2013-10-01");

    readonly TestFolder folder = new();

    sealed class Killed : Exception;

    static PartitionManifest Manifest(StagedPartition staged) => new(1, staged, $"r{staged.Fence}", "f", new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero));

    static RecordBatch Rows(int seed) => TestTable.Select(TestTable.Create(100, seed), "id", "text", "amount");

    static async Task<PartitionManifest> StageAsync(ParquetSink sink, int seed, long fence)
    {
        await using var stage = await sink.StageAsync(key, fence, Rows(seed).Schema, default);
        await stage.WriteAsync(Rows(seed), default);
        await stage.AddFileAsync(FileKind.Profile, "profile.json", "{}"u8.ToArray(), 0, default);
        return Manifest(await stage.CompleteAsync(default));
    }

    static async Task<List<string>> VisibleAsync(ParquetSink sink)
    {
        var manifest = await sink.ReadManifestAsync(key, default);
        var rows = new List<string>();
        await foreach (var batch in sink.ReadAsync(manifest!, null, default)) rows.AddRange(TestTable.Rows(batch));
        return rows;
    }

    static string[] FilesBelow(string root) => [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task A_publication_that_died_anywhere_is_finished_by_the_next()
    {
        var steps = new List<string>();
        var reference = folder.At("reference");
        var sink = new ParquetSink(reference, File.Create, steps.Add);
        await sink.PublishAsync(await StageAsync(sink, 1, 1), default);
        steps.Clear();
        await sink.PublishAsync(await StageAsync(sink, 2, 2), default);
        Assert.Equal(6, steps.Count);

        foreach (var step in steps)
        {
            var root = folder.At($"killed after {step}");
            var whole = new ParquetSink(root);
            await whole.PublishAsync(await StageAsync(whole, 1, 1), default);
            var second = await StageAsync(whole, 2, 2);
            var dying = new ParquetSink(root, File.Create, at =>
            {
                if (at == step) throw new Killed();
            });
            await Assert.ThrowsAsync<Killed>(() => dying.PublishAsync(second, default));
            // In between readers see the old version or the new one, whole.
            var seen = await VisibleAsync(whole);
            Assert.True(seen.SequenceEqual(TestTable.Rows(Rows(1))) || seen.SequenceEqual(TestTable.Rows(Rows(2))), step);
            await whole.PublishAsync(second, default);
            Assert.Equal(TestTable.Rows(Rows(2)), await VisibleAsync(whole));
            Assert.Equal(FilesBelow(reference), FilesBelow(root));
        }
    }

    [Fact]
    public async Task A_publication_that_died_is_overtaken_by_a_greater_fence()
    {
        var sink = new ParquetSink(folder.Path);
        foreach (var step in new[] { "moved", "visible" })
        {
            var dying = new ParquetSink(folder.Path, File.Create, at =>
            {
                if (at == step) throw new Killed();
            });
            var fence = step == "moved" ? 1 : 3;
            var dead = await StageAsync(sink, 1, fence);
            await Assert.ThrowsAsync<Killed>(() => dying.PublishAsync(dead, default));
            await sink.PublishAsync(await StageAsync(sink, 2, fence + 1), default);
            await sink.PublishAsync(dead, default);
            Assert.Equal(TestTable.Rows(Rows(2)), await VisibleAsync(sink));
            Assert.Single(FilesBelow(folder.At("d")), f => f.EndsWith(".parquet", StringComparison.Ordinal) && !f.StartsWith("_staging", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Files_that_are_gone_are_named_and_nothing_changes()
    {
        var sink = new ParquetSink(folder.Path);
        var first = await StageAsync(sink, 1, 1);
        await sink.PublishAsync(first, default);
        var second = await StageAsync(sink, 2, 2);
        File.Delete(folder.At(second.Partition.Folder, second.Partition.Files[1].Name));
        var error = await Assert.ThrowsAsync<DataException>(() => sink.PublishAsync(second, default));
        Assert.Contains(second.Partition.Files[1].Name, error.Message, StringComparison.Ordinal);
        Assert.Equal(TestTable.Rows(Rows(1)), await VisibleAsync(sink));
    }

    [Fact]
    public async Task Files_of_other_people_are_left_alone()
    {
        var sink = new ParquetSink(folder.Path);
        await sink.PublishAsync(await StageAsync(sink, 1, 1), default);
        string[] others = ["README.md", "_notes.txt", "part-x.parquet", "part-0000000009-0.parquet"];
        foreach (var name in others) await File.WriteAllTextAsync(folder.At("d/day=2013-10-01", name), "theirs");
        await sink.PublishAsync(await StageAsync(sink, 2, 2), default);
        Assert.All(others, name => Assert.True(File.Exists(folder.At("d/day=2013-10-01", name)), name));
    }

    public void Dispose() => folder.Dispose();
}
