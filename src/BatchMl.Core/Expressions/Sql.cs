namespace BatchMl.Expressions;

/// <summary>
/// What C# lacks inside an expression tree: arithmetic on times with nullable amounts, and local time by IANA zone. Null in, null out. They can also be called outside of
/// a definition and then compute the same. A result beyond 64 bits of microseconds is an error, and so are calendar dates outside of the years 1 to 9999.
/// </summary>
public static class Sql
{
    /// <summary>Plus seconds, rounded to the microsecond, half to even.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result is no instant of the years 1 to 9999, or the amount is not a number.</exception>
    public static DateTimeOffset? AddSeconds(this DateTimeOffset? time, double? seconds) => Add(time, seconds, 1e6);

    /// <inheritdoc cref="AddSeconds(DateTimeOffset?, double?)"/>
    public static DateTimeOffset? AddSeconds(this DateTimeOffset time, double? seconds) => Add(time, seconds, 1e6);

    /// <summary>Plus minutes, rounded to the microsecond, half to even.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result is no instant of the years 1 to 9999, or the amount is not a number.</exception>
    public static DateTimeOffset? AddMinutes(this DateTimeOffset? time, double? minutes) => Add(time, minutes, 6e7);

    /// <inheritdoc cref="AddMinutes(DateTimeOffset?, double?)"/>
    public static DateTimeOffset? AddMinutes(this DateTimeOffset time, double? minutes) => Add(time, minutes, 6e7);

    /// <summary>Plus hours, rounded to the microsecond, half to even.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result is no instant of the years 1 to 9999, or the amount is not a number.</exception>
    public static DateTimeOffset? AddHours(this DateTimeOffset? time, double? hours) => Add(time, hours, 3.6e9);

    /// <inheritdoc cref="AddHours(DateTimeOffset?, double?)"/>
    public static DateTimeOffset? AddHours(this DateTimeOffset time, double? hours) => Add(time, hours, 3.6e9);

    /// <summary>Plus days of 24 hours, rounded to the microsecond, half to even.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result is no instant of the years 1 to 9999, or the amount is not a number.</exception>
    public static DateTimeOffset? AddDays(this DateTimeOffset? time, double? days) => Add(time, days, 8.64e10);

    /// <inheritdoc cref="AddDays(DateTimeOffset?, double?)"/>
    public static DateTimeOffset? AddDays(this DateTimeOffset time, double? days) => Add(time, days, 8.64e10);

    /// <summary>Plus calendar days.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The result is no date of the years 1 to 9999.</exception>
    public static DateOnly? AddDays(this DateOnly? date, long? days) =>
        date is { } d && days is { } n ? d.AddDays(n is >= int.MinValue and <= int.MaxValue ? (int)n : throw new ArgumentOutOfRangeException(nameof(days), n, null)) : null;

    /// <summary>The local calendar date in a zone.</summary>
    /// <param name="time">The instant.</param>
    /// <param name="zone">IANA name; a constant in a definition.</param>
    /// <exception cref="DefinitionException">No such zone.</exception>
    public static DateOnly? DateIn(this DateTimeOffset? time, string zone) => time?.DateIn(zone);

    /// <inheritdoc cref="DateIn(DateTimeOffset?, string)"/>
    public static DateOnly DateIn(this DateTimeOffset time, string zone) => DateOnly.FromDateTime(Local(time, zone));

    /// <summary>The local hour in a zone, 0 to 23.</summary>
    /// <param name="time">The instant.</param>
    /// <param name="zone">IANA name; a constant in a definition.</param>
    /// <exception cref="DefinitionException">No such zone.</exception>
    public static int? HourIn(this DateTimeOffset? time, string zone) => time?.HourIn(zone);

    /// <inheritdoc cref="HourIn(DateTimeOffset?, string)"/>
    public static int HourIn(this DateTimeOffset time, string zone) => Local(time, zone).Hour;

    /// <summary>The local minute in a zone, 0 to 59.</summary>
    /// <param name="time">The instant.</param>
    /// <param name="zone">IANA name; a constant in a definition.</param>
    /// <exception cref="DefinitionException">No such zone.</exception>
    public static int? MinuteIn(this DateTimeOffset? time, string zone) => time?.MinuteIn(zone);

    /// <inheritdoc cref="MinuteIn(DateTimeOffset?, string)"/>
    public static int MinuteIn(this DateTimeOffset time, string zone) => Local(time, zone).Minute;

    /// <summary>The first instant of a date in a zone: local midnight, or the end of the gap where a clock change skips it.</summary>
    /// <param name="date">The local date.</param>
    /// <param name="zone">IANA name; a constant in a definition.</param>
    /// <exception cref="DefinitionException">No such zone.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The date is within a day of the ends of the years 1 to 9999.</exception>
    public static DateTimeOffset? StartOfDay(this DateOnly? date, string zone) => date?.StartOfDay(zone);

    /// <inheritdoc cref="StartOfDay(DateOnly?, string)"/>
    public static DateTimeOffset StartOfDay(this DateOnly date, string zone) =>
        Zone.Of(zone).TryInstant((date.DayNumber - Clock.EpochDay) * Clock.DayMicroseconds, out var instant)
            ? new DateTimeOffset(Clock.ToDateTime(instant))
            : throw new ArgumentOutOfRangeException(nameof(date), date, "Within a day of the ends of the years 1 to 9999.");

    /// <summary>Minutes from <paramref name="earlier"/> to <paramref name="later"/>; negative if they are the other way round.</summary>
    public static double? MinutesBetween(DateTimeOffset? later, DateTimeOffset? earlier) => Between(later, earlier, 6e7);

    /// <summary>Hours from <paramref name="earlier"/> to <paramref name="later"/>; negative if they are the other way round.</summary>
    public static double? HoursBetween(DateTimeOffset? later, DateTimeOffset? earlier) => Between(later, earlier, 3.6e9);

    /// <summary>Days of 24 hours from <paramref name="earlier"/> to <paramref name="later"/>; negative if they are the other way round.</summary>
    public static double? DaysBetween(DateTimeOffset? later, DateTimeOffset? earlier) => Between(later, earlier, 8.64e10);

    static DateTime Local(DateTimeOffset time, string zone)
    {
        var micros = Clock.FromTicks(time.UtcTicks);
        return Clock.ToDateTime(micros + Zone.Of(zone).Offset(micros));
    }

    static DateTimeOffset? Add(DateTimeOffset? time, double? amount, double unit)
    {
        if (time is not { } t || amount is not { } a) return null;
        if (!Clock.TryAmount(a, unit, out var micros))
            throw new ArgumentOutOfRangeException(nameof(amount), a, "Not an amount of time: its microseconds do not fit into 64 bits.");
        return t.AddTicks(checked(micros * TimeSpan.TicksPerMicrosecond));
    }

    static double? Between(DateTimeOffset? later, DateTimeOffset? earlier, double unit) =>
        later is { } l && earlier is { } e ? (Clock.FromTicks(l.UtcTicks) - Clock.FromTicks(e.UtcTicks)) / unit : null;
}
