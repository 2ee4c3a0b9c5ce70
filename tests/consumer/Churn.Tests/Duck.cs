using DuckDB.NET.Data;

namespace Churn.Tests;

/// <summary>SQL in a DuckDB of its own, in UTC: what the engine says is compared with what this says.</summary>
static class Duck
{
    /// <summary>Rows as texts.</summary>
    public static List<string[]> Rows(string sql)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SET TimeZone = 'UTC'; {sql}";
        using var reader = command.ExecuteReader();
        var rows = new List<string[]>();
        while (reader.Read()) rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture) ?? "")]);
        return rows;
    }

    /// <summary>The number that a query gives.</summary>
    public static double Number(string sql) => double.Parse(Rows($"SELECT ({sql})::DOUBLE")[0][0], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Runs statements.</summary>
    public static void Execute(string sql) => Rows($"{sql}; SELECT 1");
}
