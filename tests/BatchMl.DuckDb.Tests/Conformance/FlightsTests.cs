using BatchMl.Kernel;
using BatchMl.TestSupport;

namespace BatchMl.DuckDb.Tests.Conformance;

/// <summary>The kernel against DuckDB on the flights and the weather of New York, 2013.</summary>
public sealed class FlightsTests
{
    const long Minute = 60_000_000, Hour = 60 * Minute;

    [Fact]
    public void Weather_at_every_departure_equals_an_asof_join()
    {
        using var duck = Loaded();
        // An observation is known an hour after its time. Two rows of one instant (November's double hour) are told apart by the row number.
        duck.Execute($"CREATE TABLE weather AS SELECT row_number() OVER () AS id, origin, epoch_us(time_hour) AS happened, happened + {Hour} AS known, temp::DOUBLE AS temp, wind_gust::DOUBLE AS gust FROM read_parquet('{Shared.Path("data/nycflights13/weather.parquet")}')");
        var weather = duck.Read("FROM weather");
        var actual = AsOfKernel.Compute(
            new EventTable
            {
                Rows = weather["id"].Length,
                Keys = [weather["origin"]],
                EventTime = DuckDbOracle.Instants(weather["happened"]),
                AvailableAt = DuckDbOracle.Instants(weather["known"]),
                TieBreak = [weather["id"]],
                Values = [weather["temp"], weather["gust"]],
            },
            Spine(duck, "origin", "true"), new AsOfQuery { Latest = [new LatestSpec(0, false), new LatestSpec(1, true)], Ttl = 6 * Hour });
        foreach (var (column, condition, result) in (ReadOnlySpan<(string, string, int)>)[("temp", "true", 0), ("gust", "gust IS NOT NULL", 1)])
        {
            var expected = duck.Read($"""
                SELECT CASE WHEN w.happened >= f.as_of - {6 * Hour} THEN w.{column} END AS v
                FROM flights f ASOF LEFT JOIN (FROM weather WHERE {condition} QUALIFY row_number() OVER (PARTITION BY origin, known ORDER BY id DESC) = 1) w
                ON f.origin = w.origin AND f.as_of >= w.known ORDER BY f.id
                """);
            DuckDbOracle.Same(expected["v"], actual[result]);
        }
    }

    [Fact]
    public void Delays_as_known_an_hour_before_departure_equal_a_range_join()
    {
        using var duck = Loaded();
        var actual = AsOfKernel.Compute(Departures(duck, "origin"), Spine(duck, "origin", "month = 2 AND day BETWEEN 8 AND 10"), new AsOfQuery
        {
            Windows = [new WindowAggregates(new WindowSpec(3 * Hour), Delays), new WindowAggregates(new WindowSpec(24 * Hour), Delays)],
        });
        string[] names = ["n", "mean", "late", "max"];
        for (var w = 0; w < 2; w++)
        {
            var expected = duck.Read($"""
                SELECT count(e.id) AS n, avg(e.delay) AS mean, avg(CASE WHEN e.delay > 15 THEN 1.0 WHEN e.delay IS NOT NULL THEN 0.0 END)::DOUBLE AS late, max(e.delay) AS max
                FROM flights f LEFT JOIN (FROM flights WHERE month = 2) e
                ON f.origin = e.origin AND e.known IS NOT NULL AND greatest(e.happened, e.known) <= f.as_of AND e.happened > f.as_of - {(w == 0 ? 3 : 24) * Hour} AND e.happened <= f.as_of
                WHERE f.month = 2 AND f.day BETWEEN 8 AND 10 GROUP BY f.id ORDER BY f.id
                """);
            for (var i = 0; i < names.Length; i++)
                DuckDbOracle.Same(expected[names[i]], actual[w * names.Length + i]);
        }
    }

    [Fact]
    public void A_carriers_week_equals_range_windows_over_the_whole_year()
    {
        using var duck = Loaded();
        var actual = AsOfKernel.Compute(Departures(duck, "carrier") with { AvailableAt = null }, Spine(duck, "carrier", "true"), new AsOfQuery
        {
            Windows = [new WindowAggregates(new WindowSpec(7 * 24 * Hour), Delays)],
        });
        var expected = duck.Read($"""
            WITH timeline AS (SELECT carrier, happened AS t, delay, id AS event, NULL AS spine FROM flights UNION ALL SELECT carrier, as_of, NULL, NULL, id FROM flights)
            SELECT count(event) OVER week AS n, avg(delay) OVER week AS mean, max(delay) OVER week AS max, spine FROM timeline
            WINDOW week AS (PARTITION BY carrier ORDER BY t RANGE BETWEEN {7 * 24 * Hour - 1} PRECEDING AND CURRENT ROW)
            QUALIFY spine IS NOT NULL ORDER BY spine
            """);
        DuckDbOracle.Same(expected["n"], actual[0]);
        DuckDbOracle.Same(expected["mean"], actual[1]);
        DuckDbOracle.Same(expected["max"], actual[3]);
    }

    static IReadOnlyList<AggregateSpec> Delays => [new(AggregateKind.Count, -1), new(AggregateKind.Mean, 0), new(AggregateKind.Share, 1), new(AggregateKind.Max, 0)];

    static DuckDbOracle Loaded()
    {
        var path = Shared.Path("data/nycflights13/flights.parquet");
        var duck = new DuckDbOracle();
        duck.Execute($"""
            CREATE TABLE flights AS
            SELECT row_number() OVER () AS id, month, day, origin, carrier, dep_delay::DOUBLE AS delay,
                   epoch_us(time_hour) + minute::BIGINT * {Minute} AS happened, happened - {Hour} AS as_of, happened + dep_delay::BIGINT * {Minute} AS known
            FROM read_parquet('{path}')
            """);
        return duck;
    }

    static EventTable Departures(DuckDbOracle duck, string key)
    {
        var flights = duck.Read($"SELECT id, {key} AS k, happened, known, delay, delay > 15 AS late FROM flights");
        return new EventTable
        {
            Rows = flights["id"].Length,
            Keys = [flights["k"]],
            EventTime = DuckDbOracle.Instants(flights["happened"]),
            AvailableAt = DuckDbOracle.Instants(flights["known"]),
            TieBreak = [flights["id"]],
            Values = [flights["delay"], flights["late"]],
        };
    }

    static SpineTable Spine(DuckDbOracle duck, string key, string where)
    {
        var rows = duck.Read($"SELECT {key} AS k, as_of FROM flights WHERE {where} ORDER BY id");
        return new SpineTable([rows["k"]], DuckDbOracle.Instants(rows["as_of"]));
    }
}
