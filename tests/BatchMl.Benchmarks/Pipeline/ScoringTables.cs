using System.Globalization;
using BatchMl.Benchmarks.Data;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>A row with eight features.</summary>
public sealed record NarrowRow(
    long Id, DateTimeOffset At, DateOnly Day, bool? Late,
    double? F00, double? F01, double? F02, double? F03, double? F04, double? F05, double? F06, double? F07);

/// <summary>A row with 64 features.</summary>
public sealed record WideRow(
    long Id, DateTimeOffset At, DateOnly Day, bool? Late,
    double? F00, double? F01, double? F02, double? F03, double? F04, double? F05, double? F06, double? F07,
    double? F08, double? F09, double? F10, double? F11, double? F12, double? F13, double? F14, double? F15,
    double? F16, double? F17, double? F18, double? F19, double? F20, double? F21, double? F22, double? F23,
    double? F24, double? F25, double? F26, double? F27, double? F28, double? F29, double? F30, double? F31,
    double? F32, double? F33, double? F34, double? F35, double? F36, double? F37, double? F38, double? F39,
    double? F40, double? F41, double? F42, double? F43, double? F44, double? F45, double? F46, double? F47,
    double? F48, double? F49, double? F50, double? F51, double? F52, double? F53, double? F54, double? F55,
    double? F56, double? F57, double? F58, double? F59, double? F60, double? F61, double? F62, double? F63);

/// <summary>Tables of features made of the real flights, repeated, and cut into days of equal size. No randomness; the label is noisy, so that a model goes on learning.</summary>
static class ScoringTables
{
    static readonly string[] inputs =
    [
        "dep_delay", "arr_delay", "air_time", "distance", "minute", "hour", "month", "day", "hash(carrier) % 20", "hash(dest) % 110", "hash(origin) % 3",
    ];

    /// <summary>Writes a Parquet file of rows whose days are adjacent and in order.</summary>
    public static void Write(string path, long rows, int features, int days)
    {
        var flights = Path.Combine(AppContext.BaseDirectory, "flight-delays", "data", "flights.parquet");
        var perDay = rows / days;
        var columns = Enumerable.Range(0, features).Select(f => string.Create(CultureInfo.InvariantCulture,
            $"({inputs[f % inputs.Length]})::DOUBLE * {1 + f / inputs.Length} + ((id * {7919 * (f + 1)}) % 1000) / 1000.0 AS f{f:00}"));
        using var duck = new Duck(Environment.ProcessorCount);
        // Row order is the days' order, so it has to be kept; the flights are repeated by their row number.
        duck.Execute(string.Create(CultureInfo.InvariantCulture, $"""
            SET preserve_insertion_order=true;
            CREATE TABLE year AS SELECT row_number() OVER () - 1 AS n, * FROM '{flights}';
            COPY (SELECT id, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_days((id // {perDay})::INT) + to_microseconds((id % {perDay}) * (86400000000 // {perDay})) AS at,
                    DATE '2024-01-01' + (id // {perDay})::INT AS day, (id * 7919) % 100 < 20 + least(coalesce(dep_delay, 0), 100) / 3 AS late, {string.Join(", ", columns)}
                  FROM range({perDay * days}) r(id) JOIN year ON n = id % 336776) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
            """));
    }
}
