using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using BatchMl.Parquet;
using BatchMl.TestSupport;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>The contract of sinks. Its partitions are of a text, so rows are merged.</summary>
public sealed class BigQuerySinkContract : SinkContract, IAsyncLifetime
{
    FakeBigQuery? fake;
    BigQuerySink? sink;

    protected override IBatchSink Sink => sink!;

    protected override IBatchSink At(string root) => new BigQuerySink(Options, new ParquetSink(root, new ParquetLayout { Name = Options.Name, ForOtherReaders = true }));

    BigQuerySinkOptions Options => new()
    {
        Table = new TableReference(BigQueryFixture.Project, "ml", "scores"), Client = BigQueryFixture.Options(fake!, new QuickTime()), Mode = BigQueryMode.Merge, Keys = ["id"],
    };

    public async ValueTask InitializeAsync()
    {
        fake = await FakeBigQuery.StartAsync();
        using var client = await BigQueryClient.OpenAsync(BigQueryFixture.Options(fake));
        await client.Datasets.InsertAsync(new() { DatasetReference = new DatasetReference(BigQueryFixture.Project, "ml") });
        sink = (BigQuerySink)At(Folder.Path);
    }

    public async ValueTask DisposeAsync()
    {
        sink!.Dispose();
        await fake!.DisposeAsync();
        Dispose();
    }
}
