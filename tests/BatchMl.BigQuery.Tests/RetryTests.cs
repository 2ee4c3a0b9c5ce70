using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>What is repeated, how often, and after which waits.</summary>
public sealed class RetryTests
{
    const string Get = "GET /bigquery/v2/projects/test-project/datasets/ml";

    [Theory]
    [InlineData(500, "internalError")]
    [InlineData(502, "backendError")]
    [InlineData(503, "backendError")]
    [InlineData(504, "backendError")]
    [InlineData(429, "rateLimitExceeded")]
    [InlineData(408, "timeout")]
    [InlineData(403, "rateLimitExceeded")]
    [InlineData(403, "userRateLimitExceeded")]
    [InlineData(0, "")]
    public async Task What_may_pass_is_repeated(int status, string reason)
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new Fault { Match = Get, Status = status, Reason = reason, Times = 3 });

        Assert.Equal("EU", (await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation)).Location);

        Assert.Equal(0, bq.Fake.Faults.Left);
        Assert.Equal(3, bq.Time.Waits.Count);
        // Anything up to a length that doubles.
        for (var i = 0; i < 3; i++) Assert.InRange(bq.Time.Waits[i].TotalSeconds, 0, Math.Pow(2, i));
    }

    [Theory]
    [InlineData(400, "invalid")]
    [InlineData(400, "invalidQuery")]
    [InlineData(401, "authError")]
    [InlineData(403, "accessDenied")]
    [InlineData(403, "quotaExceeded")]
    [InlineData(403, "billingNotEnabled")]
    [InlineData(404, "notFound")]
    [InlineData(409, "duplicate")]
    [InlineData(412, "conditionNotMet")]
    [InlineData(501, "notImplemented")]
    public async Task What_will_not_pass_is_thrown_at_once(int status, string reason)
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new Fault { Match = Get, Status = status, Reason = reason, Message = "No." });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation));

        Assert.Equal((status, reason, "No."), (error.Status, error.Reason, error.Said));
        Assert.Equal(status == 412 ? FailureKind.Transient : FailureKind.Permanent, error.Kind);
        Assert.Empty(bq.Time.Waits);
    }

    [Fact]
    public async Task After_eight_tries_it_is_given_up_as_transient_and_no_wait_was_longer_than_32_seconds()
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new Fault { Match = Get, Status = 503, Message = "Error encountered during execution. Retrying may solve the problem.", Times = 100 });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation));

        Assert.Equal((503, FailureKind.Transient), (error.Status, error.Kind));
        Assert.Equal(7, bq.Time.Waits.Count);
        Assert.Equal(8, bq.Fake.Requests.Count(r => r.Method == "GET"));
        Assert.All(bq.Time.Waits, (wait, i) => Assert.InRange(wait.TotalSeconds, 0, Math.Min(32, Math.Pow(2, i))));
    }

    [Fact]
    public async Task A_server_that_says_when_to_come_back_is_believed()
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new Fault { Match = Get, Status = 429, Reason = "rateLimitExceeded", RetryAfter = 77 });

        await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation);

        Assert.Equal([TimeSpan.FromSeconds(77)], bq.Time.Waits);
    }

    [Fact]
    public async Task Waits_of_two_clients_differ()
    {
        var waits = new List<TimeSpan>();
        foreach (var seed in new[] { 1, 2 })
        {
            await using var bq = await StartAsync(options: o => o with { Seed = seed });
            bq.Fake.Faults.Add(new Fault { Match = Get, Status = 503 });
            await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation);
            waits.AddRange(bq.Time.Waits);
        }
        Assert.Equal(2, waits.Distinct().Count());
    }

    [Theory]
    [InlineData("GET", 5L << 20)]
    [InlineData("POST /upload", 5L << 20)]
    [InlineData("POST /upload", 0L)]
    public async Task A_page_of_HTML_in_place_of_an_error_is_no_riddle(string match, long resumableFrom)
    {
        await using var bq = await StartAsync(options: o => o with { Location = "EU", ResumableFrom = resumableFrom });
        bq.Fake.Faults.Add(new Fault { Match = match, Status = 403, Body = "<html><title>403 Forbidden by proxy</title></html>" });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("x", Load(bq.Dataset.Table("t")), bq.Days(1), Cancellation));

        Assert.Equal(403, error.Status);
        Assert.Null(error.Reason);
        Assert.Contains("Forbidden by proxy", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_of_HTML_in_place_of_an_answer_is_said()
    {
        await using var bq = await StartAsync();
        bq.Fake.Faults.Add(new Fault { Match = Get, Status = 200, Body = "<html>log in to the guest network</html>" });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation));

        Assert.Contains("is not BigQuery", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_transient_and_a_caller_who_gives_up_is_not_an_error_of_BigQuery()
    {
        await using var bq = await StartAsync(options: o => o with { Retries = o.Retries with { Attempts = 1 } });
        var gone = await StartAsync(options: o => o with { Retries = o.Retries with { Attempts = 2 } });
        await gone.Fake.DisposeAsync();
        var error = await Assert.ThrowsAsync<BigQueryException>(() => gone.Client.Datasets.GetAsync(gone.Dataset, Cancellation));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("could not be reached", error.Message, StringComparison.Ordinal);
        gone.Client.Dispose();

        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, cancelled.Token));
    }
}
