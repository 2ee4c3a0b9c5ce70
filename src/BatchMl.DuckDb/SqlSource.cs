using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>
/// A query in DuckDB's dialect as a source: the escape hatch for tables that need shaping before they are one. The same files give the same rows in the same order (one thread; <c>ORDER BY</c> is kept), as long as the query calls nothing
/// random. The result is one fragment; rows are numbered within it and reported from the first file. The files are opened by the query itself, so they are checked before and after each read: a change in between fails it.
/// Sums of integers and decimals come as decimals that only pass through: cast them to what is to be computed with.
/// </summary>
/// <param name="sql">One SELECT statement.</param>
/// <param name="files">The files that it reads, as files, folders or globs, so that a change of them is noticed; with <paramref name="database"/> it may be empty.</param>
/// <param name="database">A DuckDB database file whose tables it reads, opened read-only; null: none.</param>
public sealed class SqlSource(string sql, IReadOnlyList<string> files, string? database = null) : IBatchSource
{
    /// <inheritdoc/>
    /// <exception cref="DefinitionException">No file is named, or one is not of a local file system.</exception>
    /// <exception cref="DataException">A file is missing, or DuckDB refuses the query.</exception>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        if (files.Count == 0 && database is null)
            throw new DefinitionException($"The query does not say which files it reads, so a change of them would go unnoticed: {sql}. List them as the source's Files.");
        var inputs = new List<PinnedInput>();
        try
        {
            var paths = (database is null ? files : [database, .. files]).SelectMany(f => PathPattern.Files(f, ".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".parquet"));
            foreach (var path in paths.Distinct()) inputs.Add(PinnedInput.Open(path, sql));
            var query = new DuckDbQuery(database, sql.TrimEnd().TrimEnd(';'), (message, inner) => new DataException($"DuckDB refuses the query: {message}. Expected one SELECT statement in DuckDB's dialect, got: {sql}", inner));
            return Task.FromResult<ISourceSnapshot>(new DuckDbSnapshot(query.Schema(), inputs, [query], byPath: true));
        }
        catch
        {
            foreach (var input in inputs) input.Dispose();
            throw;
        }
    }
}
