using System.Globalization;
using System.Text.Json;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Jobs.Tests;

/// <summary>The main job's results on real data, against DuckDB's SQL as an independent oracle.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class FlightDelaysTests(FlightDelaysRun run)
{
    string Glob(string dataset) => Path.Combine(run.Workspace, "datasets", "flight-delays", dataset, "*", "part-*.parquet");

    static string Flights => Path.Combine(Workspaces.Data, "flights.parquet");

    [Fact]
    public async Task The_run_completes_with_92_scored_days_and_a_row_for_every_flight()
    {
        Assert.True(run.ExitCode == 0, run.Output);
        var scored = await Workspaces.LedgerAsync(run.Workspace, "flight-delays/score");
        Assert.Equal(92, scored.Count);
        Assert.All(scored, e => Assert.True(e.IsPublished && e.Lease is null));
        Assert.Equal("2013-10-01", scored[0].Key.Value);
        Assert.Equal("2013-12-31", scored[^1].Key.Value);
        // The table's own year, month, day are the local date of the scheduled departure.
        var flights = Duck.Ask<long>($"SELECT count(*) FROM '{Flights}' WHERE month >= 10");
        Assert.Equal(flights, scored.Sum(e => e.Committed!.Staged.Rows));
        Assert.Equal(flights, Duck.Ask<long>($"SELECT count(*) FROM '{Glob("score")}'"));
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM '{Glob("score")}' WHERE NOT (score > 0 AND score < 1)"));
        Assert.Equal(0, Duck.Ask<long>(
            $"SELECT count(*) FROM (SELECT month, day, count(*) n FROM '{Flights}' WHERE month >= 10 GROUP BY ALL) f FULL JOIN (SELECT month(flight_date) m, day(flight_date) d, count(*) n "
            + $"FROM read_parquet('{Glob("score")}', hive_partitioning = true) GROUP BY ALL) s ON f.month = s.m AND f.day = s.d WHERE f.n IS DISTINCT FROM s.n"));
    }

    [Fact]
    public void Labels_are_late_arrivals_and_splits_follow_when_they_were_known()
    {
        var expected = $"""
            SELECT origin, carrier, flight, time_hour + to_minutes(minute - 60) AS as_of, arr_delay > 15 AS late,
              time_hour + to_minutes(minute + dep_delay::BIGINT) + to_minutes(air_time::BIGINT + 30) AS known
            FROM '{Flights}' WHERE arr_delay IS NOT NULL AND air_time IS NOT NULL AND dep_delay IS NOT NULL
            """;
        var labelled = $"""
            SELECT *, CASE WHEN known < '2013-08-01 04:00:00Z' THEN 'train'
              WHEN as_of >= TIMESTAMPTZ '2013-08-02 04:00:00Z' AND known < '2013-09-01 04:00:00Z' THEN 'validation'
              WHEN as_of >= TIMESTAMPTZ '2013-09-02 04:00:00Z' AND known < '2013-10-01 04:00:00Z' THEN 'test' END AS split FROM ({expected})
            """;
        foreach (var split in new[] { "train", "validation", "test" })
        {
            Assert.Equal(
                Duck.Ask<string>($"SELECT count(*) || ' ' || sum(late::INT) FROM ({labelled}) WHERE split = '{split}'"),
                Duck.Ask<string>($"SELECT count(*) || ' ' || sum(late::INT) FROM '{Glob("training-set")}' WHERE split = '{split}'"));
        }
    }

    [Theory]
    [InlineData("origin_departures_3h", "count(*)", "origin", 3)]
    [InlineData("origin_delay_max_24h", "max(e.dep_delay)", "origin", 24)]
    [InlineData("origin_late_share_3h", "avg((e.dep_delay > 15)::INT)", "origin", 3)]
    [InlineData("carrier_delay_mean_7d", "avg(e.dep_delay)", "carrier", 168)]
    [InlineData("dest_departures_24h", "count(*)", "dest", 24)]
    public void Windows_equal_a_range_join_in_SQL(string feature, string aggregate, string key, int hours)
    {
        // A sample of rows by hash; every one must agree.
        var different = Duck.Ask<long>($"""
            WITH spine AS (SELECT row_number() OVER () AS id, * FROM '{Glob("training-set")}' WHERE hash(origin, carrier, flight, as_of) % 400 = 0),
            events AS (SELECT *, time_hour + to_minutes(minute) AS happened, time_hour + to_minutes(minute + dep_delay::BIGINT) AS known FROM '{Flights}' WHERE dep_delay IS NOT NULL),
            expected AS (SELECT s.id, {aggregate} AS v FROM spine s JOIN events e ON e.{key} = s.{key} AND e.happened > s.as_of - to_hours({hours}) AND e.happened <= s.as_of AND e.known <= s.as_of GROUP BY s.id)
            SELECT count(*) FROM spine s LEFT JOIN expected x ON x.id = s.id
            WHERE NOT (s.{feature} IS NOT DISTINCT FROM x.v OR abs(s.{feature} - x.v) < 1e-9 OR (x.v IS NULL AND s.{feature} = 0 AND '{aggregate}' = 'count(*)'))
            """);
        Assert.Equal(0, different);
        Assert.True(Duck.Ask<long>($"SELECT count(*) FROM '{Glob("training-set")}' WHERE {feature} > 0") > 100_000);
    }

    [Fact]
    public void The_previous_flight_of_a_plane_is_the_latest_known_one()
    {
        var different = Duck.Ask<long>($"""
            WITH spine AS (SELECT row_number() OVER () AS id, * FROM '{Glob("training-set")}' WHERE tailnum IS NOT NULL AND hash(tailnum, as_of) % 50 = 0),
            events AS (SELECT *, time_hour + to_minutes(minute) AS happened, time_hour + to_minutes(minute + dep_delay::BIGINT) AS known FROM '{Flights}' WHERE dep_delay IS NOT NULL AND tailnum IS NOT NULL),
            expected AS (SELECT s.id, max_by(e.dep_delay, (greatest(e.happened, e.happened), e.known)) AS v, max(e.happened) AS h
              FROM spine s JOIN events e ON e.tailnum = s.tailnum AND greatest(e.happened, e.known) <= s.as_of GROUP BY s.id)
            SELECT count(*) FROM spine s LEFT JOIN expected x ON x.id = s.id
            WHERE s.previous_dep_delay IS DISTINCT FROM x.v OR abs(coalesce(s.hours_since_previous, -1) - coalesce(epoch(s.as_of - x.h) / 3600.0, -1)) > 1e-9
            """);
        Assert.Equal(0, different);
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM '{Glob("training-set")}' WHERE tailnum IS NULL AND (previous_dep_delay IS NOT NULL OR seats IS NOT NULL)"));
    }

    [Fact]
    public void Weather_is_known_an_hour_after_it_was_observed_and_forgotten_after_six()
    {
        var weather = Path.Combine(Workspaces.Data, "weather.parquet");
        Assert.Equal(0, Duck.Ask<long>($"""
            WITH spine AS (SELECT row_number() OVER () AS id, * FROM '{Glob("training-set")}' WHERE hash(origin, carrier, flight, as_of) % 40 = 0),
            expected AS (SELECT s.id, max_by(w.temp, w.time_hour) AS temp, max_by(w.humid, w.time_hour) AS humid
              FROM spine s JOIN (SELECT *, time_hour + to_hours(1) AS known FROM '{weather}') w
              ON w.origin = s.origin AND w.known <= s.as_of AND w.time_hour >= s.as_of - to_hours(6) GROUP BY s.id)
            SELECT count(*) FROM spine s LEFT JOIN expected x ON x.id = s.id WHERE s.temp IS DISTINCT FROM x.temp OR s.humid IS DISTINCT FROM x.humid
            """));
    }

    [Fact]
    public void Calendar_features_are_New_York_time()
    {
        // hour, month, day of the source are local; the training set's come from UTC instants through the zone, daylight saving included.
        Assert.Equal(0, Duck.Ask<long>($"""
            SELECT count(*) FROM (SELECT DISTINCT carrier, flight, origin, dest, as_of, local_hour, month, weekday FROM '{Glob("training-set")}') t
            LEFT JOIN (SELECT carrier, flight, origin, dest, time_hour + to_minutes(minute - 60) AS as_of, hour, month, dayofweek(make_date(year, month, day)) AS weekday FROM '{Flights}') f
            USING (carrier, flight, origin, dest, as_of) WHERE t.local_hour IS DISTINCT FROM f.hour OR t.month IS DISTINCT FROM f.month OR t.weekday IS DISTINCT FROM f.weekday
            """));
    }

    [Fact]
    public void The_recipe_counts_what_the_training_set_holds()
    {
        var folder = Path.Combine(run.Workspace, "datasets", "flight-delays", "training-set");
        var recipe = JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(folder, "_recipe-*.json", SearchOption.AllDirectories).Single())).RootElement;
        Assert.Equal(Duck.Ask<long>($"SELECT count(*) FROM '{Glob("training-set")}'"), recipe.GetProperty("rows").GetInt64());
        Assert.Equal(Duck.Ask<long>($"SELECT count(*) FROM '{Flights}' WHERE month < 10"), recipe.GetProperty("spine_rows").GetInt64());
        Assert.Equal(
            Duck.Ask<double>($"SELECT 1 - count(wind_gust) / count(*)::DOUBLE FROM '{Glob("training-set")}'"), recipe.GetProperty("null_share").GetProperty("wind_gust").GetDouble(), 12);
        Assert.Equal(3, recipe.GetProperty("inputs").GetArrayLength());
    }

    [Fact]
    public void Reported_metrics_equal_those_recomputed_from_the_scores()
    {
        var rows = Path.Combine(run.Workspace, "datasets", "flight-delays", "monitor", "*", "part-*.parquet");
        // Mann-Whitney by ranks with ties halved, over one day's scores and the flights' own arrival delays.
        var day = Path.Combine(run.Workspace, "datasets", "flight-delays", "score", "flight_date=2013-12-05", "part-*.parquet");
        var expected = Duck.Ask<double>($"""
            WITH labelled AS (SELECT s.score, (f.arr_delay > 15)::INT AS y FROM '{day}' s
              JOIN (SELECT *, time_hour + to_minutes(minute - 60) AS as_of FROM '{Flights}') f USING (carrier, flight, origin, dest, as_of) WHERE f.arr_delay IS NOT NULL AND f.air_time IS NOT NULL),
            ranked AS (SELECT y, rank() OVER (ORDER BY score) + (count(*) OVER (PARTITION BY score) - 1) / 2.0 AS r FROM labelled)
            SELECT (sum(r) FILTER (y = 1) - sum(y) * (sum(y) + 1) / 2.0) / (sum(y) * (count(*) - sum(y))) FROM ranked
            """);
        Assert.Equal(expected, Duck.Ask<double>($"SELECT value FROM read_parquet('{rows}', hive_partitioning = true) WHERE flight_date = '2013-12-05' AND metric = 'auc'"), 9);
        Assert.InRange(expected, 0.6, 0.95);
    }

    [Fact]
    public async Task A_second_run_redoes_nothing()
    {
        var before = Directory.GetFiles(Path.Combine(run.Workspace, "datasets"), "*", SearchOption.AllDirectories).ToDictionary(f => f, File.GetLastWriteTimeUtc);
        using var again = await JobsProcess.RunAsync("run", "flight-delays", "--workspace", run.Workspace, "--json");
        Assert.True(again.ExitCode == 0, again.Error);
        var summary = JsonDocument.Parse(again.Output).RootElement;
        Assert.All(summary.GetProperty("steps").EnumerateArray(), s => Assert.Equal(0, s.GetProperty("done").GetInt32()));
        Assert.Equal(before, Directory.GetFiles(Path.Combine(run.Workspace, "datasets"), "*", SearchOption.AllDirectories).ToDictionary(f => f, File.GetLastWriteTimeUtc));
    }

    [Fact]
    public async Task Every_committed_partition_has_one_COMPLETE_and_every_attempt_one_end()
    {
        var events = Workspaces.Events(run.Workspace).Select(e => (
            Type: e.GetProperty("eventType").GetString()!, Run: e.GetProperty("run").GetProperty("runId").GetString()!, Job: e.GetProperty("job").GetProperty("name").GetString()!)).ToArray();
        Assert.All(events.GroupBy(e => e.Run), g =>
        {
            Assert.Equal(1, g.Count(e => e.Type == "START"));
            Assert.Equal(1, g.Count(e => e.Type is "COMPLETE" or "FAIL" or "ABORT"));
        });
        foreach (var job in new[] { "training-set", "score", "monitor" })
        {
            var name = $"flight-delays/{job}";
            Assert.Equal((await Workspaces.LedgerAsync(run.Workspace, name)).Count, events.Count(e => e.Job == name && e.Type == "COMPLETE"));
        }
    }

    [Fact]
    public async Task The_report_is_one_self_contained_page()
    {
        var html = await File.ReadAllTextAsync(Path.Combine(run.Workspace, "reports", "flight-delays", "monitor.html"), TestContext.Current.CancellationToken);
        Assert.Contains("<svg", html, StringComparison.Ordinal);
        Assert.DoesNotContain("src=\"http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<link", html, StringComparison.Ordinal);
        Assert.Contains("flight-delays@1", html, StringComparison.Ordinal);
    }
}
