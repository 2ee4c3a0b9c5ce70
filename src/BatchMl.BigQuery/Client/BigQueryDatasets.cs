using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace BatchMl.BigQuery.Client;

/// <summary>Datasets.</summary>
public sealed class BigQueryDatasets
{
    readonly BigQueryCalls calls;

    internal BigQueryDatasets(BigQueryCalls calls) => this.calls = calls;

    /// <summary>Reads one.</summary>
    public Task<BigQueryDataset> GetAsync(DatasetReference dataset, CancellationToken cancellation = default) =>
        calls.GetAsync<BigQueryDataset>(PathOf(dataset), new($"reading dataset {dataset}"), cancellation);

    /// <summary>Reads one; null: there is none.</summary>
    public async Task<BigQueryDataset?> FindAsync(DatasetReference dataset, CancellationToken cancellation = default)
    {
        try
        {
            return await GetAsync(dataset, cancellation);
        }
        catch (BigQueryException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Makes one.</summary>
    public Task<BigQueryDataset> InsertAsync(BigQueryDataset dataset, CancellationToken cancellation = default)
    {
        BigQueryNames.Check(dataset.DatasetReference);
        return calls.SendAsync<BigQueryDataset>(HttpMethod.Post, BigQueryCalls.Path("projects", dataset.DatasetReference.ProjectId, "datasets"), dataset, new($"making dataset {dataset.DatasetReference}"), null, cancellation);
    }

    /// <summary>Makes one unless it is there, whoever else does so; what is there stays as it is.</summary>
    public async Task<BigQueryDataset> EnsureAsync(BigQueryDataset dataset, CancellationToken cancellation = default)
    {
        if (await FindAsync(dataset.DatasetReference, cancellation) is { } found) return found;
        try
        {
            return await InsertAsync(dataset, cancellation);
        }
        catch (BigQueryException error) when (error.IsDuplicate)
        {
            return await GetAsync(dataset.DatasetReference, cancellation);
        }
    }

    /// <summary>Changes one: what the patch does not name stays, what it names null goes.</summary>
    /// <param name="dataset">Which.</param>
    /// <param name="patch">A JSON merge patch.</param>
    /// <param name="etag">Of the version that it may change (<see cref="BigQueryException.IsStale"/> otherwise); null: any.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task<BigQueryDataset> PatchAsync(DatasetReference dataset, JsonObject patch, string? etag = null, CancellationToken cancellation = default) =>
        calls.SendAsync<BigQueryDataset>(HttpMethod.Patch, PathOf(dataset), patch, new($"changing dataset {dataset}"), etag, cancellation);

    /// <summary>Removes one.</summary>
    /// <param name="dataset">Which.</param>
    /// <param name="deleteContents">With its tables; otherwise it must have none.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task DeleteAsync(DatasetReference dataset, bool deleteContents = false, CancellationToken cancellation = default) =>
        calls.SendAsync<string>(HttpMethod.Delete, PathOf(dataset) + BigQueryCalls.Query(("deleteContents", deleteContents ? "true" : null)), null, new($"removing dataset {dataset}"), null, cancellation);

    /// <summary>All of a project, with what a list tells of them.</summary>
    public async IAsyncEnumerable<BigQueryDataset> ListAsync(string project, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        for (string? token = null; ;)
        {
            var page = await calls.GetAsync<DatasetPage>(BigQueryCalls.Path("projects", project, "datasets") + BigQueryCalls.Query(("pageToken", token)), new($"listing the datasets of project {project}"), cancellation);
            foreach (var dataset in page.Datasets ?? []) yield return dataset;
            if (string.IsNullOrEmpty(token = page.NextPageToken)) yield break;
        }
    }

    static string PathOf(DatasetReference dataset)
    {
        BigQueryNames.Check(dataset);
        return BigQueryCalls.Path("projects", dataset.ProjectId, "datasets", dataset.DatasetId);
    }

    sealed record DatasetPage(IReadOnlyList<BigQueryDataset>? Datasets, string? NextPageToken);
}
