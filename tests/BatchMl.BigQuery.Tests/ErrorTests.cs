using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Errors say what happened, where, and what to do.</summary>
public sealed class ErrorTests
{
    [Fact]
    public async Task A_project_that_one_may_not_use_is_named_with_the_rights_that_are_missing()
    {
        await using var bq = await StartAsync(new() { Projects = [Project] }, o => o with { BillingProject = "other-project" });
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("x", new() { Query = new() { Query = "SELECT 1" } }, cancellation: Cancellation));
        Assert.Equal(("accessDenied", 403, FailureKind.Permanent), (error.Reason, error.Status, error.Kind));
        Assert.Contains("run jobs in 'other-project' (BigQuery Job User)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_dataset_in_another_location_is_named_with_its_location(bool upload)
    {
        await using var bq = await StartAsync(options: o => o with { Location = "US" });
        var table = await bq.TableAsync();

        var error = await Assert.ThrowsAsync<BigQueryException>(() => upload
            ? bq.Client.Jobs.RunAsync("x", Load(table), bq.Days(1), Cancellation)
            : bq.Client.Jobs.RunAsync("x", new() { Query = new() { Query = "SELECT id FROM scores", DefaultDataset = bq.Dataset } }, cancellation: Cancellation));

        Assert.Equal(("notFound", "US", "x_a1"), (error.Reason, error.Location, error.JobId));
        Assert.Contains("Dataset test-project:ml is in 'EU'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Set the location of BigQuery to 'EU'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_fails_for_the_location_is_explained_too()
    {
        await using var bq = await StartAsync(options: o => o with { Location = "EU" });
        var table = await bq.TableAsync();
        // BigQuery may also say so as the error of the job.
        bq.Fake.Faults.Add(new JobFault("x", "notFound", "Not found: Dataset test-project:ml was not found in location EU"));
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("x", Load(table), bq.Days(1), Cancellation));
        Assert.True(error.IsNotFound);
        Assert.Contains("the location ('EU')", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_used_up_quota_says_how_long_to_wait()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        bq.Fake.Quotas.PartitionModificationsPerTable = 1;
        await bq.Client.Jobs.RunAsync("one", Load(table), bq.Days(1), Cancellation);

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("two", Load(table), bq.Days(1), Cancellation));

        Assert.Equal(("quotaExceeded", FailureKind.Permanent), (error.Reason, error.Kind));
        Assert.Contains("wait ten minutes at least", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, bq.Fake.Quotas.Modifications("ml", "scores"));
        Assert.Equal(1000, bq.Count(table));
    }

    [Fact]
    public async Task Updates_of_a_table_that_come_too_fast_are_repeated_until_they_may()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Tables.DeleteAsync(table, Cancellation);
        await bq.Client.Tables.InsertAsync(new() { TableReference = table, Schema = DaySchema }, Cancellation);
        bq.Fake.Quotas.LimitMetadataUpdates = true;

        // Five in ten seconds pass, of tables without partitions.
        for (var i = 0; i < 12; i++) await bq.Client.Tables.PatchAsync(table, new() { ["description"] = $"d{i}" }, cancellation: Cancellation);

        Assert.Equal("d11", (await bq.Client.Tables.GetAsync(table, null, Cancellation)).Description);
        Assert.True(bq.Time.Waits.Sum(w => w.TotalSeconds) >= 20 - 5, $"{bq.Time.Waits.Sum(w => w.TotalSeconds)} s");
        Assert.Equal(bq.Time.Waits.Count, bq.Fake.Requests.Count(r => r.Status == 403));
    }

    [Fact]
    public async Task Rows_of_a_missing_table_name_it()
    {
        await using var bq = await StartAsync();
        var error = await Assert.ThrowsAsync<BigQueryException>(async () => await bq.Client.Rows.ReadAsync(bq.Dataset.Table("none"), cancellation: Cancellation).ToListAsync(Cancellation));
        Assert.StartsWith($"BigQuery at {new Uri(bq.Fake.Url).Authority} refused reading rows of test-project:ml.none:", error.Message, StringComparison.Ordinal);
        Assert.Contains("Check project ('test-project'), dataset and table", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_query_tells_its_error_when_its_answer_is_read()
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new JobFault("q", "resourcesExceeded", "Resources exceeded during query execution"));
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("q", new() { Query = new() { Query = "SELECT 1" } }, cancellation: Cancellation));
        Assert.Contains("Do it in smaller parts", error.Message, StringComparison.Ordinal);
    }
}
