using System.Globalization;
using Parquet;
using Parquet.Schema;

namespace BatchMl.Parquet.Tests;

/// <summary>Parquet.Net, an implementation of the format that shares no code with ours, as an oracle.</summary>
static class ParquetNet
{
    /// <summary>A column's values as text: integers and floats by value, instants in microseconds, dates in days.</summary>
    public static async Task<List<string>> ColumnAsync(ParquetReader reader, int rowGroup, string column)
    {
        using var group = reader.OpenRowGroupReader(rowGroup);
        var field = reader.Schema.GetDataFields().Single(f => f.Name == column);
        var rows = (int)group.RowCount;
        return field.ClrType switch
        {
            var t when t == typeof(string) || t == typeof(ReadOnlyMemory<char>) => await TextsAsync(group, field, rows),
            var t when t == typeof(bool) => await ValuesAsync<bool>(group, field, rows),
            var t when t == typeof(int) => await ValuesAsync<int>(group, field, rows),
            var t when t == typeof(long) => await ValuesAsync<long>(group, field, rows),
            var t when t == typeof(double) => await ValuesAsync<double>(group, field, rows),
            // It has dates as midnights.
            var t when t == typeof(DateTime) && field is DateTimeDataField { DateTimeFormat: DateTimeFormat.Date } =>
                [.. (await ValuesAsync<DateTime>(group, field, rows)).Select(v => v == Text(null) ? v : (long.Parse(v, CultureInfo.InvariantCulture) / 86_400_000_000).ToString(CultureInfo.InvariantCulture))],
            var t when t == typeof(DateTime) => await ValuesAsync<DateTime>(group, field, rows),
            var t when t == typeof(DateOnly) => await ValuesAsync<DateOnly>(group, field, rows),
            var t => throw new NotSupportedException($"{column} is {t}."),
        };
    }

    static async Task<List<string>> TextsAsync(ParquetRowGroupReader group, DataField field, int rows)
    {
        var values = new string?[rows];
        await group.ReadAsync(field, values);
        return [.. values.Select(v => Text(v))];
    }

    static async Task<List<string>> ValuesAsync<T>(ParquetRowGroupReader group, DataField field, int rows) where T : struct
    {
        if (field.IsNullable)
        {
            var nullable = new T?[rows];
            await group.ReadAsync(field, nullable.AsMemory());
            return [.. nullable.Select(v => Text(v))];
        }
        var values = new T[rows];
        await group.ReadAsync(field, values.AsMemory());
        return [.. values.Select(v => Text(v))];
    }

    public static string Text(object? value) => value switch
    {
        null => "∅",
        DateTime t => ((t.Ticks - DateTime.UnixEpoch.Ticks) / 10).ToString(CultureInfo.InvariantCulture),
        DateOnly d => (d.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber).ToString(CultureInfo.InvariantCulture),
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
