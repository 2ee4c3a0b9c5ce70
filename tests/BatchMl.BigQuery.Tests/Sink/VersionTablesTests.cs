using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.Sink.SinkFixture;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>Scores that are kept by model version: a table for each, and the sink's own table has of each partition the version that was committed last, whatever happens on the way.</summary>
public sealed class VersionTablesTests
{
    const string Day = "2013-10-01", Other = "2013-10-02", Name = "flight-delays/score";

    static readonly DateTimeOffset start = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    sealed class Died(string at) : Exception(at);

    static Action<string> DieAt(Func<int, string, bool> isStep)
    {
        var reached = 0;
        return at =>
        {
            if (isStep(reached++, at)) throw new Died(at);
        };
    }

    // What a version stages, committed so many minutes after the start. A score says whose it is.
    static Task<PartitionManifest> StageAsync(SinkFixture at, int version, int minutes, string day = Day, long fence = 1, int deadLetters = 0)
    {
        (at.Dataset, at.CommittedAt) = (version == 0 ? Name : $"{Name}@{version}", start.AddMinutes(minutes));
        return at.StageAsync(at.Sink(), day, Rows(day, Ids(4 + version), version, $"r{version}"), fence, deadLetters, $"r{version}");
    }

    static async Task PutAsync(SinkFixture at, int version, int minutes, string day = Day, long fence = 1, int deadLetters = 0) =>
        await at.Sink().PublishAsync(await StageAsync(at, version, minutes, day, fence, deadLetters), Cancellation);

    static IEnumerable<string> Of(int version, string day = Day) => Expected(day, Ids(4 + version), version, $"r{version}");

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Each_version_has_its_table_and_the_sinks_own_has_what_was_committed_last(BigQueryMode mode)
    {
        await using var at = await StartAsync(Mode(mode));
        await PutAsync(at, 1, 0);
        await PutAsync(at, 1, 0, Other);
        await PutAsync(at, 2, 1);
        Assert.Equal([.. Of(1), .. Of(1, Other)], at.Held("scores__v1"));
        Assert.Equal(Of(2), at.Held("scores__v2"));
        Assert.Equal([.. Of(2), .. Of(1, Other)], at.Held());
        Assert.Equal(["scores", "scores__v1", "scores__v2"], await at.TablesAsync());
        // Back to version 1 there.
        await PutAsync(at, 1, 2, fence: 2);
        Assert.Equal([.. Of(1), .. Of(1, Other)], at.Held());
        Assert.Equal(Of(2), at.Held("scores__v2"));
        // A version that was committed before what is there comes late: it is in its own table.
        await PutAsync(at, 3, 1);
        Assert.Equal([.. Of(1), .. Of(1, Other)], at.Held());
        Assert.Equal(Of(3), at.Held("scores__v3"));
        Assert.Equal("test-project.ml.scores__v3", at.Sink().LineageNameOf($"{Name}@3").Name);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(at.Root, "_loads")));
    }

    [Fact]
    public async Task Versions_may_be_kept_from_a_day_on_and_no_longer_kept()
    {
        await using var at = await StartAsync();
        await PutAsync(at, 0, 0, deadLetters: 1);
        await PutAsync(at, 0, 0, Other);
        // Committed without versions, and not published for as long as it took to turn them on.
        var late = await StageAsync(at, 0, 1, fence: 2);
        await PutAsync(at, 1, 2);
        Assert.Equal([.. Of(1), .. Of(0, Other)], at.Held());
        Assert.Empty(at.DeadLetters());
        await at.Sink().PublishAsync(late, Cancellation);
        Assert.Equal([.. Of(1), .. Of(0, Other)], at.Held());
        // Off again.
        await PutAsync(at, 0, 3, fence: 3);
        Assert.Equal([.. Of(0), .. Of(0, Other)], at.Held());
        Assert.Equal(Of(1), at.Held("scores__v1"));
    }

    [Theory]
    [InlineData(BigQueryMode.OverwritePartitions)]
    [InlineData(BigQueryMode.Merge)]
    public async Task Wherever_it_dies_the_next_one_finishes_it(BigQueryMode mode)
    {
        string[] before = [.. Of(1), .. Of(1, Other)], after = [.. Of(2), .. Of(1, Other)];
        async Task<SinkFixture> BeginAsync()
        {
            var begun = await StartAsync(Mode(mode));
            await PutAsync(begun, 1, 0, deadLetters: 2);
            await PutAsync(begun, 1, 0, Other, deadLetters: 1);
            return begun;
        }
        var steps = new List<string>();
        int uploads, jobs;
        await using (var whole = await BeginAsync())
        {
            await whole.Sink(steps.Add).PublishAsync(await StageAsync(whole, 2, 1, deadLetters: 1), Cancellation);
            (uploads, jobs) = (whole.Uploads, whole.Fake.Jobs.Count);
        }
        Assert.True(steps.Count > 20, string.Join(", ", steps));
        for (var step = 0; step < steps.Count; step++)
        {
            await using var at = await BeginAsync();
            var manifest = await StageAsync(at, 2, 1, deadLetters: 1);
            await Assert.ThrowsAsync<Died>(() => at.Sink(DieAt((n, _) => n == step)).PublishAsync(manifest, Cancellation));
            // Readers see one version or the other, whole.
            Assert.Contains(string.Join('\n', at.Held()), new[] { string.Join('\n', before), string.Join('\n', after) });
            Assert.Equal(before, at.Held("scores__v1"));
            await at.Sink().PublishAsync(manifest, Cancellation);
            Assert.Equal(after, at.Held());
            Assert.Equal(before, at.Held("scores__v1"));
            Assert.Equal(Of(2), at.Held("scores__v2"));
            Assert.Equal(["""2013-10-01|0|score|too "odd"|{"id":0}|m@1|r2""", """2013-10-02|0|score|too "odd"|{"id":0}|m@1|r1"""], at.DeadLetters());
            Assert.Equal(["""2013-10-01|0|score|too "odd"|{"id":0}|m@1|r2"""], at.DeadLetters("scores__v2_dead_letters"));
            Assert.Equal(3, at.DeadLetters("scores__v1_dead_letters").Count);
            Assert.True((uploads, jobs) == (at.Uploads, at.Fake.Jobs.Count), $"died at {steps[step]}: {at.Uploads} uploads and {at.Fake.Jobs.Count} jobs; expected {uploads} and {jobs}");
            Assert.All(at.Fake.Jobs, j => Assert.EndsWith("_a1", j.Key, StringComparison.Ordinal));
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(at.Root, "_loads")));
            Assert.DoesNotContain(Directory.EnumerateFiles(at.Root, "*", SearchOption.AllDirectories), f => f.Contains("_staging", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_died_with_its_rows_in_the_table_comes_before_what_was_committed_earlier_and_behind_what_was_later(bool isLater)
    {
        await using var at = await StartAsync();
        await PutAsync(at, 1, 0);
        var dead = await StageAsync(at, 2, 2);
        // The second time that rows are in a table: the one of what is current.
        var loads = 0;
        await Assert.ThrowsAsync<Died>(() => at.Sink(DieAt((_, s) => s == "loaded" && ++loads == 2)).PublishAsync(dead, Cancellation));
        Assert.Equal(Of(2), at.Held());
        await PutAsync(at, 3, isLater ? 3 : 1);
        Assert.Equal(Of(isLater ? 3 : 2), at.Held());
        await at.Sink().PublishAsync(dead, Cancellation);
        Assert.Equal(Of(isLater ? 3 : 2), at.Held());
        Assert.Equal(Of(2), at.Held("scores__v2"));
        Assert.Equal(Of(3), at.Held("scores__v3"));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(at.Root, "_loads")));
    }

    [Fact]
    public async Task A_load_of_another_version_that_is_still_under_way_does_not_end_after_the_one_that_is_current()
    {
        await using var at = await StartAsync();
        var first = await StageAsync(at, 1, 0);
        var tables = 0;
        var sink = at.Sink(s =>
        {
            if (s == "table" && ++tables == 2) at.Fake.Faults.Add(new Fault { Match = "GET /bigquery/v2/projects/test-project/jobs/", Status = 403, Reason = "accessDenied" });
        });
        await Assert.ThrowsAsync<BigQueryException>(() => sink.PublishAsync(first, Cancellation));
        Assert.Contains(at.Fake.Jobs.Values, s => s == "RUNNING");
        await PutAsync(at, 2, 1);
        at.Fake.FinishJobs();
        Assert.Equal(Of(2), at.Held());
        await at.Sink().PublishAsync(first, Cancellation);
        Assert.Equal(Of(2), at.Held());
        Assert.Equal(Of(1), at.Held("scores__v1"));
    }

    [Fact]
    public async Task What_a_plan_says_and_what_it_refuses()
    {
        await using var at = await StartAsync();
        at.Dataset = $"{Name}@4";
        var planned = new PlannedOutput(at.Dataset, SinkFixture.Schema, "flight_date", [new(at.Key(Day), 10)]);
        var lines = await at.Sink().CheckAsync(planned, Cancellation);
        Assert.StartsWith("test-project.ml.scores__v4 in EU, mode overwrite_partitions", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, l => l.StartsWith("test-project.ml.scores in EU", StringComparison.Ordinal));
        var appending = at.Sink(more: o => o with { Mode = BigQueryMode.Append });
        Assert.Contains("SideBySide", (await Assert.ThrowsAsync<DefinitionException>(() => appending.CheckAsync(planned, Cancellation))).Message, StringComparison.Ordinal);

        // A table of that name that is another job's, and the other way round.
        (at.Dataset, var other) = ("other/job", at.Sink(more: o => o with { Table = at.Table with { TableId = "scores__v4" } }, root: at.Root + "-other"));
        await using (var stage = await other.StageAsync(new PartitionKey(other.Name, at.Dataset, "flight_date", Day), 1, SinkFixture.Schema, Cancellation))
        {
            await stage.WriteAsync(Rows(Day, Ids(3)), Cancellation);
            await other.PublishAsync(new PartitionManifest(1, await stage.CompleteAsync(Cancellation), "r", "f", start), Cancellation);
        }
        Assert.Contains("is of other_job, by its label batchml_job; expected one of flight-delays_score_4", (await Assert.ThrowsAsync<DefinitionException>(() => at.Sink().CheckAsync(planned, Cancellation))).Message, StringComparison.Ordinal);
        var refused = await StageAsync(at, 4, 0);
        await Assert.ThrowsAsync<DefinitionException>(() => at.Sink().PublishAsync(refused, Cancellation));
        Assert.Equal(Expected(Day, Ids(3)), at.Held("scores__v4"));
        Assert.Equal(["scores__v4"], await at.TablesAsync());
    }
}
