using System.Globalization;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>Instants that repeat: every day, or some weekdays, at a local time in an IANA zone. A local time that a clock change skips is taken at the first
/// instant after the gap; one that occurs twice is taken the first time.</summary>
/// <param name="Time">Local time of day.</param>
/// <param name="Zone">IANA zone.</param>
/// <param name="Days">Weekdays; empty: every day.</param>
public sealed record Calendar(TimeOnly Time, string Zone, EquatableList<DayOfWeek> Days)
{
    /// <summary>Every day at a local time, <c>"02:00"</c>.</summary>
    /// <exception cref="DefinitionException">The time is not <c>HH:mm</c>, or there is no such zone.</exception>
    public static Calendar Daily(string time, string zone) => Of(time, zone, []);

    /// <summary>Every week on a day.</summary>
    /// <exception cref="DefinitionException">The time is not <c>HH:mm</c>, or there is no such zone.</exception>
    public static Calendar Weekly(DayOfWeek day, string time, string zone) => Of(time, zone, [day]);

    /// <summary>The instants in <c>[from, to)</c>, ascending, microseconds. The first and last two days of the years 1 to 9999 have none.</summary>
    /// <exception cref="DefinitionException">There is no such zone.</exception>
    public IEnumerable<long> Between(long from, long to)
    {
        var zone = Expressions.Zone.Of(Zone);
        // A local date begins at most a day before or after the same date of UTC; a skipped day shares its instant with the next one.
        var first = Math.Max(Clock.FloorDivide(from, Clock.DayMicroseconds) - 1, -Clock.EpochDay);
        var last = Math.Min(Clock.FloorDivide(to, Clock.DayMicroseconds) + 1, DateOnly.MaxValue.DayNumber - Clock.EpochDay);
        var previous = long.MinValue;
        for (var day = first; day <= last; day++)
        {
            if (Days.Count > 0 && !Days.Contains(DateOnly.FromDayNumber((int)day + Clock.EpochDay).DayOfWeek)) continue;
            var local = day * Clock.DayMicroseconds + Time.Ticks / TimeSpan.TicksPerMicrosecond;
            if (!zone.TryInstant(local, out var instant) || instant < from || instant >= to || instant == previous) continue;
            yield return previous = instant;
        }
    }

    static Calendar Of(string time, string zone, EquatableList<DayOfWeek> days)
    {
        var checks = new DefinitionChecks("calendar");
        if (!TimeOnly.TryParseExact(time, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at))
            checks.Add($"got the time '{time}', expected HH:mm from 00:00 to 23:59");
        _ = checks.Try(() => Expressions.Zone.Of(zone));
        checks.Throw();
        return new Calendar(at, zone, days);
    }
}
