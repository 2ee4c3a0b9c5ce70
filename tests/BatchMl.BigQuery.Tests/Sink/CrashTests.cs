using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.Sink.SinkFixture;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>A process that dies between any two steps of a publication, and the one that finishes it: the table is right, and no byte was loaded twice.</summary>
public sealed class CrashTests
{
    const string Day = "2013-10-01", Other = "2013-10-02";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    sealed class Died(string at) : Exception(at);

    static Func<BigQuerySinkOptions, BigQuerySinkOptions> ModeOf(BigQueryMode mode) => Mode(mode);

    /// <summary>Throws at a step, counted from 0.</summary>
    static Action<string> DieAt(int step)
    {
        var reached = 0;
        return at =>
        {
            if (reached++ == step) throw new Died(at);
        };
    }

    static async Task<SinkFixture> BeginAsync(BigQueryMode mode)
    {
        var at = await StartAsync(ModeOf(mode));
        await at.PutAsync(Other, Rows(Other, Ids(3)), 1, deadLetters: 1);
        // What is appended has no version before.
        if (mode != BigQueryMode.Append) await at.PutAsync(Day, Rows(Day, Ids(10)), 1, deadLetters: 2);
        return at;
    }

    static string[] Before(BigQueryMode mode) => mode == BigQueryMode.Append ? [.. Expected(Other, Ids(3))] : [.. Expected(Day, Ids(10)), .. Expected(Other, Ids(3))];

    static string[] After => [.. Expected(Day, Ids(12, 5), 1, "r2"), .. Expected(Other, Ids(3))];

    static async Task<PartitionManifest> StagedAsync(SinkFixture at) => await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(12, 5), 1, "r2"), 2, deadLetters: 1, run: "r2");

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Wherever_it_dies_the_next_one_finishes_it(BigQueryMode mode)
    {
        var steps = new List<string>();
        int uploads, jobs;
        await using (var whole = await BeginAsync(mode))
        {
            await whole.Sink(steps.Add).PublishAsync(await StagedAsync(whole), Cancellation);
            Assert.Equal(After, whole.Held());
            (uploads, jobs) = (whole.Uploads, whole.Fake.Jobs.Count);
        }
        Assert.True(steps.Count > 12, string.Join(", ", steps));
        for (var step = 0; step < steps.Count; step++)
        {
            await using var at = await BeginAsync(mode);
            var manifest = await StagedAsync(at);
            await Assert.ThrowsAsync<Died>(() => at.Sink(DieAt(step)).PublishAsync(manifest, Cancellation));
            // Readers see one version or the other, whole.
            Assert.Contains(string.Join('\n', at.Held()), new[] { string.Join('\n', Before(mode)), string.Join('\n', After) });
            await at.Sink().PublishAsync(manifest, Cancellation);
            Assert.Equal(After, at.Held());
            Assert.Equal(
                ["""2013-10-01|0|score|too "odd"|{"id":0}|m@1|r2""", """2013-10-02|0|score|too "odd"|{"id":0}|m@1|r1"""], at.DeadLetters());
            Assert.True((uploads, jobs) == (at.Uploads, at.Fake.Jobs.Count), $"died at {steps[step]}: {at.Uploads} uploads and {at.Fake.Jobs.Count} jobs; expected {uploads} and {jobs}");
            Assert.All(at.Fake.Jobs, j => Assert.EndsWith("_a1", j.Key, StringComparison.Ordinal));
            Assert.Equal(["scores", "scores_dead_letters"], await at.TablesAsync());
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(at.Root, "_loads")));
            Assert.DoesNotContain(Directory.EnumerateFiles(at.Root, "*", SearchOption.AllDirectories), f => f.Contains("_staging", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task A_job_that_goes_on_alone_is_found_again(BigQueryMode mode)
    {
        await using var at = await BeginAsync(mode);
        var manifest = await StagedAsync(at);
        // It asked for the job and never heard of it again; meanwhile that ended.
        at.Fake.Faults.Add(new Fault { Match = "GET /bigquery/v2/projects/test-project/jobs/", Status = 403, Reason = "accessDenied" });
        await Assert.ThrowsAsync<BigQueryException>(() => at.Sink().PublishAsync(manifest, Cancellation));
        at.Fake.FinishJobs();
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(After, at.Held());
        Assert.All(at.Fake.Jobs, j => Assert.EndsWith("_a1", j.Key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Append)]
    [InlineData(BigQueryMode.Merge)]
    public async Task An_answer_that_is_lost_doubles_nothing(BigQueryMode mode)
    {
        await using var at = await BeginAsync(mode);
        at.Fake.Faults.Add(new Fault { Match = "/upload/", LoseAnswer = true });
        await at.Sink().PublishAsync(await StagedAsync(at), Cancellation);
        Assert.Equal(After, at.Held());
        Assert.All(at.Fake.Jobs, j => Assert.EndsWith("_a1", j.Key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Merge)]
    public async Task A_job_of_an_older_version_that_is_still_under_way_does_not_end_after_the_newer(BigQueryMode mode)
    {
        await using var at = await BeginAsync(mode);
        var older = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(30), 7, "late"), 2);
        at.Fake.Faults.Add(new Fault { Match = "GET /bigquery/v2/projects/test-project/jobs/", Status = 403, Reason = "accessDenied" });
        await Assert.ThrowsAsync<BigQueryException>(() => at.Sink().PublishAsync(older, Cancellation));
        Assert.Contains(at.Fake.Jobs.Values, s => s == "RUNNING");
        var newer = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(12, 5), 1, "r2"), 3);
        await at.Sink().PublishAsync(newer, Cancellation);
        at.Fake.FinishJobs();
        Assert.Equal(After, at.Held());
        // And whoever wakes up with the older one changes nothing.
        await at.Sink().PublishAsync(older, Cancellation);
        Assert.Equal(After, at.Held());
    }

    [Fact]
    public async Task Rows_that_were_appended_and_never_published_are_not_appended_again()
    {
        await using var at = await StartAsync(ModeOf(BigQueryMode.Append));
        var lost = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (s == "loaded") throw new Died(s); }).PublishAsync(lost, Cancellation));
        Directory.Delete(Path.Combine(at.Root, lost.Partition.Folder), recursive: true);
        await Assert.ThrowsAsync<DataException>(() => at.Sink().PublishAsync(lost, Cancellation));
        // The same rows of another run are those that are there.
        await at.PutAsync(Day, Rows(Day, Ids(10), run: "r2"), 2, run: "r2");
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
        Assert.Equal(1, at.Uploads);
    }

    [Fact]
    public async Task Other_rows_than_those_that_were_appended_and_never_published_are_refused()
    {
        await using var at = await StartAsync(ModeOf(BigQueryMode.Append));
        var lost = await at.StageAsync(at.Sink(), Day, Rows(Day, Ids(10)), 1);
        await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (s == "loaded") throw new Died(s); }).PublishAsync(lost, Cancellation));
        var error = await Assert.ThrowsAsync<BatchMlException>(() => at.PutAsync(Day, Rows(Day, Ids(11)), 2));
        Assert.Contains("has a run_id", error.Message, StringComparison.Ordinal);
        Assert.Equal(Expected(Day, Ids(10)), at.Held());
    }

    [Fact]
    public async Task What_was_loaded_into_a_table_that_is_gone_is_loaded_into_the_new_one()
    {
        await using var at = await BeginAsync(BigQueryMode.OverwritePartitions);
        var manifest = await StagedAsync(at);
        await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (s == "loaded") throw new Died(s); }).PublishAsync(manifest, Cancellation));
        await at.Client.Tables.DeleteAsync(at.Table, Cancellation);
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(Expected(Day, Ids(12, 5), 1, "r2"), at.Held());
    }

    [Fact]
    public async Task A_staging_table_that_expired_is_filled_again_and_a_merge_that_was_done_is_not()
    {
        await using var at = await BeginAsync(BigQueryMode.Merge);
        var manifest = await StagedAsync(at);
        await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (s == "staged 0") throw new Died(s); }).PublishAsync(manifest, Cancellation));
        await at.Client.Tables.DeleteAsync(at.Table with { TableId = (await at.TablesAsync()).Single(t => t.Contains("__staging_", StringComparison.Ordinal)) }, Cancellation);
        await Assert.ThrowsAsync<Died>(() => at.Sink(s => { if (s == "committed") throw new Died(s); }).PublishAsync(manifest, Cancellation));
        await at.Client.Tables.DeleteAsync(at.Table with { TableId = (await at.TablesAsync()).Single(t => t.Contains("__staging_", StringComparison.Ordinal)) }, Cancellation);
        var uploads = at.Uploads;
        await at.Sink().PublishAsync(manifest, Cancellation);
        Assert.Equal(After, at.Held());
        // The dead letters alone.
        Assert.Equal(uploads + 1, at.Uploads);
    }
}
