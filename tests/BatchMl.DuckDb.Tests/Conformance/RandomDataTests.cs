using BatchMl.Kernel;

namespace BatchMl.DuckDb.Tests.Conformance;

/// <summary>The kernel against DuckDB's ASOF join, RANGE windows and range joins on 20,000 events and 20,000 spine rows.</summary>
public sealed class RandomDataTests
{
    const long Hour = 3_600_000_000;

    // Values are eighths, so that DuckDB's plain double sums are exact too. hash() is DuckDB's own and has no seed to vary.
    const string Tables = """
        CREATE TABLE events AS
            SELECT i AS id, 'k' || (hash(i) % 60)::VARCHAR AS k, ((hash(i + 1000000) % 2000) * 1800000000)::BIGINT AS happened,
                   CASE WHEN hash(i + 2000000) % 20 = 0 THEN NULL ELSE happened + ((hash(i + 3000000) % 13)::BIGINT - 3) * 1800000000 END AS known,
                   CASE WHEN hash(i + 4000000) % 10 = 0 THEN NULL ELSE ((hash(i + 5000000) % 4000)::BIGINT - 2000) / 8.0 END::DOUBLE AS v
            FROM range(20000) t(i);
        CREATE TABLE spine AS
            SELECT i AS id, 'k' || (hash(i + 6000000) % 62)::VARCHAR AS k, ((hash(i + 7000000) % 2100) * 1800000000)::BIGINT AS t
            FROM range(20000) t(i);
        """;

    [Fact]
    public void Latest_values_equal_an_asof_join()
    {
        using var duck = Loaded(out var events, out var spine);
        var actual = AsOfKernel.Compute(events with { AvailableAt = null }, spine, new AsOfQuery { Latest = [new LatestSpec(1, false), new LatestSpec(0, false)], Ttl = 6 * Hour });
        var expected = duck.Read($"""
            SELECT CASE WHEN e.happened >= s.t - {6 * Hour} THEN e.id END AS id, CASE WHEN e.happened >= s.t - {6 * Hour} THEN e.v END AS v
            FROM spine s ASOF LEFT JOIN (FROM events QUALIFY row_number() OVER (PARTITION BY k, happened ORDER BY id DESC) = 1) e ON s.k = e.k AND s.t >= e.happened
            ORDER BY s.id
            """);
        DuckDbOracle.Same(expected["id"], actual[0]);
        DuckDbOracle.Same(expected["v"], actual[1]);
    }

    [Fact]
    public void Latest_values_as_known_equal_a_range_join()
    {
        using var duck = Loaded(out var events, out var spine);
        var actual = AsOfKernel.Compute(events, spine, new AsOfQuery { Latest = [new LatestSpec(1, false), new LatestSpec(0, true)] });
        var expected = duck.Read("""
            SELECT arg_max(e.id, (e.happened, e.known, e.id)) AS id, arg_max(e.v, (e.happened, e.known, e.id)) FILTER (e.v IS NOT NULL) AS v
            FROM spine s LEFT JOIN events e ON s.k = e.k AND e.known IS NOT NULL AND greatest(e.happened, e.known) <= s.t
            GROUP BY s.id ORDER BY s.id
            """);
        DuckDbOracle.Same(expected["id"], actual[0]);
        DuckDbOracle.Same(expected["v"], actual[1]);
    }

    [Fact]
    public void Windows_equal_range_windows()
    {
        using var duck = Loaded(out var events, out var spine);
        var actual = AsOfKernel.Compute(events with { AvailableAt = null }, spine, new AsOfQuery
        {
            Windows = [new WindowAggregates(new WindowSpec(12 * Hour, 0, WindowConvention.Closed), Sums), new WindowAggregates(new WindowSpec(12 * Hour), Sums)],
        });
        var expected = duck.Read($"""
            WITH timeline AS (SELECT k, happened AS t, v, id AS event, NULL AS spine FROM events UNION ALL SELECT k, t, NULL, NULL, id FROM spine)
            SELECT count(event) OVER closed AS n1, sum(v) OVER closed AS s1, avg(v) OVER closed AS a1, min(v) OVER closed AS i1, max(v) OVER closed AS x1,
                   count(event) OVER half AS n2, sum(v) OVER half AS s2, avg(v) OVER half AS a2, min(v) OVER half AS i2, max(v) OVER half AS x2, spine
            FROM timeline
            WINDOW closed AS (PARTITION BY k ORDER BY t RANGE BETWEEN {12 * Hour} PRECEDING AND CURRENT ROW),
                   half AS (PARTITION BY k ORDER BY t RANGE BETWEEN {12 * Hour - 1} PRECEDING AND CURRENT ROW)
            QUALIFY spine IS NOT NULL ORDER BY spine
            """);
        string[] names = ["n1", "s1", "a1", "i1", "x1", "n2", "s2", "a2", "i2", "x2"];
        for (var i = 0; i < names.Length; i++)
            DuckDbOracle.Same(expected[names[i]], actual[i]);
    }

    [Theory]
    [InlineData(WindowConvention.OpenClosed, WindowAxis.EventTime, 0, "e.happened > s.t - 43200000000 AND e.happened <= s.t")]
    [InlineData(WindowConvention.ClosedOpen, WindowAxis.EventTime, 0, "e.happened >= s.t - 43200000000 AND e.happened < s.t")]
    [InlineData(WindowConvention.Closed, WindowAxis.EventTime, 7_200_000_000, "e.happened >= s.t - 50400000000 AND e.happened <= s.t - 7200000000")]
    [InlineData(WindowConvention.OpenClosed, WindowAxis.EffectiveAt, 0, "greatest(e.happened, e.known) > s.t - 43200000000")]
    public void Windows_as_known_equal_a_range_join(WindowConvention convention, WindowAxis axis, long endsBefore, string inside)
    {
        using var duck = Loaded(out var events, out var spine);
        var actual = AsOfKernel.Compute(events, spine, new AsOfQuery
        {
            Windows = [new WindowAggregates(new WindowSpec(12 * Hour, endsBefore, convention, axis),
                [.. Sums, new(AggregateKind.DistinctCount, 0), new(AggregateKind.First, 1), new(AggregateKind.Last, 1), new(AggregateKind.Std, 0), new(AggregateKind.Quantile, 0, 0.25)])],
        });
        var expected = duck.Read($"""
            SELECT count(e.id) AS n, sum(e.v) AS s, avg(e.v) AS a, min(e.v) AS i, max(e.v) AS x, count(DISTINCT e.v) AS d,
                   arg_min(e.id, (e.happened, e.known, e.id)) AS f, arg_max(e.id, (e.happened, e.known, e.id)) AS l, stddev_samp(e.v) AS sd, quantile_cont(e.v, 0.25) AS q
            FROM spine s LEFT JOIN events e ON s.k = e.k AND e.known IS NOT NULL AND greatest(e.happened, e.known) <= s.t AND {inside}
            GROUP BY s.id ORDER BY s.id
            """);
        string[] exact = ["n", "s", "a", "i", "x", "d", "f", "l"];
        for (var i = 0; i < exact.Length; i++)
            DuckDbOracle.Same(expected[exact[i]], actual[i]);
        DuckDbOracle.Same(expected["sd"], actual[8], tolerance: 1e-12);
        DuckDbOracle.Same(expected["q"], actual[9], tolerance: 1e-12);
    }

    [Fact]
    public void The_result_does_not_depend_on_threads()
    {
        using var duck = Loaded(out var events, out var spine);
        var query = new AsOfQuery { Latest = [new LatestSpec(0, true)], Windows = [new WindowAggregates(new WindowSpec(12 * Hour), Sums)] };
        var one = AsOfKernel.Compute(events, spine, query);
        foreach (var threads in (int[])[2, 3, 8])
        {
            var many = AsOfKernel.Compute(events, spine, query with { MaxThreads = threads });
            for (var i = 0; i < one.Count; i++)
                DuckDbOracle.Same(one[i], many[i]);
        }
    }

    static IReadOnlyList<AggregateSpec> Sums =>
        [new(AggregateKind.Count, -1), new(AggregateKind.Sum, 0), new(AggregateKind.Mean, 0), new(AggregateKind.Min, 0), new(AggregateKind.Max, 0)];

    static DuckDbOracle Loaded(out EventTable events, out SpineTable spine)
    {
        var duck = new DuckDbOracle();
        duck.Execute(Tables);
        var e = duck.Read("SELECT id, k, happened, known, v FROM events ORDER BY hash(id)");
        var s = duck.Read("SELECT k, t FROM spine ORDER BY id");
        events = new EventTable
        {
            Rows = 20_000,
            Keys = [e["k"]],
            EventTime = DuckDbOracle.Instants(e["happened"]),
            AvailableAt = DuckDbOracle.Instants(e["known"]),
            TieBreak = [e["id"]],
            Values = [e["v"], e["id"]],
        };
        spine = new SpineTable([s["k"]], DuckDbOracle.Instants(s["t"]));
        return duck;
    }
}
