using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using BatchMl.TestSupport;
using static BatchMl.BigQuery.Tests.Sink.SinkFixture;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>Files that whoever stages sends to a real server of Google Cloud Storage's API, and that are loaded from there by their addresses.</summary>
public sealed class CloudStagingTests : IAsyncLifetime
{
    const string Day = "2013-10-01", Other = "2013-10-02", Folder = $"gs://{CloudStorageServer.Bucket}/batch ml";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    sealed class Died(string at) : Exception(at);

    CloudStorageServer storage = null!;

    public async ValueTask InitializeAsync() => storage = await CloudStorageServer.StartAsync();

    Task<SinkFixture> BeginAsync(BigQueryMode mode = BigQueryMode.OverwritePartitions, string folder = Folder) => StartAsync(
        o => Mode(mode)(o) with { Staging = CloudStaging.Parse(folder), StagingEndpoint = new Uri(storage.Url) }, new FakeBigQueryOptions { Storage = storage.Files });

    /// <summary>Files of rows that BigQuery was sent; dead letters always are.</summary>
    static int Sent(SinkFixture at) => at.Uploads - at.Fake.Jobs.Keys.Count(id => id.Contains("dead_letters", StringComparison.Ordinal));

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Whoever_stages_sends_the_file_and_whoever_publishes_loads_it_by_its_address(BigQueryMode mode)
    {
        await using var at = await BeginAsync(mode);
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        var file = manifest.Partition.Files.Single(f => f.Kind == FileKind.Data);
        Assert.Equal($"{Folder}/flight-delays/score/flight_date={Day}/{file.Sha256}.parquet", Assert.Single(storage.Objects));
        Assert.Equal(File.ReadAllBytes(Path.Combine(at.Root, manifest.Partition.Folder, file.Name)), File.ReadAllBytes(storage.PathOf(storage.Objects[0])));
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
        Assert.Equal(0, at.Uploads);
        // What is loaded is not kept.
        Assert.Empty(storage.Objects);
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Wherever_it_dies_the_next_one_finishes_it(BigQueryMode mode)
    {
        var steps = new List<string>();
        int jobs;
        async Task<PartitionManifest> StagedAsync(SinkFixture at)
        {
            await at.PutAsync(Other, Rows(Other, Ids(3)), 1);
            return await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(12, 5), 1, "r2"), 2, deadLetters: 1, run: "r2");
        }
        string[] after = [.. Expected(Day, Ids(12, 5), 1, "r2"), .. Expected(Other, Ids(3))];
        await using (var whole = await BeginAsync(mode))
        {
            var manifest = await StagedAsync(whole);
            await whole.Sink(steps.Add).PublishAsync(manifest, Cancellation);
            Assert.Equal(after, whole.Held());
            jobs = whole.Fake.Jobs.Count;
        }
        Assert.Contains("unstaged", steps);
        for (var step = 0; step < steps.Count; step++)
        {
            await using var at = await BeginAsync(mode);
            var manifest = await StagedAsync(at);
            var reached = 0;
            await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (reached++ == step) throw new Died(s); }).PublishAsync(manifest, Cancellation));
            await at.Sink().PublishAsync(manifest, Cancellation);
            Assert.Equal(after, at.Held());
            Assert.True(jobs == at.Fake.Jobs.Count, $"died at {steps[step]}: {at.Fake.Jobs.Count} jobs; expected {jobs}");
            Assert.Equal(0, Sent(at));
            Assert.Empty(storage.Objects);
        }
    }

    [Fact]
    public async Task An_object_that_is_gone_is_sent_again_and_one_that_is_there_is_not()
    {
        await using var at = await BeginAsync();
        var manifest = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        File.Delete(storage.PathOf(storage.Objects[0]));
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());

        var next = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(11)), 2);
        var written = File.GetLastWriteTimeUtc(storage.PathOf(storage.Objects[0]));
        await at.Sink(s => { if (s == "visible") Assert.Equal(written, File.GetLastWriteTimeUtc(storage.PathOf(storage.Objects[0]))); }).PublishAsync(next, Cancellation);
        Assert.Equal(Expected(Day, Ids(11)), at.Held());
    }

    [Fact]
    public async Task The_bucket_itself_will_do()
    {
        await using var at = await BeginAsync(folder: $"gs://{CloudStorageServer.Bucket}");
        await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        Assert.StartsWith($"gs://{CloudStorageServer.Bucket}/flight-delays/score/flight_date={Day}/", Assert.Single(storage.Objects), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_named_and_nothing_is_staged()
    {
        await using var at = await BeginAsync(folder: "gs://elsewhere/batchml");
        var error = await Assert.ThrowsAsync<BatchMlException>(() => at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1));
        Assert.Contains("gs://elsewhere/batchml/flight-delays/score", error.Message, StringComparison.Ordinal);
        Assert.Contains("bucket of BigQuery:Staging exists", error.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Empty(at.Fake.Jobs);
    }

    [Fact]
    public async Task A_storage_that_does_not_answer_may_be_there_later()
    {
        await using var at = await StartAsync(o => o with { Staging = CloudStaging.Parse(Folder), StagingEndpoint = new Uri("http://127.0.0.1:9/") });
        var error = await Assert.ThrowsAsync<BatchMlException>(() => at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("Google Cloud Storage failed", error.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync() => await storage.DisposeAsync();
}
