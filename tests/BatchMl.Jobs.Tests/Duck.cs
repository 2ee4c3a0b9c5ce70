using System.Globalization;
using DuckDB.NET.Data;

namespace BatchMl.Jobs.Tests;

/// <summary>SQL in a DuckDB of its own, in UTC: to make files, and to ask them.</summary>
static class Duck
{
    public static void Execute(string sql) => Run(sql, c => c.ExecuteNonQuery());

    /// <summary>The first value of the first row.</summary>
    public static T Ask<T>(string sql) => Run(sql, c => (T)Convert.ChangeType(Convertible(c.ExecuteScalar()!), typeof(T), CultureInfo.InvariantCulture));

    // Sums of integers are HUGEINT, for which .NET knows no conversion but to text.
    static object Convertible(object value) => value is IConvertible ? value : value.ToString()!;

    static T Run<T>(string sql, Func<DuckDBCommand, T> run)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SET TimeZone='UTC'; " + sql;
        return run(command);
    }
}
