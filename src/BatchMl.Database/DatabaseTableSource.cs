using System.Data;
using System.Data.Common;
using System.Globalization;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>
/// A table or query of a database, pinned as Parquet files in the workspace: <c>db-tables/NAME/VERSION/CHUNK.parquet</c>. At every plan its rows are read once, in one transaction and in the order of all their columns, a batch in memory at a time. A
/// version's name is the digest of its rows, so that the same rows are the same input whenever they were copied, and a chunk that did not change keeps its file. From then on it is a Parquet source like any other. Columns
/// of types that have no counterpart (lists, bytes, intervals) are left out; decimals become doubles. Versions that were not used for a week are removed.
/// </summary>
/// <param name="table">What.</param>
/// <param name="database">Where; an ADO.NET provider's, and disposed of by whoever made it.</param>
/// <param name="parquet">A source of a folder of Parquet files.</param>
/// <param name="create">Makes a Parquet file.</param>
/// <param name="clock">"Now".</param>
public sealed class DatabaseTableSource(DatabaseTable table, DbDataSource database, Func<string, IBatchSource> parquet, TableFileFactory create, TimeProvider clock) : IBatchSource
{
    readonly PinnedVersions versions = new(Path.Combine(table.Workspace, "db-tables", table.Name), clock);

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">The database refuses, or is not there.</exception>
    /// <exception cref="DataException">There are no rows, or no column that can be read.</exception>
    public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        try
        {
            var version = await CopyAsync(cancel);
            versions.Use(version);
            return new PinnedTable(await parquet(version).OpenAsync(cancel), table.Name, version, table.Dataset);
        }
        catch (DbException e) when (!cancel.IsCancellationRequested)
        {
            throw new BatchMlException($"{table.What} can not be read: {e.Message} Check the connection, the name, the query and the rights of its user.", e.IsTransient ? FailureKind.Transient : FailureKind.Permanent, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{table.What} can not be copied into {versions.Root}: {e.Message} Expected a writable folder with free space.", FailureKind.Transient, e);
        }
    }

    async Task<string> CopyAsync(CancellationToken cancel)
    {
        table.OnProgress?.Invoke($"{table.What} is read from its database");
        var staging = versions.Stage();
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(table.Isolation, cancel);
            var columns = await ColumnsAsync(connection, transaction, cancel);
            using var chunks = new ChunkFiles(staging, columns, versions.Files(), create);
            await using (var command = Command(connection, transaction, Select(columns)))
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                while (await reader.ReadAsync(cancel)) chunks.Add(reader);
            }
            await transaction.RollbackAsync(cancel);
            var digest = chunks.Finish() ?? throw new DataException($"{table.What} gives no rows. Check the name, the query and its conditions.");
            return versions.Publish(staging, digest);
        }
        finally
        {
            DurableFiles.RemoveFolder(staging);
        }
    }

    string From => table.Table ?? $"(\n{table.Sql!.Trim().TrimEnd(';')}\n)";

    static DbCommand Command(DbConnection connection, DbTransaction transaction, string sql)
    {
        var command = connection.CreateCommand();
        (command.Transaction, command.CommandText) = (transaction, sql);
        // Sorting a large table takes what it takes.
        command.CommandTimeout = 0;
        return command;
    }

    async Task<IReadOnlyList<ReaderColumn>> ColumnsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancel)
    {
        await using var command = Command(connection, transaction, $"SELECT * FROM {From} AS t WHERE 1 = 0");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var found = Enumerable.Range(0, reader.FieldCount).Select(i => (Name: reader.GetName(i), Type: reader.GetDataTypeName(i), Column: ReaderColumn.Of(reader, i))).ToArray();
        var twice = found.GroupBy(f => f.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        if (twice.Length > 0) throw new DataException($"{table.What} has columns of one name: {string.Join(", ", twice)}. Expected a name for each; give them others with AS.");
        ReaderColumn[] columns = [.. found.Select(f => f.Column).OfType<ReaderColumn>()];
        return columns.Length > 0 ? columns : throw new DataException($"{table.What} has no column that can be read: {string.Join(", ", found.Select(f => $"{f.Name} ({f.Type})"))}. Convert them in a query (Sql).");
    }

    // In the order of all columns equal rows are the same bytes, whatever order the database has them in, and a chunk's rows come together.
    string Select(IReadOnlyList<ReaderColumn> columns)
    {
        var order = string.Join(", ", Enumerable.Range(1, columns.Count + 1).Skip(table.PartitionBy is null ? 1 : 0).Select(i => i.ToString(CultureInfo.InvariantCulture)));
        return $"SELECT {(table.PartitionBy is { } by ? $"({by})" : "'all'")} AS batchml_chunk, {string.Join(", ", columns.Select(c => Quote(c.Name)))} FROM {From} AS t ORDER BY {order}";
    }

    static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
