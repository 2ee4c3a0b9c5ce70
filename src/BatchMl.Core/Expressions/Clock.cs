namespace BatchMl.Expressions;

/// <summary>Microseconds and days since 1970-01-01 against .NET's times.</summary>
static class Clock
{
    internal const int EpochDay = 719_162;
    internal const long DayMicroseconds = 86_400_000_000;

    const long MinMicroseconds = -EpochDay * DayMicroseconds;
    const long MaxMicroseconds = (DaysOfDateTime - EpochDay) * DayMicroseconds - 1;
    const long DaysOfDateTime = 3_652_059;

    /// <summary>Whether an instant lies in the years 1 to 9999, which calendars and zones are defined for.</summary>
    internal static bool IsDateTime(long microseconds) => microseconds is >= MinMicroseconds and <= MaxMicroseconds;

    internal static bool IsDate(int days) => days is >= -EpochDay and < (int)DaysOfDateTime - EpochDay;

    /// <summary>As UTC; the instant must be in the years 1 to 9999.</summary>
    internal static DateTime ToDateTime(long microseconds) => new(DateTime.UnixEpoch.Ticks + microseconds * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);

    internal static long FromTicks(long utcTicks) => FloorDivide(utcTicks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerMicrosecond);

    internal static long FloorDivide(long value, long divisor) => value >= 0 ? value / divisor : ~(~value / divisor);

    /// <summary>Microseconds of an amount of a unit, half to even; false where it is not a number of 64 bits.</summary>
    internal static bool TryAmount(double amount, double unit, out long microseconds)
    {
        var exact = Math.Round(amount * unit);
        var fits = exact is >= -9223372036854775808.0 and < 9223372036854775808.0;
        microseconds = fits ? (long)exact : 0;
        return fits;
    }
}
