using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>Scores that are computed in a real Spark's executors and loaded into what stands in for BigQuery: executors stage, in the workspace, where only the driver logs in, or in Google Cloud Storage.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class SparkBigQueryTests(FlightDelaysRun local)
{
    const string Address = "bigquery://test-project/ml/scores", Scores = "flight-delays/score";

    [Fact]
    public async Task A_few_days_are_loaded_by_the_driver_as_they_are_locally()
    {
        using var folder = new TestFolder();
        await using var fake = await FakeBigQuery.StartAsync(new FakeBigQueryOptions { RequireToken = true });
        fake.AllowToken("the-drivers-token");
        var token = BigQueryCredentials.AccessToken(() => "the-drivers-token", "the test");
        using var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = token }, TestContext.Current.CancellationToken);
        await client.Datasets.InsertAsync(new BigQueryDataset { DatasetReference = client.Dataset("ml"), Location = "EU" }, TestContext.Current.CancellationToken);
        var workspace = folder.At("workspace");
        Workspaces.CopyWithoutScores(local.Workspace, workspace);
        using var spark = LiveSpark.Start("4.1");
        using var run = await JobsProcess.RunAsync(
            new Dictionary<string, string> { ["BQ_TOKEN"] = "the-drivers-token", ["BATCHML_BigQuery__Credentials"] = "env:BQ_TOKEN", ["BATCHML_BigQuery__Endpoint"] = fake.Url },
            "run", Scores, "--from", "2013-12-24", "--to", "2013-12-27", "--workspace", workspace, "--engine", "spark", "--set", $"Spark:Remote={spark.Remote}", "--sink", Address);
        Assert.True(run.ExitCode == 0, run.Output + run.Error + spark.Log);
        Assert.Equal((3, 3), (fake.Jobs.Count, fake.Requests.Count(r => r.Path.StartsWith("/upload", StringComparison.Ordinal) && r.Status == 200)));
        await using var catalog = Workspaces.Catalog(workspace);
        var expected = await Workspaces.ContentAsync(local.Workspace, Scores);
        var made = await catalog.LedgerAsync(Address, Scores, TestContext.Current.CancellationToken);
        Assert.Equal(3, made.Count);
        Assert.All(made, e => Assert.Equal((true, expected[e.Key.Value]), (e.IsPublished, e.Committed!.Staged.ContentDigest)));
        Assert.Equal(made.Sum(e => e.Committed!.Staged.Rows), fake.Look("SELECT count(*) FROM \"test-project.ml\".\"scores\"")[0][0]);
        Assert.Empty(Workspaces.Leftovers(workspace));
    }
    [Fact]
    public async Task Executors_stage_in_Google_Cloud_Storage_and_the_driver_sends_nothing()
    {
        using var folder = new TestFolder();
        await using var storage = await CloudStorageServer.StartAsync();
        await using var fake = await FakeBigQuery.StartAsync(new FakeBigQueryOptions { Storage = storage.Files });
        using var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None }, TestContext.Current.CancellationToken);
        await client.Datasets.InsertAsync(new BigQueryDataset { DatasetReference = client.Dataset("ml"), Location = "EU" }, TestContext.Current.CancellationToken);
        var workspace = folder.At("workspace");
        Workspaces.CopyWithoutScores(local.Workspace, workspace);
        // How to log in is not sent along: executors have it in their environment.
        using var spark = LiveSpark.Start("4.1", environment: new Dictionary<string, string> { ["BATCHML_BigQuery__Credentials"] = "none" });
        string[] run =
        [
            "run", Scores, "--from", "2013-12-24", "--to", "2013-12-27", "--workspace", workspace, "--engine", "spark", "--set", $"Spark:Remote={spark.Remote}", "--sink", Address, "--set", "BigQuery:Credentials=none",
            "--set", $"BigQuery:Endpoint={fake.Url}", "--set", $"BigQuery:Staging=gs://{CloudStorageServer.Bucket}/scores", "--set", $"BigQuery:StagingEndpoint={storage.Url}",
        ];
        using (var plan = await JobsProcess.RunAsync(["plan", .. run[1..]])) Assert.Contains($"sent to gs://{CloudStorageServer.Bucket}/scores", plan.Output, StringComparison.Ordinal);
        // Loading is refused, so that what was staged can be looked at.
        fake.Quotas.PartitionModificationsPerTable = 0;
        using (var refused = await JobsProcess.RunAsync(run)) Assert.True(refused.ExitCode == 1, refused.Output + refused.Error + spark.Log);
        await using var catalog = Workspaces.Catalog(workspace);
        var staged = await catalog.LedgerAsync(Address, Scores, TestContext.Current.CancellationToken);
        Assert.Equal(3, staged.Count);
        Assert.Equal(
            staged.Select(e => $"gs://{CloudStorageServer.Bucket}/scores/{Scores}/flight_date={e.Key.Value}/{e.Committed!.Staged.Files.Single(f => f.Kind == FileKind.Data).Sha256}.parquet").Order(StringComparer.Ordinal), storage.Objects);
        fake.Quotas.PartitionModificationsPerTable = 30_000;
        using (var next = await JobsProcess.RunAsync(run)) Assert.True(next.ExitCode == 0, next.Output + next.Error + spark.Log);
        Assert.Empty(storage.Objects);
        Assert.DoesNotContain(fake.Requests, r => r.Path.StartsWith("/upload", StringComparison.Ordinal));
        var expected = await Workspaces.ContentAsync(local.Workspace, Scores);
        var made = await catalog.LedgerAsync(Address, Scores, TestContext.Current.CancellationToken);
        Assert.All(made, e => Assert.Equal((true, expected[e.Key.Value]), (e.IsPublished, e.Committed!.Staged.ContentDigest)));
        Assert.Equal(made.Sum(e => e.Committed!.Staged.Rows), fake.Look("SELECT count(*) FROM \"test-project.ml\".\"scores\"")[0][0]);
    }
}
