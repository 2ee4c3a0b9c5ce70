using Apache.Arrow;
using Apache.Arrow.Ipc;
using DuckDB.NET.Data;

namespace BatchMl.Benchmarks.Data;

/// <summary>DuckDB in memory with the peer's tables, in its own format, so that loading them is not on its time.</summary>
sealed class Duck : IDisposable
{
    readonly DuckDBConnection connection;

    public Duck(int threads)
    {
        connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        Execute($"SET threads={threads}; SET TimeZone='UTC'; SET preserve_insertion_order=false");
    }

    public void Execute(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Load(string table, Flights flights, TimestampArray available)
    {
        Execute($"CREATE TABLE {table} (ordinal BIGINT, key VARCHAR, ts TIMESTAMP, available TIMESTAMP, delay DOUBLE, late BOOLEAN)");
        using var appender = connection.CreateAppender(table);
        for (var i = 0; i < flights.Rows; i++)
        {
            appender.CreateRow().AppendValue(flights.Ordinal.Values[i]).AppendValue(flights.Key.IsNull(i) ? null : flights.Key.GetString(i))
                .AppendValue(DateTime.UnixEpoch.AddMicroseconds(flights.EventTime.Values[i])).AppendValue(DateTime.UnixEpoch.AddMicroseconds(available.Values[i]))
                .AppendValue(flights.Delay.GetValue(i)).AppendValue(flights.Late.GetValue(i)).EndRow();
        }
    }

    /// <summary>The whole answer as Arrow in memory, made on all threads.</summary>
    public IReadOnlyList<RecordBatch> Query(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.UseStreamingMode = false;
        using var stream = command.ExecuteArrowStream();
        var batches = new List<RecordBatch>();
        while (stream.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch) batches.Add(batch);
        return batches;
    }

    public void Dispose() => connection.Dispose();
}
