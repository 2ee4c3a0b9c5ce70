using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace BatchMl.BigQuery.Client;

/// <summary>Tables and views.</summary>
public sealed class BigQueryTables
{
    readonly BigQueryCalls calls;

    internal BigQueryTables(BigQueryCalls calls) => this.calls = calls;

    /// <summary>Reads one.</summary>
    /// <param name="table">Which.</param>
    /// <param name="view">How much, of <see cref="TableView"/>; null: with numbers of rows and bytes.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task<BigQueryTable> GetAsync(TableReference table, string? view = null, CancellationToken cancellation = default) =>
        calls.GetAsync<BigQueryTable>(PathOf(table) + BigQueryCalls.Query(("view", view)), new($"reading table {table}"), cancellation);

    /// <summary>Reads one; null: there is none.</summary>
    /// <param name="table">Which.</param>
    /// <param name="view">How much, of <see cref="TableView"/>; null: with numbers of rows and bytes.</param>
    /// <param name="cancellation">Gives it up.</param>
    public async Task<BigQueryTable?> FindAsync(TableReference table, string? view = null, CancellationToken cancellation = default)
    {
        try
        {
            return await GetAsync(table, view, cancellation);
        }
        catch (BigQueryException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Makes one.</summary>
    public Task<BigQueryTable> InsertAsync(BigQueryTable table, CancellationToken cancellation = default)
    {
        BigQueryNames.Check(table.TableReference.Dataset);
        BigQueryNames.CheckSchema(table.Schema, table.TableReference.ToString());
        return calls.SendAsync<BigQueryTable>(HttpMethod.Post, BigQueryCalls.Path("projects", table.TableReference.ProjectId, "datasets", table.TableReference.DatasetId, "tables"), table, new($"making table {table.TableReference}"), null, cancellation);
    }

    /// <summary>Makes one unless it is there, whoever else does so; what is there stays as it is.</summary>
    public async Task<BigQueryTable> EnsureAsync(BigQueryTable table, CancellationToken cancellation = default)
    {
        if (await FindAsync(table.TableReference, null, cancellation) is { } found) return found;
        try
        {
            return await InsertAsync(table, cancellation);
        }
        catch (BigQueryException error) when (error.IsDuplicate)
        {
            return await GetAsync(table.TableReference, null, cancellation);
        }
    }

    /// <summary>Changes one: what the patch does not name stays, what it names null goes, lists are replaced as a whole.</summary>
    /// <param name="table">Which.</param>
    /// <param name="patch">A JSON merge patch.</param>
    /// <param name="etag">Of the version that it may change (<see cref="BigQueryException.IsStale"/> otherwise); null: any.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task<BigQueryTable> PatchAsync(TableReference table, JsonObject patch, string? etag = null, CancellationToken cancellation = default) =>
        calls.SendAsync<BigQueryTable>(HttpMethod.Patch, PathOf(table), patch, new($"changing table {table}"), etag, cancellation);

    /// <summary>Removes one, or the one partition that a decorator names.</summary>
    public Task DeleteAsync(TableReference table, CancellationToken cancellation = default) =>
        calls.SendAsync<string>(HttpMethod.Delete, PathOf(table), null, new($"removing table {table}"), null, cancellation);

    /// <summary>Removes one, or one partition, if it is there.</summary>
    public async Task RemoveAsync(TableReference table, CancellationToken cancellation = default)
    {
        try
        {
            await DeleteAsync(table, cancellation);
        }
        catch (BigQueryException error) when (error.IsNotFound)
        {
        }
    }

    /// <summary>All of a dataset, with what a list tells of them.</summary>
    public async IAsyncEnumerable<BigQueryTable> ListAsync(DatasetReference dataset, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        BigQueryNames.Check(dataset);
        for (string? token = null; ;)
        {
            var page = await calls.GetAsync<TablePage>(BigQueryCalls.Path("projects", dataset.ProjectId, "datasets", dataset.DatasetId, "tables") + BigQueryCalls.Query(("pageToken", token)), new($"listing the tables of {dataset}"), cancellation);
            foreach (var table in page.Tables ?? []) yield return table;
            if (string.IsNullOrEmpty(token = page.NextPageToken)) yield break;
        }
    }

    internal static string PathOf(TableReference table)
    {
        BigQueryNames.Check(table);
        return BigQueryCalls.Path("projects", table.ProjectId, "datasets", table.DatasetId, "tables", table.TableId);
    }

    sealed record TablePage(IReadOnlyList<BigQueryTable>? Tables, string? NextPageToken);
}
