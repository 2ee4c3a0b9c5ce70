using System.Data.Common;
using System.Globalization;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>What is asked of a table within one transaction.</summary>
sealed class TableReading(DatabaseTable table, DbConnection connection, DbTransaction transaction)
{
    /// <summary>A chunk without its rows.</summary>
    /// <param name="Value">The value of <see cref="DatabaseTable.PartitionBy"/>, as the provider gives it; null: NULL.</param>
    /// <param name="Id">See <see cref="ChunkFiles.IdOf"/>.</param>
    /// <param name="Rows">How many it has.</param>
    /// <param name="Watermarks">The digest of their watermarks.</param>
    public sealed record Chunk(object? Value, string Id, long Rows, string? Watermarks);

    /// <summary>The columns that can be read.</summary>
    /// <exception cref="DataException">There are none, or two of one name.</exception>
    public async Task<IReadOnlyList<ReaderColumn>> ColumnsAsync(CancellationToken cancel)
    {
        await using var command = Command($"SELECT * FROM {From} AS t WHERE 1 = 0");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var found = Enumerable.Range(0, reader.FieldCount).Select(i => (Name: reader.GetName(i), Type: reader.GetDataTypeName(i), Column: ReaderColumn.Of(reader, i))).ToArray();
        var twice = found.GroupBy(f => f.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        if (twice.Length > 0) throw new DataException($"{table.What} has columns of one name: {string.Join(", ", twice)}. Expected a name for each; give them others with AS.");
        ReaderColumn[] columns = [.. found.Select(f => f.Column).OfType<ReaderColumn>()];
        return columns.Length > 0 ? columns : throw new DataException($"{table.What} has no column that can be read: {string.Join(", ", found.Select(f => $"{f.Name} ({f.Type})"))}. Convert them in a query (Sql).");
    }

    /// <summary>All chunks of a table that has watermarks: one scan that neither sorts nor brings rows here.</summary>
    /// <exception cref="DataException">A row has no watermark.</exception>
    public async Task<IReadOnlyList<Chunk>> ChunksAsync(CancellationToken cancel)
    {
        var digest = string.Format(CultureInfo.InvariantCulture, table.WatermarkDigest, $"({table.Watermark})");
        await using var command = Command($"SELECT ({table.PartitionBy}) AS batchml_chunk, count(*) AS batchml_rows, count({table.Watermark}) AS batchml_marked, {digest} AS batchml_digest FROM {From} AS t GROUP BY ({table.PartitionBy})");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var (chunks, unmarked) = (new List<Chunk>(), 0L);
        while (await reader.ReadAsync(cancel))
        {
            var (value, rows) = (ChunkFiles.ValueOf(reader, 0), Convert.ToInt64(reader.GetValue(1), CultureInfo.InvariantCulture));
            unmarked += rows - Convert.ToInt64(reader.GetValue(2), CultureInfo.InvariantCulture);
            chunks.Add(new Chunk(value is null ? null : reader.GetValue(0), ChunkFiles.IdOf(value), rows, ChunkFiles.ValueOf(reader, 3)));
        }
        return unmarked == 0 ? chunks : throw new DataException(
            $"{table.What} has {unmarked} rows whose watermark {table.Watermark} is NULL, so a change of them could not be seen. Expected a value in every row: give them one, or leave the rows out by a query (Sql).");
    }

    /// <summary>Reads rows chunk by chunk.</summary>
    /// <param name="columns">What of them.</param>
    /// <param name="only">Of these chunks; null: of all.</param>
    /// <param name="into">Where they go.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task ReadAsync(IReadOnlyList<ReaderColumn> columns, IReadOnlyList<Chunk>? only, ChunkFiles into, CancellationToken cancel)
    {
        await using var command = Command("");
        var where = only is null ? "" : $"WHERE {Among(only, command)}";
        // In the order of all columns equal rows are the same bytes, whatever order the database has them in, and a chunk's rows come together.
        var order = string.Join(", ", Enumerable.Range(1, columns.Count + 1).Skip(table.PartitionBy is null ? 1 : 0).Select(i => i.ToString(CultureInfo.InvariantCulture)));
        command.CommandText = $"SELECT {(table.PartitionBy is { } by ? $"({by})" : "'all'")} AS batchml_chunk, {string.Join(", ", columns.Select(c => Quote(c.Name)))} FROM {From} AS t {where} ORDER BY {order}";
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel)) into.Add(reader);
    }

    string Among(IReadOnlyList<Chunk> chunks, DbCommand command)
    {
        foreach (var chunk in chunks.Where(c => c.Value is not null))
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (FormattableString.Invariant($"@c{command.Parameters.Count}"), chunk.Value);
            command.Parameters.Add(parameter);
        }
        var conditions = new List<string>();
        if (command.Parameters.Count > 0) conditions.Add($"({table.PartitionBy}) IN ({string.Join(", ", command.Parameters.Cast<DbParameter>().Select(p => p.ParameterName))})");
        if (command.Parameters.Count < chunks.Count) conditions.Add($"({table.PartitionBy}) IS NULL");
        return string.Join(" OR ", conditions);
    }

    /// <summary>What rows are selected from.</summary>
    string From => table.Table ?? $"(\n{table.Sql!.Trim().TrimEnd(';')}\n)";

    DbCommand Command(string sql)
    {
        var command = connection.CreateCommand();
        (command.Transaction, command.CommandText) = (transaction, sql);
        // Sorting a large table takes what it takes.
        command.CommandTimeout = 0;
        return command;
    }

    static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
