using System.Globalization;
using DuckDB.NET.Data;

namespace BatchMl.Fakes;

/// <summary>The database beneath: one schema per dataset, one connection, one caller at a time.</summary>
sealed class Duck : IDisposable
{
    readonly DuckDBConnection connection = new("DataSource=:memory:");

    public Duck()
    {
        connection.Open();
        Run("SET TimeZone = 'UTC'");
        Run("SET threads = 2");
        // Names of GoogleSQL that DuckDB does not have.
        Run("CREATE TYPE FLOAT64 AS DOUBLE");
        Run("CREATE TYPE BYTES AS BLOB");
        Run("CREATE MACRO SAFE_DIVIDE(a, b) AS CASE WHEN b = 0 THEN NULL ELSE a / b END");
        Run("CREATE MACRO to_instant(x) AS CAST(x AS TIMESTAMPTZ)");
        Run("CREATE MACRO to_datetime(x) AS CAST(x AS TIMESTAMP)");
        Run("CREATE MACRO to_day(x) AS CAST(x AS DATE)");
        Run("CREATE SCHEMA __results");
        Run("CREATE MACRO FORMAT_DATE(f, d) AS strftime(d, f)");
    }

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Text(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Runs a statement; the number of rows that it changed.</summary>
    public long Run(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public long Number(string sql) => Convert.ToInt64(Rows(sql)[0][0] ?? 0L, CultureInfo.InvariantCulture);

    public List<object?[]> Rows(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++) row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            rows.Add(row);
        }
        return rows;
    }

    public List<string> Texts(string sql) => [.. Rows(sql).Select(row => Convert.ToString(row[0], CultureInfo.InvariantCulture)!)];

    /// <summary>Names and types of a query's columns.</summary>
    public List<(string Name, string Type)> Describe(string query) => [.. Rows($"DESCRIBE {query}").Select(row => ((string)row[0]!, (string)row[1]!))];

    /// <summary>All of it or nothing: a job's effect is at its end, at once (cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad.FIELDS.write_disposition).</summary>
    public T Atomically<T>(Func<T> action)
    {
        Run("BEGIN");
        try
        {
            var result = action();
            Run("COMMIT");
            return result;
        }
        catch
        {
            Run("ROLLBACK");
            throw;
        }
    }

    public void Dispose() => connection.Dispose();
}
