using System.Reflection;

namespace BatchMl.Expressions;

/// <summary>Values on their way into and out of a user's function.</summary>
static class UserValues
{
    /// <summary>Whether a parameter is given null rather than the call skipped.</summary>
    internal static bool TakesNull(ParameterInfo parameter) => parameter.ParameterType.IsValueType
        ? Nullable.GetUnderlyingType(parameter.ParameterType) is not null
        : new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;

    /// <exception cref="OverflowException">An integer that the parameter can not hold.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time outside of the years 1 to 9999.</exception>
    internal static object? ToClr(object? value, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            null => null,
            long v when type == typeof(DateTimeOffset) => Instant(v),
            long v when type == typeof(DateTime) => Instant(v).UtcDateTime,
            int v => Date(v),
            long v when type == typeof(int) => checked((int)v),
            long v when type == typeof(short) => checked((short)v),
            long v when type == typeof(byte) => checked((byte)v),
            double v when type == typeof(float) => (float)v,
            _ => value,
        };
    }

    internal static object? FromClr(object? value) => Constants.Normalize(value) is string text ? WellFormed(text) : Constants.Normalize(value);

    internal static DateTimeOffset Instant(long microseconds) => Clock.IsDateTime(microseconds)
        ? new DateTimeOffset(Clock.ToDateTime(microseconds))
        : throw new ArgumentOutOfRangeException(nameof(microseconds), microseconds, "The time is not in the years 1 to 9999.");

    internal static DateOnly Date(int days) => Clock.IsDate(days)
        ? DateOnly.FromDayNumber(days + Clock.EpochDay)
        : throw new ArgumentOutOfRangeException(nameof(days), days, "The date is not in the years 1 to 9999.");

    static string WellFormed(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));
}
