namespace BatchMl.BigQuery.Client;

/// <summary>BigQuery: datasets, tables, jobs and rows. May be used by several threads. What fails is repeated if it may pass, and thrown as <see cref="BigQueryException"/>.</summary>
public sealed class BigQueryClient : IDisposable
{
    readonly BigQueryCalls calls;

    BigQueryClient(BigQueryCalls calls)
    {
        this.calls = calls;
        Datasets = new(calls);
        Tables = new(calls);
        Jobs = new(calls, Datasets);
        Rows = new(calls);
    }

    /// <summary>Checks the options and finds the credentials; BigQuery itself is not asked anything.</summary>
    /// <param name="options">Where and who.</param>
    /// <param name="cancellation">Gives it up.</param>
    public static async Task<BigQueryClient> OpenAsync(BigQueryClientOptions options, CancellationToken cancellation = default)
    {
        options.Check();
        var backoff = new Backoff(options.Retries, options.Time, options.Seed);
        return new(new BigQueryCalls(options, await BigQueryService.OpenAsync(options, backoff, cancellation), backoff));
    }

    /// <summary>Where and who.</summary>
    public BigQueryClientOptions Options => calls.Options;

    /// <summary>Datasets.</summary>
    public BigQueryDatasets Datasets { get; }

    /// <summary>Tables and views.</summary>
    public BigQueryTables Tables { get; }

    /// <summary>Loads, copies and queries.</summary>
    public BigQueryJobs Jobs { get; }

    /// <summary>Rows of tables and of queries' answers.</summary>
    public BigQueryRows Rows { get; }

    /// <summary>A dataset of the options' project.</summary>
    public DatasetReference Dataset(string datasetId) => new(Options.Project, datasetId);

    /// <inheritdoc/>
    public void Dispose() => calls.Service.Dispose();
}
