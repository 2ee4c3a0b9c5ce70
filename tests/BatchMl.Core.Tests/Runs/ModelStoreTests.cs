using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Runs;

public sealed class ModelStoreTests : IDisposable
{
    static readonly PartitionKey Key = new("models", "flights/delay", "version", "3");
    readonly TestFolder folder = new();
    ModelStore Store => new(folder.At("models"));

    public void Dispose() => folder.Dispose();

    PartitionManifest Stage(long fence, string weights)
    {
        File.WriteAllText(Path.Combine(Store.BeginStage(Key, fence), "model.txt"), weights);
        return new PartitionManifest(1, Store.CompleteStage(Key, fence, $"digest of {weights}"), "r1", "f1", DateTimeOffset.UnixEpoch);
    }

    string? Visible => File.Exists(Path.Combine(Store.FolderOf(Key.Dataset, Key.Value), "model.txt")) ? File.ReadAllText(Path.Combine(Store.FolderOf(Key.Dataset, Key.Value), "model.txt")) : null;

    [Fact]
    public async Task A_version_appears_whole_and_publishing_again_changes_nothing()
    {
        var manifest = Stage(2, "w2");
        Assert.Null(Visible);
        Assert.False(await Store.IsVisibleAsync(Key, default));
        await Store.PublishAsync(manifest, default);
        await Store.PublishAsync(manifest, default);
        Assert.Equal("w2", Visible);
        Assert.True(await Store.IsVisibleAsync(Key, default));
        Assert.Equivalent(manifest, await Store.ReadManifestAsync(Key, default), strict: true);
        Assert.Equal("w2", File.ReadAllText(Store.PathOf(manifest, Assert.Single(manifest.Partition.Files))));
    }

    [Fact]
    public async Task A_version_of_a_greater_fence_is_never_touched()
    {
        var older = Stage(1, "w1");
        await Store.PublishAsync(Stage(2, "w2"), default);
        await Store.PublishAsync(older, default);
        Assert.Equal("w2", Visible);
        await Store.PublishAsync(Stage(3, "w3"), default);
        Assert.Equal("w3", Visible);
    }

    [Fact]
    public async Task A_crash_between_setting_the_old_version_aside_and_the_rename_is_finished()
    {
        await Store.PublishAsync(Stage(1, "w1"), default);
        var newer = Stage(2, "w2");
        Directory.Move(Store.FolderOf(Key.Dataset, Key.Value), Path.Combine(Store.Root, newer.Partition.Folder + ".replaced"));
        await Store.PublishAsync(newer, default);
        Assert.Equal("w2", Visible);
        await Store.CleanAsync(Key.Dataset, (_, _) => Task.FromResult(false), default);
        Assert.Empty(Directory.GetDirectories(Path.Combine(Store.Root, Key.Dataset, "_staging", "3")));
    }

    [Fact]
    public async Task Only_what_dead_attempts_staged_is_removed()
    {
        Stage(1, "w1");
        var live = Stage(2, "w2");
        await Store.CleanAsync(Key.Dataset, (key, fence) => Task.FromResult(key == Key && fence == 2), default);
        await Store.PublishAsync(live, default);
        Assert.Equal("w2", Visible);
        var gone = await Assert.ThrowsAsync<DataException>(() => Store.PublishAsync(live with { Partition = live.Partition with { Fence = 9, Folder = "flights/delay/_staging/3/9" } }, default));
        Assert.Contains("is gone", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_package_is_refused()
    {
        Store.BeginStage(Key, 1);
        Assert.Throws<DataException>(() => Store.CompleteStage(Key, 1, "d"));
    }
}
