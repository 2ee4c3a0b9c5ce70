using System.Data;
using System.Text.Json;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Reads rows. A value that is none which was ever written is damage, and told apart from mistakes of the program.</summary>
static class Rows
{
    public static List<T> Read<TRow, T>(IDbTransaction t, string sql, object? parameters, Func<TRow, T> record) => Reading(() => t.Connection!.Query<TRow>(sql, parameters, t).Select(record).ToList());

    /// <summary>The one value of a query; null or the default: it has none.</summary>
    public static T? Value<T>(IDbTransaction t, string sql, object? parameters = null) => Reading(() => t.Connection!.QuerySingleOrDefault<T>(sql, parameters, t));

    /// <summary>Goes through rows without having them all in memory.</summary>
    public static void ForEach<TRow>(IDbTransaction t, string sql, Func<TRow, bool> goOn) => Reading(() => t.Connection!.Query<TRow>(sql, transaction: t, buffered: false).All(goOn));

    static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException or InvalidCastException or OverflowException or System.Data.DataException or InvalidOperationException && e.GetBaseException() is not IOException)
        {
            throw new DamagedValueException(e);
        }
    }
}

/// <summary>The database is in order, but a value in it is none that was ever written.</summary>
sealed class DamagedValueException(Exception inner) : Exception(inner.Message, inner);
