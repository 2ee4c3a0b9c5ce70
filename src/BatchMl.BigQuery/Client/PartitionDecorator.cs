using System.Globalization;

namespace BatchMl.BigQuery.Client;

/// <summary>How a partition is named after the <c>$</c> of a table's name.</summary>
public static class PartitionDecorator
{
    /// <summary>The partition that a time is in.</summary>
    /// <param name="type">Of <see cref="TimePartitioning.Type"/>.</param>
    /// <param name="value">A time in UTC.</param>
    public static string Of(string type, DateTime value) => value.ToString(type.ToUpperInvariant() switch
    {
        "HOUR" => "yyyyMMddHH",
        "DAY" => "yyyyMMdd",
        "MONTH" => "yyyyMM",
        "YEAR" => "yyyy",
        _ => throw new DefinitionException($"A table of BigQuery is to be partitioned by '{type}'. Expected HOUR, DAY, MONTH or YEAR."),
    }, CultureInfo.InvariantCulture);

    /// <summary>The partition that a day is in.</summary>
    /// <param name="type">Of <see cref="TimePartitioning.Type"/>, not by hours.</param>
    /// <param name="value">The day.</param>
    public static string Of(string type, DateOnly value) => type.Equals("HOUR", StringComparison.OrdinalIgnoreCase)
        ? throw new DefinitionException("A day is no partition of a table of BigQuery that is partitioned by hours. Give the hour, or partition by days.")
        : Of(type, value.ToDateTime(TimeOnly.MinValue));

    /// <summary>The partition that an integer is in: its first integer.</summary>
    /// <param name="range">Of the table.</param>
    /// <param name="value">The integer.</param>
    public static string Of(IntegerRange range, long value)
    {
        if (range.Interval <= 0 || range.End <= range.Start) throw new DefinitionException($"Integers from {range.Start} to {range.End} by {range.Interval} are no partitions of BigQuery. Expected an interval above 0 and an end above the start.");
        if (value < range.Start || value >= range.End) throw new DataException($"{value} is in no partition of BigQuery: they are for {range.Start} to below {range.End}. Widen the range, or leave such rows out.");
        // Unsigned: the distance of two longs may not fit a long.
        var steps = ((ulong)value - (ulong)range.Start) / (ulong)range.Interval;
        return ((long)((ulong)range.Start + steps * (ulong)range.Interval)).ToString(CultureInfo.InvariantCulture);
    }
}
