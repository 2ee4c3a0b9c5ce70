using BatchMl.Core.Tests.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Definitions;

public sealed record Weather(string Origin, DateTimeOffset TimeHour, double? Temp, double? WindGust);

public sealed record Plan(string CustomerId, string Name, DateTimeOffset From, DateTimeOffset? To, DateTimeOffset? ClosedAt);

public sealed record Order(string OrderId, string CustomerId, DateTimeOffset At, DateTimeOffset? LoadedAt, bool IsDeleted, double Amount);

public sealed record Odd(string Name, decimal Price, Guid Id, int URLPath, int OrderID, [property: Column("name")] string? Other);

public sealed class DefinitionsTests
{
    static readonly Source<Flight> Departures = Source.Bind<Flight>("flights")
        .EventTime(f => f.TimeHour.AddMinutes(f.Minute))
        .AvailableAt(f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay))
        .TieBreak(f => new { f.Carrier, f.Flight_ });

    [Fact]
    public void The_definitions_of_the_design_can_be_written()
    {
        Assert.Equal("AddMinutes(time_hour, (double(minute) + dep_delay))", Departures.AvailableAtExpr!.ToString());
        Assert.Equal(2, Departures.TieBreakExprs.Count);
        var delays = FeatureView.Of(Departures, key: f => f.Origin)
            .Window("dep_delay_mean_3h", hours: 3, value: w => w.Mean(f => f.DepDelay))
            .Window("late_share_24h", hours: 24, value: w => w.Share(f => f.DepDelay > 15));
        Assert.Equal(["dep_delay_mean_3h", "late_share_24h"], delays.Features.Select(f => f.Name));
        Assert.Equal(10_800_000_000, ((WindowFeature)delays.Features[0]).Window.Length);
        var weather = FeatureView.Of(Source.Bind<Weather>("weather").EventTime(w => w.TimeHour).AvailableAt(w => w.TimeHour.AddHours(1)), key: w => w.Origin)
            .Latest(w => w.Temp).LatestNonNull(w => w.WindGust).Latest(w => w.Temp * 2, name: "temp2").Ttl(hours: 6);
        Assert.Equal(["temp", "wind_gust", "temp2"], weather.Features.Select(f => f.Name));
        Assert.Equal(21_600_000_000, weather.TtlMicroseconds);
        var plans = Source.Bind<Plan>("plans").Valid(p => p.From, p => p.To, closedKnownAt: p => p.ClosedAt);
        Assert.Equal("closed_at", plans.Validity!.ClosedKnownAt!.ToString());
        var orders = Source.Bind<Order>("orders").EventTime(o => o.At).AvailableAt(o => o.LoadedAt).Fact(o => o.OrderId, deleted: o => o.IsDeleted);
        Assert.Equal("is_deleted", orders.DeletedExpr!.ToString());
        var customers = Spine.Population(plans, where: p => p.Name != "free", at: Calendar.Daily("02:00", "Europe/Berlin"));
        Assert.Equal("(name <> 'free')", customers.WhereExpr!.ToString());
        var churned = Label.Future("churned", orders, key: o => o.CustomerId, days: 30, value: w => w.Count() == 0);
        Assert.Equal("($0 = 0)", churned.Result.ToString());
        var service = FeatureService.Of("churn", version: 1, delays, weather).Derive("trend", row => row.Number("n30") / row.Number("prev30"));
        Assert.Equal("(n30 / prev30)", service.Derived[0].Expr.ToString());
    }

    [Fact]
    public void A_record_type_says_its_columns()
    {
        Assert.Equal(
            [new("customer_id", ColumnType.String, false), new("name", ColumnType.String, false), new("from", ColumnType.Timestamp, false), new("to", ColumnType.Timestamp, true), new("closed_at", ColumnType.Timestamp, true)],
            RecordColumns.Of(typeof(Plan)));
        Assert.Equal("url_path", RecordColumns.Of(typeof(Odd).GetProperty("URLPath")!).Name);
        Assert.Equal("order_id", RecordColumns.Of(typeof(Odd).GetProperty("OrderID")!).Name);
        Assert.True(RecordColumns.Of(typeof(Flight).GetProperty("Tailnum")!).Nullable);
    }

    [Fact]
    public void All_that_is_wrong_with_a_record_type_is_said_at_once()
    {
        var problems = Assert.Throws<DefinitionException>(() => Source.Bind<Odd>("odd")).Problems;
        Assert.Equal(3, problems.Count);
        Assert.StartsWith("Odd.Price is of type Decimal, which is not a column's; allowed are bool, int,", problems[0]);
        Assert.StartsWith("Odd.Id is of type Guid", problems[1]);
        Assert.Equal("Odd: properties Name and Other are both column 'name'; give one another name with [Column(\"…\")].", problems[2]);
    }

    [Fact]
    public void All_that_is_wrong_with_a_window_is_said_at_once()
    {
        var view = FeatureView.Of(Departures, f => f.Origin).Window("n", w => w.Count(), hours: 1);
        var problems = Assert.Throws<DefinitionException>(() => view.Window("n", w => w.Quantile(2, f => f.DepDelay), hours: -1, endsHoursBefore: double.NaN)).Problems;
        Assert.Equal(4, problems.Count);
        Assert.Equal("window 'n': the view has a feature of this name already; give one of them another name.", problems[0]);
        Assert.Equal("window 'n': got length of -1 hours and 0 days, expected more than zero (hours or days) and at most 292,000 years.", problems[1]);
        Assert.Contains("endsHoursBefore of NaN hours", problems[2]);
        Assert.Contains("got the quantile 2, expected 0 to 1", problems[3]);
        Assert.Throws<DefinitionException>(() => view.Ttl(hours: -1));
        Assert.Throws<DefinitionException>(() => view.Latest(f => f.DepDelay, name: "n"));
        Assert.Throws<DefinitionException>(() => view.Latest(f => f.DepDelay, name: "$0"));
        Assert.Contains("has no name", Assert.Throws<DefinitionException>(() => view.Latest(f => f.DepDelay * 2)).Message);
        Assert.Contains("label 'n': got horizon", Assert.Throws<DefinitionException>(() => Label.Future("n", Departures, f => f.Origin, 0, w => w.Count())).Message);
        Assert.Equal(2, Assert.Throws<DefinitionException>(() => Calendar.Daily("24:00", "Mars/Base")).Problems.Count);
    }

    [Fact]
    public void Joins_and_spines_are_checked_when_they_are_written()
    {
        var view = FeatureView.Of(Departures, f => new { f.Carrier, f.Dest });
        Assert.Equal(
            "The view of 'flights' by (carrier, dest) is joined on (carrier); expected 2 columns, one for each part of its key.",
            Assert.Throws<DefinitionException>(() => view.On("carrier")).Message);
        Assert.Contains("two columns 'carrier'", Assert.Throws<DefinitionException>(() => Spine.From(Departures).Key(f => f.Carrier).Select(f => new { f.Carrier, f.Dest })).Message);
    }

    static string[] Instants(Calendar calendar, string from, string to) =>
        [.. calendar.Between(At(from), At(to)).Select(i => Clock.ToDateTime(i).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture))];

    static long At(string text) => Clock.FromTicks(DateTimeOffset.Parse(text + "Z", System.Globalization.CultureInfo.InvariantCulture).UtcTicks);

    [Fact]
    public void A_local_time_that_is_skipped_is_taken_after_the_gap_and_a_repeated_one_the_first_time()
    {
        var berlin = Calendar.Daily("02:30", "Europe/Berlin");
        Assert.Equal(["2013-03-30 01:30", "2013-03-31 01:00", "2013-04-01 00:30"], Instants(berlin, "2013-03-30 00:00", "2013-04-02 00:00"));
        Assert.Equal(["2013-10-26 00:30", "2013-10-27 00:30", "2013-10-28 01:30"], Instants(berlin, "2013-10-26 00:00", "2013-10-29 00:00"));
        Assert.Equal(["2011-12-30 01:00", "2011-12-30 10:00", "2011-12-30 11:00"], Instants(Calendar.Daily("15:00", "Pacific/Apia"), "2011-12-30 00:00", "2011-12-30 12:00").Concat(Instants(Calendar.Daily("01:00", "Pacific/Apia"), "2011-12-30 10:30", "2011-12-30 12:00")));
    }

    [Fact]
    public void A_calendar_begins_inclusive_and_ends_exclusive()
    {
        var utc = Calendar.Daily("02:00", "UTC");
        Assert.Equal(["2013-01-01 02:00"], Instants(utc, "2013-01-01 02:00", "2013-01-02 02:00"));
        Assert.Empty(utc.Between(5, 5));
        Assert.Equal(["2013-01-06 18:00", "2013-01-13 18:00"], Instants(Calendar.Weekly(DayOfWeek.Monday, "07:00", "Pacific/Auckland") with { Time = new TimeOnly(7, 0) }, "2013-01-01 00:00", "2013-01-20 00:00"));
        _ = utc.Between(long.MinValue, long.MinValue + 1).Count();
        Assert.NotEmpty(utc.Between(At("9999-12-25 00:00"), long.MaxValue));
    }
}
