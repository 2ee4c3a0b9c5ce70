using System.Globalization;
using BatchMl.Server.Schedules;
using Cronos;

namespace BatchMl.Server.Tests.Schedules;

/// <summary>Which occurrences get a run. What is expected is written down by hand.</summary>
public sealed class OccurrencesTests
{
    static readonly TimeSpan minute = TimeSpan.FromMinutes(1);

    static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    static Schedule Daily(string cron = "0 6 * * *", string zone = "UTC", string misfire = "OneRun", string? start = null) => new("daily", "job", TimeZoneInfo.FindSystemTimeZoneById(zone), null!, "score")
    {
        Cron = CronExpression.Parse(cron, cron.Split(' ').Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard), Misfire = Enum.Parse<MisfirePolicy>(misfire), Start = start is null ? null : At(start),
    };

    /// <summary>All occurrences of a time, looked for every 20 minutes as a server would.</summary>
    static List<string> Lived(Schedule schedule, string from, string to)
    {
        var (cursor, runs) = ((DateTimeOffset?)At(from), new List<DateTimeOffset>());
        for (var now = At(from); now <= At(to); now += TimeSpan.FromMinutes(20))
        {
            var due = Occurrences.Of(schedule, cursor, now, TimeSpan.FromHours(1));
            runs.AddRange(due.Runs);
            cursor = due.Until ?? cursor;
        }
        return [.. runs.Select(r => r.UtcDateTime.ToString("dd'T'HH:mm", CultureInfo.InvariantCulture))];
    }

    [Theory]
    // Clocks go from 02:00 to 03:00: half past two is not there, and is run when the hour is over.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z", "29T01:00 30T00:30")]
    [InlineData("30 2 * * *", "America/New_York", "2026-03-07T12:00Z", "2026-03-09T12:00Z", "08T07:00 09T06:30")]
    // Clocks go from 03:00 back to 02:00 (New York: 02:00 to 01:00): that half hour is there twice, and is run once.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-26T12:00Z", "25T00:30 26T01:30")]
    [InlineData("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-02T12:00Z", "01T05:30 02T06:30")]
    // Every hour is every hour that passes: 23 and 25 of them.
    [InlineData("0 * * * *", "Europe/Berlin", "2026-03-28T23:30Z", "2026-03-29T03:10Z", "29T00:00 29T01:00 29T02:00 29T03:00")]
    [InlineData("0 * * * *", "America/New_York", "2026-11-01T04:30Z", "2026-11-01T08:10Z", "01T05:00 01T06:00 01T07:00 01T08:00")]
    [InlineData("30 0 6 * * *", "Europe/Berlin", "2026-03-28T00:00Z", "2026-03-30T00:00Z", "28T05:00 29T04:00")]
    public void In_nights_when_clocks_change_each_occurrence_comes_once(string cron, string zone, string from, string to, string expected) =>
        Assert.Equal(expected.Split(' '), Lived(Daily(cron, zone), from, to));

    [Theory]
    [InlineData("OneRun", "2013-10-04T06:00Z")]
    [InlineData("Every", "2013-10-02T06:00Z 2013-10-03T06:00Z 2013-10-04T06:00Z")]
    [InlineData("Skip", "")]
    public void What_was_missed_is_the_policys(string misfire, string expected)
    {
        var due = Occurrences.Of(Daily(misfire: misfire), At("2013-10-01T06:00Z"), At("2013-10-04T09:00Z"), minute);
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(At), due.Runs);
        Assert.Equal((misfire == "Skip", At("2013-10-04T06:00Z")), (due.Missed, due.Until));
    }

    [Theory]
    [InlineData("OneRun", "2013-10-04T06:00Z")]
    [InlineData("Every", "2013-10-03T06:00Z 2013-10-04T06:00Z")]
    [InlineData("Skip", "2013-10-04T06:00Z")]
    public void One_that_comes_now_has_its_run_whatever_was_missed_before(string misfire, string expected) =>
        Assert.Equal(expected.Split(' ').Select(At), Occurrences.Of(Daily(misfire: misfire), At("2013-10-02T06:00Z"), At("2013-10-04T06:00:30Z"), minute).Runs);

    [Fact]
    public void A_clock_that_is_set_back_brings_nothing_twice()
    {
        var schedule = Daily();
        var due = Occurrences.Of(schedule, At("2013-10-01T06:00Z"), At("2013-10-02T06:00Z"), minute);
        Assert.Equal([At("2013-10-02T06:00Z")], due.Runs);
        Assert.Empty(Occurrences.Of(schedule, due.Until, At("2013-10-02T05:59Z"), minute).Runs);
        Assert.Empty(Occurrences.Of(schedule, due.Until, At("2013-10-02T06:00Z"), minute).Runs);
        Assert.Empty(Occurrences.Of(schedule, due.Until, At("2013-09-01T06:00Z"), minute).Runs);
        Assert.Equal([At("2013-10-03T06:00Z")], Occurrences.Of(schedule, due.Until, At("2013-10-03T06:00Z"), minute).Runs);
    }

    [Fact]
    public void A_schedule_that_is_new_begins_with_the_next_occurrence_or_makes_up_for_those_since_its_start()
    {
        var now = At("2013-10-04T09:00Z");
        var fresh = Occurrences.Of(Daily(), null, now, minute);
        Assert.Empty(fresh.Runs);
        Assert.Equal(now, fresh.Until);
        // The start itself counts.
        Assert.Equal(3, Occurrences.Of(Daily(misfire: "Every", start: "2013-10-02T06:00Z"), null, now, minute).Runs.Count);
        Assert.Equal([At("2013-10-04T06:00Z")], Occurrences.Of(Daily(start: "2013-10-02T06:00Z"), null, now, minute).Runs);
        Assert.Equal((0, null), (Occurrences.Of(Daily(start: "2014-01-01T00:00Z"), null, now, minute).Runs.Count, Occurrences.Of(Daily(start: "2014-01-01T00:00Z"), null, now, minute).Until));
    }

    [Fact]
    public void Of_very_many_missed_occurrences_a_hundred_have_their_turn_at_once_and_none_is_lost()
    {
        var schedule = Daily("*/10 * * * * *", misfire: "Every");
        var (cursor, now, runs) = (At("2013-10-01T00:00Z"), At("2013-10-01T01:00Z"), new List<DateTimeOffset>());
        while (Occurrences.Of(schedule, cursor, now, minute) is { Runs.Count: > 0 } due)
        {
            Assert.True(due.Runs.Count <= 100);
            runs.AddRange(due.Runs);
            cursor = due.Until!.Value;
        }
        Assert.Equal(Enumerable.Range(1, 360).Select(i => At("2013-10-01T00:00Z").AddSeconds(10 * i)), runs);
    }

    [Fact]
    public void Years_of_seconds_that_were_missed_are_one_run_and_no_long_search()
    {
        var due = Occurrences.Of(Daily("* * * * * *"), At("1990-01-01T00:00Z"), At("2026-01-01T00:00:00Z"), minute);
        Assert.Equal(At("2026-01-01T00:00Z").AddSeconds(-60 + 1), due.Runs[0]);
        Assert.Equal([At("2025-12-31T23:59Z")], Occurrences.Of(Daily("0 59 * * * *"), At("1990-01-01T00:00Z"), At("2026-01-01T00:00:00Z"), minute).Runs);
    }
}
