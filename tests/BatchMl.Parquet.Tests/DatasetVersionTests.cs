using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Parquet.Tests;

/// <summary>A dataset that is kept by model version: each version stays, and the dataset's name shows what was committed last of each partition.</summary>
public sealed class DatasetVersionTests : IDisposable
{
    static readonly DateTimeOffset start = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);

    readonly TestFolder folder = new();

    sealed class Killed : Exception;

    public void Dispose() => folder.Dispose();

    static RecordBatch Rows(int seed) => TestTable.Select(TestTable.Create(20, seed), "id", "text");

    static async Task<PartitionManifest> StageAsync(ParquetSink sink, string dataset, string day, int seed, int minute, long fence = 1)
    {
        await using var stage = await sink.StageAsync(new PartitionKey(sink.Name, dataset, "day", day), fence, Rows(seed).Schema, default);
        await stage.WriteAsync(Rows(seed), default);
        return new PartitionManifest(1, await stage.CompleteAsync(default), "r", "f", start.AddMinutes(minute));
    }

    async Task PublishAsync(string dataset, string day, int seed, int minute, long fence = 1) => await new ParquetSink(folder.Path).PublishAsync(await StageAsync(new ParquetSink(folder.Path), dataset, day, seed, minute, fence), default);

    string[] Current(string name) => [.. PublishedTable.Read(folder.Path, name)!.Files.Select(f => Path.GetRelativePath(folder.Path, Path.GetDirectoryName(f)!))];

    [Theory]
    [InlineData("churn/score@3", "churn/score", 3)]
    [InlineData("a@1@12", "a@1", 12)]
    [InlineData("churn/score", null, 0)]
    [InlineData("churn@", null, 0)]
    [InlineData("@3", null, 0)]
    [InlineData("churn@03", null, 0)]
    [InlineData("churn@x3", null, 0)]
    [InlineData("churn@-3", null, 0)]
    [InlineData("churn@99999999999", null, 0)]
    public void A_name_says_whose_version_it_is(string name, string? dataset, int version)
    {
        Assert.Equal(dataset is null ? null : new DatasetVersion(dataset, version), DatasetVersion.Of(name));
        if (dataset is not null) Assert.Equal(name, DatasetVersion.Of(name)!.ToString());
    }

    [Fact]
    public async Task Each_partition_is_the_one_that_was_committed_last_whatever_its_version()
    {
        await PublishAsync("d/score@3", "2024-01-01", 1, minute: 1);
        await PublishAsync("d/score@3", "2024-01-02", 2, minute: 2);
        await PublishAsync("d/score@10", "2024-01-02", 3, minute: 3);
        await PublishAsync("d/score@10", "2024-01-03", 4, minute: 4);
        await PublishAsync("d/score@3", "2024-01-03", 5, minute: 5);
        // Committed in one instant: the greater version.
        await PublishAsync("d/score@3", "2024-01-04", 6, minute: 6);
        await PublishAsync("d/score@10", "2024-01-04", 7, minute: 6);
        // What was made before versions were kept.
        await PublishAsync("d/score", "2023-12-31", 8, minute: 0);
        await PublishAsync("d/score", "2024-01-01", 9, minute: 0);
        Assert.Equal(["d/score", "d/score@10", "d/score@3"], PublishedTable.NamesIn(folder.Path));
        Assert.Equal(["d/score", "d/score@3", "d/score@10"], DatasetVersion.NamesIn(folder.Path, "d/score"));
        string[] expected = ["d/score/day=2023-12-31", "d/score@3/day=2024-01-01", "d/score@10/day=2024-01-02", "d/score@3/day=2024-01-03", "d/score@10/day=2024-01-04"];
        Assert.Equal(expected, Current("d/score"));
        Assert.Equal(["d/score@3/day=2024-01-01", "d/score@3/day=2024-01-02", "d/score@3/day=2024-01-03", "d/score@3/day=2024-01-04"], Current("d/score@3"));
        // As a source, whatever folder there is.
        using (var snapshot = await new ParquetSource(folder.At("d/score")).OpenAsync(default)) Assert.Equal(expected, snapshot.Files.Select(f => Path.GetRelativePath(folder.Path, Path.GetDirectoryName(f.Path)!)));
        Directory.Delete(folder.At("d/score"), true);
        using (var snapshot = await new ParquetSource(folder.At("d/score")).OpenAsync(default)) Assert.Equal(expected[1..], snapshot.Files.Select(f => Path.GetRelativePath(folder.Path, Path.GetDirectoryName(f.Path)!)));
    }

    [Fact]
    public async Task Names_that_only_look_alike_are_datasets_of_their_own()
    {
        await PublishAsync("score", "2024-01-01", 1, minute: 1);
        await PublishAsync("score@x", "2024-01-01", 2, minute: 2);
        await PublishAsync("scores@3", "2024-01-01", 3, minute: 3);
        Assert.Equal(["score", "score@x", "scores", "scores@3"], PublishedTable.NamesIn(folder.Path));
        Assert.Equal(["score/day=2024-01-01"], Current("score"));
        Assert.Equal(["score"], DatasetVersion.NamesIn(folder.Path, "score"));
    }

    [Fact]
    public async Task At_every_step_of_a_publication_readers_see_one_version_whole_and_the_other_stays()
    {
        var steps = new List<string>();
        var reference = new ParquetSink(folder.At("reference"), File.Create, steps.Add);
        await reference.PublishAsync(await StageAsync(reference, "d@4", "2024-01-01", 2, minute: 2), default);
        Assert.True(steps.Count > 3);
        foreach (var step in steps)
        {
            var root = folder.At($"killed after {step}");
            var whole = new ParquetSink(root);
            await whole.PublishAsync(await StageAsync(whole, "d@3", "2024-01-01", 1, minute: 1), default);
            var second = await StageAsync(whole, "d@4", "2024-01-01", 2, minute: 2);
            var dying = new ParquetSink(root, File.Create, at =>
            {
                if (at == step) throw new Killed();
            });
            await Assert.ThrowsAsync<Killed>(() => dying.PublishAsync(second, default));
            var seen = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(PublishedTable.Read(root, "d")!.Files.Single())))!;
            // The rename of the manifest is the step that decides.
            Assert.Equal(steps.IndexOf(step) < steps.IndexOf("visible") ? "d@3" : "d@4", seen);
            await whole.PublishAsync(second, default);
            Assert.EndsWith("d@4/day=2024-01-01/part-0000000001-0.parquet", PublishedTable.Read(root, "d")!.Files.Single(), StringComparison.Ordinal);
            Assert.EndsWith("d@3/day=2024-01-01/part-0000000001-0.parquet", PublishedTable.Read(root, "d@3")!.Files.Single(), StringComparison.Ordinal);
        }
    }
}
