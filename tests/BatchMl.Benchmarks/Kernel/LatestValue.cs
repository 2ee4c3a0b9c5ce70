using System.Globalization;
using Apache.Arrow;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Kernel;

namespace BatchMl.Benchmarks.Kernel;

/// <summary>The latest value an hour before each flight, against DuckDB's ASOF join over rows without ties.</summary>
sealed class LatestValue(string name, int events, int spine, int keysEach, double most) : Benchmark
{
    public override string Name => name;

    public override string What => string.Create(CultureInfo.InvariantCulture, $"latest value, {events / 1e6:0.#} M events, {spine / 1e6:0.#} M spine rows, string key, tie rule; DuckDB `ASOF LEFT JOIN`");

    public override string Target => string.Create(CultureInfo.InvariantCulture, $"at most {most}x");

    public override async Task<Outcome> RunAsync(string folder)
    {
        var table = await Flights.RepeatAsync(events, FlightKey.Aircraft, keysEach);
        // Spine rows lie all over the years, not only in the first of them.
        var flights = spine == events ? table : Every(table, events / spine);
        var asOf = Flights.Later(flights.EventTime, _ => -Flights.HourMicroseconds);
        using var duck = new Duck(Environment.ProcessorCount);
        duck.Load("events", table, table.EventTime);
        duck.Load("spine", flights, asOf);

        const string sql = """
            SELECT s.ordinal, e.delay FROM spine s ASOF LEFT JOIN
            (SELECT key, ts, arg_max_null(delay, ordinal) AS delay FROM events GROUP BY key, ts) e ON s.key = e.key AND s.available >= e.ts
            """;
        IReadOnlyList<IArrowArray> Ours() => AsOfKernel.Compute(
            new EventTable { Rows = table.Rows, Keys = [table.Key], EventTime = table.EventTime, TieBreak = [table.Ordinal], Values = [table.Delay] },
            new SpineTable([flights.Key], asOf), new AsOfQuery { Latest = [new LatestSpec(0, false)], MaxThreads = Environment.ProcessorCount });
        Answers.AssertSame(Ours(), duck.Query(sql), 0);
        var keys = 0;
        var paired = Paired.Run(5, () => Ours(), () => duck.Query(sql));
        duck.Query("SELECT count(DISTINCT key) FROM events").ToList().ForEach(b => keys = (int)((Int64Array)b.Column(0)).Values[0]);
        return paired.AtMost(most, string.Create(CultureInfo.InvariantCulture, $"{keys:N0} keys; same answer, bit for bit"));
    }

    static Flights Every(Flights all, int step)
    {
        int[] rows = [.. Enumerable.Range(0, all.Rows / step).Select(i => i * step)];
        T Take<T>(T array) where T : IArrowArray => (T)BatchMl.Data.Columns.Take(array, rows);
        return new Flights(
            Take(all.Key), Take(all.EventTime), Take(all.Delay), Take(all.Late), Take(all.Destination), new Int64Array.Builder().Append([.. rows.Select((_, i) => (long)i)]).Build());
    }
}
