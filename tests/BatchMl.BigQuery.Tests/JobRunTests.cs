using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>The same id means the same effect, once: jobs are taken over, and ids of failed ones are passed over.</summary>
public sealed class JobRunTests
{
    const string Insert = "POST /bigquery/v2/projects/test-project/jobs", Upload = "POST /upload";

    [Fact]
    public async Task What_was_done_is_not_done_again()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("once", Load(table), bq.Days(1), Cancellation);

        var again = await bq.Client.Jobs.RunAsync("once", Load(table), bq.Days(1), Cancellation);

        Assert.Equal((true, 1, 1000L), (again.Adopted, again.Attempt, again.Job.Statistics!.Load!.OutputRows));
        Assert.Equal(1000, bq.Count(table));
    }

    [Fact]
    public async Task A_job_that_still_runs_is_waited_for_by_whoever_comes_back()
    {
        await using var bq = await StartAsync(new() { Polls = 5 });
        var table = await bq.TableAsync();
        // A process that asked and was killed.
        await bq.Client.Jobs.InsertAsync(bq.Client.Jobs.Reference("killed_a1", "EU"), Load(table), bq.Days(1), Cancellation);
        Assert.Equal(0, bq.Count(table));

        var run = await bq.Client.Jobs.RunAsync("killed", Load(table), bq.Days(1), Cancellation);

        Assert.Equal((true, 1), (run.Adopted, run.Attempt));
        Assert.Equal(1000, bq.Count(table));
        Assert.Single(bq.Fake.Jobs);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lost_answer_is_asked_for_again_under_the_same_id(bool upload)
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("first", Load(table), bq.Days(1), Cancellation);
        bq.Fake.Faults.Add(new Fault { Match = upload ? Upload : Insert, LoseAnswer = true });

        var run = upload
            ? await bq.Client.Jobs.RunAsync("lost", Load(table), bq.Days(1, from: 1), Cancellation)
            : await bq.Client.Jobs.RunAsync("lost", new() { Copy = new() { SourceTable = table, DestinationTable = bq.Dataset.Table("copy"), WriteDisposition = WriteDisposition.Append } }, cancellation: Cancellation);

        Assert.Equal((true, "lost_a1"), (run.Adopted, run.Job.JobReference!.JobId));
        Assert.Equal(upload ? 2000 : 1000, bq.Count(upload ? table : bq.Dataset.Table("copy")));
        Assert.Equal(2, bq.Fake.Jobs.Count);
    }

    [Theory]
    [InlineData("backendError", false)]
    [InlineData("internalError", false)]
    [InlineData("jobBackendError", false)]
    [InlineData("jobInternalError", false)]
    [InlineData("rateLimitExceeded", false)]
    [InlineData("jobRateLimitExceeded", false)]
    [InlineData("tableUnavailable", false)]
    [InlineData("jobBackendError", true)]
    [InlineData("jobInternalError", true)]
    [InlineData("jobRateLimitExceeded", true)]
    public async Task A_failure_that_may_pass_takes_the_next_id(string reason, bool onInsert)
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        bq.Fake.Faults.Add(new JobFault("day", reason, OnInsert: onInsert));
        bq.Fake.Faults.Add(new JobFault("day", reason, OnInsert: onInsert));

        var run = await bq.Client.Jobs.RunAsync("day", Load(table), bq.Days(1), Cancellation);

        Assert.Equal((3, "day_a3", false), (run.Attempt, run.Job.JobReference!.JobId, run.Adopted));
        Assert.Equal(1000, bq.Count(table));
        Assert.Equal([reason, reason, "DONE"], bq.Fake.Jobs.OrderBy(j => j.Key).Select(j => j.Value));
    }

    [Fact]
    public async Task A_failure_that_may_pass_is_given_up_after_some_jobs_as_transient()
    {
        await using var bq = await StartAsync(options: o => o with { JobAttempts = 3 });
        var table = await bq.TableAsync();
        for (var i = 0; i < 10; i++) bq.Fake.Faults.Add(new JobFault("day", "backendError"));

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("day", Load(table), bq.Days(1), Cancellation));

        Assert.Equal(("backendError", FailureKind.Transient, "day_a3", "EU"), (error.Reason, error.Kind, error.JobId, error.Location));
        Assert.Equal(3, bq.Fake.Jobs.Count);
    }

    [Fact]
    public async Task A_failure_of_ones_own_that_will_not_pass_is_thrown_and_a_later_run_passes_over_its_id()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        bq.Fake.Faults.Add(new JobFault("day", "invalid", "Something is wrong with the table"));
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("day", Load(table), bq.Days(1), Cancellation));
        Assert.Equal(("invalid", FailureKind.Permanent, "day_a1"), (error.Reason, error.Kind, error.JobId));
        Assert.Single(bq.Fake.Jobs);

        // The table was put right since.
        var run = await bq.Client.Jobs.RunAsync("day", Load(table), bq.Days(1), Cancellation);

        Assert.Equal((2, false), (run.Attempt, run.Adopted));
        Assert.Equal(1000, bq.Count(table));
    }

    [Fact]
    public async Task A_job_that_somebody_cancelled_is_an_error_and_a_later_run_does_it_anew()
    {
        await using var bq = await StartAsync(new() { Polls = 3 });
        var table = await bq.TableAsync();
        var reference = bq.Client.Jobs.Reference("day_a1", "EU");
        await bq.Client.Jobs.InsertAsync(reference, Load(table), bq.Days(1), Cancellation);
        await bq.Client.Jobs.CancelAsync(reference, Cancellation);

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.SucceedAsync(reference, Cancellation));
        Assert.Equal("stopped", error.Reason);
        Assert.Contains("It was cancelled", error.Message, StringComparison.Ordinal);

        var run = await bq.Client.Jobs.RunAsync("day", Load(table), bq.Days(1), Cancellation);
        Assert.Equal(2, run.Attempt);
        Assert.Equal(1000, bq.Count(table));
    }

    [Fact]
    public async Task An_id_that_was_made_for_another_table_is_a_defect_and_said()
    {
        await using var bq = await StartAsync();
        var (one, two) = (await bq.TableAsync("one"), await bq.TableAsync("two"));
        await bq.Client.Jobs.RunAsync("same", Load(one), bq.Days(1), Cancellation);

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("same", Load(two), bq.Days(1), Cancellation));

        Assert.Equal(FailureKind.Bug, error.Kind);
        Assert.Equal(0, bq.Count(two));
    }

    [Fact]
    public async Task Jobs_run_where_their_dataset_is_without_being_told()
    {
        await using var bq = await StartAsync(location: "europe-west3");
        var table = await bq.TableAsync();

        var run = await bq.Client.Jobs.RunAsync("far", Load(table), bq.Days(1), Cancellation);

        Assert.Equal("europe-west3", run.Job.JobReference!.Location);
        Assert.True((await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.GetAsync(new(Project, "far_a1"), Cancellation))).IsNotFound);
        await bq.Client.Jobs.RunAsync("farther", Load(table), bq.Days(1), Cancellation);
        Assert.Single(bq.Fake.Requests, r => r.Method == "GET" && r.Path.EndsWith("/datasets/ml", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_job_that_is_not_found_at_once_is_asked_for_again()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        bq.Fake.Faults.Add(new Fault { Match = "GET /bigquery/v2/projects/test-project/jobs/late_a1", Status = 404, Reason = "notFound", Times = 3 });

        await bq.Client.Jobs.RunAsync("late", Load(table), bq.Days(1), Cancellation);

        Assert.Equal(1000, bq.Count(table));
        bq.Fake.Faults.Add(new Fault { Match = "GET /bigquery/v2/projects/test-project/jobs/never_a1", Status = 404, Reason = "notFound", Times = 4 });
        Assert.True((await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("never", Load(table), bq.Days(1), Cancellation))).IsNotFound);
    }

    [Fact]
    public async Task A_file_that_is_gone_is_said_and_not_taken_for_the_network()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var error = await Assert.ThrowsAsync<BatchMlException>(() => bq.Client.Jobs.RunAsync("gone", Load(table), bq.At("none.parquet"), Cancellation));
        Assert.Contains("none.parquet' is not there", error.Message, StringComparison.Ordinal);
        Assert.Empty(bq.Fake.Jobs);
    }

    [Fact]
    public async Task Two_at_a_time_with_the_same_id_do_it_once()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var file = bq.Days(1);

        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => bq.Client.Jobs.RunAsync("race", Load(table), file, Cancellation)));

        Assert.Equal(7, runs.Count(r => r.Adopted));
        Assert.Equal(1000, bq.Count(table));
        Assert.Single(bq.Fake.Jobs);
    }

    [Fact]
    public async Task Waits_between_questions_grow_from_half_a_second_to_ten()
    {
        await using var bq = await StartAsync(new() { Polls = 15 });
        var table = await bq.TableAsync();

        await bq.Client.Jobs.RunAsync("slow", Load(table), bq.Days(1), Cancellation);

        var waits = bq.Time.Waits;
        Assert.Equal(15, waits.Count);
        for (var i = 0; i < waits.Count; i++)
        {
            var about = Math.Min(0.5 * Math.Pow(1.5, i), 10);
            Assert.InRange(waits[i].TotalSeconds, about * 0.75 - 1e-9, about * 1.25 + 1e-9);
        }
    }
}
