using DuckDB.NET.Data;

namespace BatchMl.BigQuery.Tests;

/// <summary>Parquet files written by DuckDB, which writes all columns optional.</summary>
static class Parquet
{
    /// <summary>Writes the rows of a query.</summary>
    public static string Write(string path, string query)
    {
        Query($"COPY ({query}) TO '{path}' (FORMAT parquet)");
        return path;
    }

    /// <summary>The rows of a query, each as DuckDB's text.</summary>
    public static List<string> Query(string sql)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SET TimeZone = 'UTC'; {sql}";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        do
        {
            rows.Clear();
            while (reader.Read()) rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "NULL" : Convert.ToString(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture))));
        }
        while (reader.NextResult());
        return rows;
    }
}
