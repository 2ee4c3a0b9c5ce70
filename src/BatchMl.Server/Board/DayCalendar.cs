using System.Globalization;

namespace BatchMl.Server.Board;

/// <summary>A day of a calendar: the worst of the day's partitions.</summary>
/// <param name="Day">Which day.</param>
/// <param name="State">How it stands.</param>
/// <param name="Partitions">How many partitions it has.</param>
/// <param name="Value">The value of its worst partition.</param>
/// <param name="Column">Week of the calendar, from 0.</param>
/// <param name="Row">Weekday, Monday is 0.</param>
/// <param name="Title">All of it in words.</param>
sealed record CalendarDay(DateOnly Day, PartitionCondition State, int Partitions, string Value, int Column, int Row, string Title);

/// <summary>A year of a dataset at most, week by week.</summary>
/// <param name="Dataset">Whose days.</param>
/// <param name="From">First day.</param>
/// <param name="To">Last day.</param>
/// <param name="Days">Days that have partitions, in order.</param>
/// <param name="Weeks">How many columns there are.</param>
/// <param name="Months">Name and column of each month that begins in it.</param>
/// <param name="EarlierTo">Last day of the calendar before this one; null: nothing is before.</param>
/// <param name="LaterTo">Last day of the one after; null: nothing is after.</param>
sealed record DayCalendar(
    DatasetView Dataset, DateOnly From, DateOnly To, IReadOnlyList<CalendarDay> Days, int Weeks, IReadOnlyList<(string Name, int Column)> Months, DateOnly? EarlierTo, DateOnly? LaterTo)
{
    const int MaxDays = 371;

    /// <summary>The calendar that ends with a day; null: with the last day that is not merely ahead.</summary>
    public static DayCalendar? Of(DatasetView dataset, DateOnly? to)
    {
        var dated = dataset.Partitions.Where(p => p.Day is not null).GroupBy(p => p.Day!.Value).OrderBy(g => g.Key).ToArray();
        if (dated.Length == 0) return null;
        var (first, end) = (dated[0].Key, dated[^1].Key);
        var last = to is { } asked && asked >= first ? (asked < end ? asked : end) : end;
        // Whole weeks: Monday is on top.
        var from = last.AddDays(-MaxDays + 7 - Weekday(last));
        if (from < first) from = first;
        var monday = from.AddDays(-Weekday(from));
        var days = dated.Where(g => g.Key >= from && g.Key <= last).Select(g => DayOf(g, monday)).ToArray();
        var months = new List<(string, int)>();
        for (var month = new DateOnly(from.Year, from.Month, 1); month <= last; month = month.AddMonths(1))
        {
            var at = month < from ? from : month;
            var column = (at.DayNumber - monday.DayNumber + (month < from ? 0 : 6)) / 7;
            // Two names would run into each other.
            if (months.Count > 0 && column - months[^1].Item2 < 3) months.RemoveAt(months.Count - 1);
            months.Add((month.ToString(months.Count == 0 || month.Month == 1 ? "MMM yyyy" : "MMM", CultureInfo.InvariantCulture), column));
        }
        return new DayCalendar(
            dataset, from, last, days, (last.DayNumber - monday.DayNumber) / 7 + 1, months,
            from > first ? from.AddDays(-1) : null, last < end ? (last.AddDays(MaxDays - 7) is var later && later < end ? later : end) : null);
    }

    static int Weekday(DateOnly day) => ((int)day.DayOfWeek + 6) % 7;

    static CalendarDay DayOf(IGrouping<DateOnly, PartitionView> day, DateOnly monday)
    {
        var worst = day.MinBy(p => p.State)!;
        var count = day.Count();
        var title = $"{day.Key.ToString("ddd d MMM yyyy", CultureInfo.InvariantCulture)}: {Words.Of(worst.State)}"
            + (count > 1 ? $", {count} partitions" : "") + (worst.CommittedAt is null ? "" : $", {day.Sum(p => p.Rows).ToString("N0", CultureInfo.InvariantCulture)} rows")
            + (day.Sum(p => p.DeadLetters) is > 0 and var letters ? $", {letters.ToString("N0", CultureInfo.InvariantCulture)} dead letters" : "") + (worst.Reason is { } why ? $" ({Words.FirstLine(why, 120)})" : "");
        return new CalendarDay(day.Key, worst.State, count, worst.Value, (day.Key.DayNumber - monday.DayNumber) / 7, Weekday(day.Key), title);
    }
}
