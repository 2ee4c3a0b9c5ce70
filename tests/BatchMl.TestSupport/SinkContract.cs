using System.Security.Cryptography;
using Apache.Arrow;
using BatchMl.Data;
using Xunit;

namespace BatchMl.TestSupport;

/// <summary>What every <see cref="IBatchSink"/> promises.</summary>
public abstract class SinkContract : IDisposable
{
    protected TestFolder Folder { get; } = new();

    protected abstract IBatchSink Sink { get; }

    /// <summary>A sink of the same kind with another root.</summary>
    protected abstract IBatchSink At(string root);

    protected PartitionKey Key => new(Sink.Name, "flight-delays/score", "city", "New York/JFK=1");

    protected static Schema Schema { get; } = new([.. TestTable.Schema.FieldsList, new Field("run_id", Columns.ArrowType(ColumnType.String), true)], null);

    protected static RecordBatch Rows(int rows, int seed = 1, string run = "r1")
    {
        var table = TestTable.Create(rows, seed);
        var ids = new StringArray.Builder();
        for (var i = 0; i < rows; i++) ids.Append(run);
        return new RecordBatch(Schema, [.. table.Arrays, ids.Build()], rows);
    }

    protected static PartitionManifest Manifest(StagedPartition staged) => new(1, staged, "r1", "f1", new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero));

    /// <summary>Stages rows, cut into batches of a size.</summary>
    protected async Task<StagedPartition> StageAsync(RecordBatch rows, long fence, int batchSize = 777, IBatchSink? sink = null, PartitionKey? key = null)
    {
        await using var stage = await (sink ?? Sink).StageAsync(key ?? Key, fence, rows.Schema, default);
        for (var from = 0; from < rows.Length; from += batchSize) await stage.WriteAsync(TestTable.Slice(rows, from, Math.Min(batchSize, rows.Length - from)), default);
        await stage.AddFileAsync(FileKind.DeadLetters, "dead_letters.ndjson", "{}\n{}\n"u8.ToArray(), 2, default);
        await stage.AddFileAsync(FileKind.Profile, "profile.json", "{}"u8.ToArray(), 0, default);
        return await stage.CompleteAsync(default);
    }

    protected async Task<List<string>> ReadAsync(IReadOnlyList<string>? columns = null, PartitionKey? key = null)
    {
        var manifest = await Sink.ReadManifestAsync(key ?? Key, default);
        var rows = new List<string>();
        await foreach (var batch in Sink.ReadAsync(manifest!, columns, default)) rows.AddRange(TestTable.Rows(batch));
        return rows;
    }

    [Fact]
    public async Task Published_rows_come_back_in_order_with_their_manifest()
    {
        var rows = Rows(5000);
        var manifest = Manifest(await StageAsync(rows, 7));
        await Sink.PublishAsync(manifest, default);
        Assert.Equivalent(manifest, await Sink.ReadManifestAsync(Key, default), strict: true);
        Assert.Equal(TestTable.Rows(rows), await ReadAsync());
        Assert.Equal(TestTable.Rows(TestTable.Select(rows, "day", "id")), await ReadAsync(["day", "id"]));
    }

    [Fact]
    public async Task Staged_files_are_described_exactly()
    {
        var staged = await StageAsync(Rows(5000), 7);
        await Sink.PublishAsync(Manifest(staged), default);
        Assert.Equal((5000, 2, 7), (staged.Rows, staged.DeadLetters, staged.Fence));
        Assert.Equal([FileKind.Data, FileKind.DeadLetters, FileKind.Profile], staged.Files.Select(f => f.Kind));
        foreach (var file in staged.Files)
        {
            var content = await File.ReadAllBytesAsync(Sink.PathOf(Manifest(staged), file));
            Assert.Equal((file.Bytes, file.Sha256), (content.Length, Convert.ToHexStringLower(SHA256.HashData(content))));
            Assert.Contains("0000000007", file.Name, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nothing_is_visible_before_publication()
    {
        await StageAsync(Rows(10), 1);
        Assert.Null(await Sink.ReadManifestAsync(Key, default));
    }

    [Fact]
    public async Task Publishing_twice_is_publishing_once()
    {
        var rows = Rows(1000);
        var manifest = Manifest(await StageAsync(rows, 3));
        await Sink.PublishAsync(manifest, default);
        await Sink.PublishAsync(manifest, default);
        Assert.Equal(TestTable.Rows(rows), await ReadAsync());
    }

    [Fact]
    public async Task The_greater_fence_counts_whichever_is_published_last()
    {
        var (older, newer) = (Manifest(await StageAsync(Rows(100), 3)), Manifest(await StageAsync(Rows(90, 2), 4)));
        await Sink.PublishAsync(older, default);
        await Sink.PublishAsync(newer, default);
        await Sink.PublishAsync(older, default);
        Assert.Equal(4, (await Sink.ReadManifestAsync(Key, default))!.Partition.Fence);
        Assert.Equal(TestTable.Rows(Rows(90, 2)), await ReadAsync());
        Assert.All(older.Partition.Files, f => Assert.False(File.Exists(Sink.PathOf(older, f))));
    }

    [Fact]
    public async Task An_older_attempt_that_was_overtaken_changes_nothing()
    {
        var (older, newer) = (Manifest(await StageAsync(Rows(100), 3)), Manifest(await StageAsync(Rows(90, 2), 4)));
        await Sink.PublishAsync(newer, default);
        await Sink.PublishAsync(older, default);
        Assert.Equal(TestTable.Rows(Rows(90, 2)), await ReadAsync());
    }

    [Fact]
    public async Task An_abandoned_stage_leaves_nothing()
    {
        var stage = await Sink.StageAsync(Key, 1, Schema, default);
        await stage.WriteAsync(Rows(100), default);
        await stage.DisposeAsync();
        Assert.Empty(Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task The_digest_follows_content_and_order_but_neither_batches_nor_run()
    {
        var digest = (await StageAsync(Rows(3000), 1)).ContentDigest;
        Assert.Equal(digest, (await StageAsync(Rows(3000, run: "another"), 2, batchSize: 1)).ContentDigest);
        Assert.NotEqual(digest, (await StageAsync(Rows(2999), 3)).ContentDigest);
        Assert.NotEqual(digest, (await StageAsync(Rows(3000, 2), 4)).ContentDigest);
        var reversed = Enumerable.Range(0, 3000).Reverse().ToArray();
        Assert.NotEqual(digest, (await StageAsync(new RecordBatch(Schema, Rows(3000).Arrays.Select(a => Columns.Take(a, reversed)), 3000), 5)).ContentDigest);
    }

    [Fact]
    public async Task An_empty_partition_is_a_partition()
    {
        await Sink.PublishAsync(Manifest(await StageAsync(Rows(0), 1)), default);
        Assert.Empty(await ReadAsync());
        Assert.Equal(0, (await Sink.ReadManifestAsync(Key, default))!.Partition.Rows);
    }

    [Fact]
    public async Task Cleaning_removes_the_staging_of_dead_attempts_only()
    {
        var (dead, live) = (await StageAsync(Rows(10), 1), await StageAsync(Rows(20), 2));
        var asked = new List<(PartitionKey, long)>();
        await Sink.CleanAsync(Key.Dataset, (key, fence) =>
        {
            asked.Add((key, fence));
            return Task.FromResult(fence == live.Fence);
        }, default);
        Assert.Equal([(Key, 1), (Key, 2)], asked.OrderBy(a => a.Item2));
        await Sink.PublishAsync(Manifest(live), default);
        Assert.Equal(20, (await ReadAsync()).Count);
        await Assert.ThrowsAsync<DataException>(() => Sink.PublishAsync(Manifest(dead with { Fence = 3 }), default));
    }

    [Fact]
    public async Task What_another_process_staged_is_adopted_as_if_it_had_been_staged_here()
    {
        var (rows, root) = (Rows(3000), Folder.At("elsewhere"));
        var reference = await StageAsync(rows, 4);
        // An attempt of the same fence that was given up half-way.
        await StageAsync(Rows(10), 5);
        var staged = await StageAsync(rows, 5, sink: At(root));
        await Sink.AdoptAsync(staged, root, default);
        await Sink.PublishAsync(Manifest(staged), default);
        Assert.Equal(TestTable.Rows(rows), await ReadAsync());
        Assert.Equal(reference.ContentDigest, staged.ContentDigest);
        Assert.Empty(Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_is_not_there_is_not_adopted()
    {
        var root = Folder.At("elsewhere");
        var staged = await StageAsync(Rows(100), 5, sink: At(root));
        File.Delete(Path.Combine(root, staged.Folder, staged.Files[1].Name));
        var error = await Assert.ThrowsAsync<DataException>(() => Sink.AdoptAsync(staged, root, default));
        Assert.Contains(staged.Files[1].Name, error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DataException>(() => Sink.PublishAsync(Manifest(staged), default));
    }

    [Fact]
    public async Task A_batch_of_another_schema_is_a_bug()
    {
        await using var stage = await Sink.StageAsync(Key, 1, Schema, default);
        var error = await Assert.ThrowsAsync<BatchMlException>(() => stage.WriteAsync(TestTable.Create(3), default));
        Assert.Equal(FailureKind.Bug, error.Kind);
    }

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
