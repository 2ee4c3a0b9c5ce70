using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using BatchMl.Data;
using DuckDB.NET.Data;

namespace BatchMl.DuckDb;

/// <summary>
/// One query on a connection of its own: single-threaded and order-preserving, so that the same query gives the same rows in the same order; no extension is ever fetched; what does not fit 1 GB goes to the
/// folder for temporary files.
/// </summary>
/// <param name="database">A DuckDB database file, opened read-only; null: none.</param>
/// <param name="sql">A query.</param>
/// <param name="fail">Words an error of DuckDB.</param>
sealed class DuckDbQuery(string? database, string sql, Func<string, Exception, Exception> fail)
{
    /// <summary>Statements that each connection begins with.</summary>
    public string SetUp { get; init; } = "";

    DuckDBConnection Connect()
    {
        var connection = new DuckDBConnection(
            $"DataSource={database ?? ":memory:"};{(database is null ? "" : "access_mode=READ_ONLY;")}threads=1;memory_limit=1GB;autoinstall_known_extensions=false;autoload_known_extensions=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SET preserve_insertion_order = true; SET TimeZone = 'UTC'; SET temp_directory = {DuckDbText.Literal(Path.Combine(Path.GetTempPath(), "batchml-duckdb"))};{SetUp}";
        command.ExecuteNonQuery();
        return connection;
    }

    /// <summary>The columns, found without reading rows; an ENUM is text.</summary>
    public Schema Schema() => Guard(default, () =>
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM (\n{sql}\n) LIMIT 0";
        command.UseStreamingMode = true;
        using var stream = command.ExecuteArrowStream();
        return new Schema(stream.Schema.FieldsList.Select(f => new Field(f.Name, f.DataType is DictionaryType d ? d.ValueType : f.DataType, f.IsNullable)), null);
    });

    /// <summary>Column names and types in DuckDB's words.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Types() => Guard(default, () =>
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = $"DESCRIBE {sql}";
        using var reader = command.ExecuteReader();
        var types = new List<KeyValuePair<string, string>>();
        while (reader.Read()) types.Add(KeyValuePair.Create(reader.GetString(0), reader.GetString(1)));
        return types;
    });

    /// <summary>The rows of the columns of <paramref name="schema"/>, in batches of exactly so many rows but the last.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Schema schema, int batchSize, [EnumeratorCancellation] CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var connection = Guard(cancel, Connect);
        using var command = connection.CreateCommand();
        var columns = string.Join(", ", schema.FieldsList.Select(f => DuckDbText.Name(f.Name)));
        command.CommandText = $"SELECT {(columns.Length == 0 ? "true" : columns)} FROM (\n{sql}\n)";
        command.UseStreamingMode = true;
        using var interrupt = cancel.Register(command.Cancel);
        using var stream = Guard(cancel, command.ExecuteArrowStream);
        using var coalescer = new BatchCoalescer(schema, batchSize);
        while (await NextAsync(stream, cancel) is { } part)
        {
            coalescer.Add(part);
            while (coalescer.Take(atEnd: false) is { } batch) yield return batch;
            cancel.ThrowIfCancellationRequested();
        }
        if (coalescer.Take(atEnd: true) is { } rest) yield return rest;
    }

    async ValueTask<RecordBatch?> NextAsync(IArrowArrayStream stream, CancellationToken cancel)
    {
        try
        {
            return await stream.ReadNextRecordBatchAsync(cancel);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Worded(e, cancel);
        }
    }

    T Guard<T>(CancellationToken cancel, Func<T> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Worded(e, cancel);
        }
    }

    Exception Worded(Exception e, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return new OperationCanceledException(e.Message, e, cancel);
        // DuckDB appends advice of its own after an empty line or a line that begins so.
        var lines = e.Message.Split('\n').TakeWhile(l => !l.StartsWith("Possible solutions", StringComparison.Ordinal) && !l.StartsWith("  file =", StringComparison.Ordinal))
            .Select(l => l.Trim()).Where(l => l.Length > 0).Take(4);
        return fail(string.Join("; ", lines), e);
    }
}
