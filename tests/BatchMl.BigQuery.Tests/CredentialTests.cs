using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using BatchMl.TestSupport;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Who asks: found, used, renewed, refused with advice, and never printed.</summary>
public sealed class CredentialTests
{
    [Fact]
    public async Task A_service_account_asks_for_a_token_and_renews_one_that_is_no_longer_taken()
    {
        await using var bq = await ServiceAccountAsync(new() { RequireToken = true });

        await bq.Client.Datasets.InsertAsync(new() { DatasetReference = bq.Dataset }, Cancellation);
        await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation);
        Assert.Single(bq.Fake.Requests, r => r.Path == "/token");
        bq.Fake.ExpireTokens();
        await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation);

        Assert.Equal(2, bq.Fake.Requests.Count(r => r.Path == "/token"));
        Assert.All(bq.Fake.Requests.Where(r => r.Path != "/token"), r => Assert.StartsWith("Bearer fake-", r.Headers["authorization"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_clock_that_is_wrong_is_said()
    {
        await using var bq = await ServiceAccountAsync(new() { RequireToken = true, Time = new Ahead(TimeSpan.FromHours(3)) });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation));

        Assert.Equal(("invalid_grant", FailureKind.Permanent), (error.Reason, error.Kind));
        Assert.Contains("Check this machine's clock", error.Message, StringComparison.Ordinal);
        Assert.Contains("key.json", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_is_read_anew_for_each_call_and_one_that_expired_is_said()
    {
        var token = "good";
        await using var bq = await StartAsync(new() { RequireToken = true }, o => o with { Credentials = BigQueryCredentials.AccessToken(() => token, "env:TOKEN") }, location: null);
        bq.Fake.AllowToken("good");
        await bq.Client.Datasets.InsertAsync(new() { DatasetReference = bq.Dataset }, Cancellation);

        token = "secret-that-expired";
        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation));

        Assert.Equal((401, FailureKind.Permanent), (error.Status, error.Kind));
        Assert.Contains("token of env:TOKEN", error.Message, StringComparison.Ordinal);
        Assert.Contains("renew it", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-that", error.ToString(), StringComparison.Ordinal);
        token = "good";
        await bq.Client.Datasets.GetAsync(bq.Dataset, Cancellation);
    }

    [Fact]
    public async Task A_key_file_that_is_none_is_named_and_not_quoted()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("key.json"), """{"type":"service_account","private_key":"very secret","client_email":"a@b"}""");
        await using var fake = await FakeBigQuery.StartAsync();
        foreach (var path in new[] { folder.At("key.json"), folder.At("missing.json") })
        {
            var error = await Assert.ThrowsAsync<BigQueryException>(() => BigQueryClient.OpenAsync(Options(fake) with { Credentials = BigQueryCredentials.ServiceAccount(path) }, Cancellation));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("very secret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nothing_found_says_where_was_looked_and_what_to_do()
    {
        const string variable = "GOOGLE_APPLICATION_CREDENTIALS";
        var before = Environment.GetEnvironmentVariable(variable);
        using var folder = new TestFolder();
        try
        {
            Environment.SetEnvironmentVariable(variable, folder.At("missing.json"));
            var error = await Assert.ThrowsAsync<BigQueryException>(() => BigQueryClient.OpenAsync(new() { Project = Project }, Cancellation));
            Assert.Equal(FailureKind.Permanent, error.Kind);
            Assert.Contains("No credentials for BigQuery were found", error.Message, StringComparison.Ordinal);
            // Google's library looks once in a process, so it is the first file that is named.
            Assert.Contains("credential", error.Message[40..], StringComparison.Ordinal);
            Assert.Contains("gcloud auth application-default login", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, before);
        }
    }

    [Fact]
    public async Task Impersonation_needs_somebody_who_can_act()
    {
        await using var fake = await FakeBigQuery.StartAsync();
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("key.json"), fake.ServiceAccountKey());
        const string account = "writer@test-project.iam.gserviceaccount.com";

        using var client = await BigQueryClient.OpenAsync(Options(fake) with { Credentials = BigQueryCredentials.Impersonated(BigQueryCredentials.ServiceAccount(folder.At("key.json")), account) }, Cancellation);
        Assert.Equal($"{account}, by service account of '{folder.At("key.json")}'", client.Options.Credentials.ToString());
        await Assert.ThrowsAsync<DefinitionException>(() => BigQueryClient.OpenAsync(Options(fake) with { Credentials = BigQueryCredentials.Impersonated(BigQueryCredentials.AccessToken(() => "t", "env:T"), account) }, Cancellation));
    }

    [Fact]
    public async Task Nobody_may_ask_only_on_this_machine_and_a_token_does_not_travel_in_the_clear()
    {
        var options = new BigQueryClientOptions { Project = Project, Credentials = BigQueryCredentials.None };
        var error = await Assert.ThrowsAsync<DefinitionException>(() => BigQueryClient.OpenAsync(options, Cancellation));
        Assert.Contains("without credentials", Assert.Single(error.Problems), StringComparison.Ordinal);

        error = await Assert.ThrowsAsync<DefinitionException>(() => BigQueryClient.OpenAsync(options with { Endpoint = new Uri("http://bigquery.example/"), Credentials = BigQueryCredentials.AccessToken(() => "t", "env:T") }, Cancellation));
        Assert.Contains("Expected https", Assert.Single(error.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_that_is_wrong_with_options_is_said_at_once()
    {
        var error = await Assert.ThrowsAsync<DefinitionException>(() => BigQueryClient.OpenAsync(
            new() { Project = "My Project", BillingProject = "x", ChunkSize = 1000, JobAttempts = 0, Timeout = TimeSpan.Zero, Retries = new(0, TimeSpan.Zero, TimeSpan.Zero), Endpoint = new("https://bigquery.googleapis.com/bigquery/v2/") }, Cancellation));
        Assert.Equal(7, error.Problems.Count);
    }

    /// <summary>A client with a key file for tokens of the stand-in.</summary>
    static async Task<BigQueryFixture> ServiceAccountAsync(FakeBigQueryOptions options)
    {
        var folder = new TestFolder();
        return await StartAsync(options, o => o with { Credentials = BigQueryCredentials.ServiceAccount(folder.At("key.json")) }, location: null, before: fake => File.WriteAllText(folder.At("key.json"), fake.ServiceAccountKey()), beside: folder);
    }

    sealed class Ahead(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
