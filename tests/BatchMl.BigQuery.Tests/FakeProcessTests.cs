using System.Diagnostics;
using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using BatchMl.TestSupport;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>The stand-in as a program of its own, for tests of other processes.</summary>
public sealed class FakeProcessTests
{
    [Fact]
    public async Task It_says_where_it_answers_and_reads_objects_from_a_folder()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.At("bucket", "days"));
        Parquet.Write(folder.At("bucket", "days", "1.parquet"), "SELECT i AS id FROM range(3) t(i)");
        Parquet.Write(folder.At("bucket", "days", "2.parquet"), "SELECT i AS id FROM range(4) t(i)");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(FakeBigQuery).Assembly.Location, "--urls", "http://127.0.0.1:0", "--storage", folder.Path]) { RedirectStandardOutput = true })!;
        try
        {
            var url = await process.StandardOutput.ReadLineAsync(Cancellation);
            using var client = await BigQueryClient.OpenAsync(new() { Project = Project, Endpoint = new Uri(url!), Credentials = BigQueryCredentials.None }, Cancellation);
            var table = (await client.Datasets.EnsureAsync(new() { DatasetReference = client.Dataset("ml") }, Cancellation)).DatasetReference.Table("t");
            var load = Load(table, schema: new([Column("id", "INTEGER")]));

            var run = await client.Jobs.RunAsync("all", load with { Load = load.Load! with { SourceUris = ["gs://bucket/days/*.parquet"] } }, cancellation: Cancellation);

            Assert.Equal((2L, 7L), (run.Job.Statistics!.Load!.InputFiles, run.Job.Statistics.Load.OutputRows));
        }
        finally
        {
            process.Kill();
        }
    }
}
