using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace BatchMl.Server.Schedules;

/// <summary>
/// A text with instants and dates of an occurrence in it, e.g. <c>{{ date - 7d }}</c>: <c>occurrence</c> (the instant, UTC), and in the schedule's zone <c>date</c> (its day), <c>week_start</c> (Monday of its week) and
/// <c>month_start</c>, each plus or minus some <c>d</c> (days) or <c>w</c> (weeks); an occurrence also <c>h</c> or <c>m</c> (minutes).
/// </summary>
sealed partial class DateTemplate
{
    const string Allowed = "expected {{ occurrence }}, {{ date }}, {{ week_start }} or {{ month_start }}, with + or - a number of d or w (an occurrence also of h or m), e.g. {{ date - 7d }}";

    readonly IReadOnlyList<Func<DateTimeOffset, TimeZoneInfo, string>> parts;

    DateTemplate(IReadOnlyList<Func<DateTimeOffset, TimeZoneInfo, string>> parts) => this.parts = parts;

    /// <summary>Reads one.</summary>
    /// <exception cref="FormatException">What is in braces is none; says what is allowed.</exception>
    public static DateTemplate Parse(string text)
    {
        var parts = new List<Func<DateTimeOffset, TimeZoneInfo, string>>();
        var at = 0;
        while (text.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var open)
        {
            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0) throw new FormatException($"'{text[open..]}' has no }}}}; {Allowed}");
            Add(text[at..open]);
            parts.Add(Expression(text[open..(close + 2)]));
            at = close + 2;
        }
        Add(text[at..]);
        return new DateTemplate(parts);

        void Add(string literal)
        {
            if (literal.Contains("}}", StringComparison.Ordinal)) throw new FormatException($"'{literal}' has }}}} without {{{{; {Allowed}");
            if (literal.Length > 0) parts.Add((_, _) => literal);
        }
    }

    /// <summary>The text for an occurrence.</summary>
    /// <exception cref="FormatException">A date is out of the calendar.</exception>
    public string Of(DateTimeOffset occurrence, TimeZoneInfo zone)
    {
        try
        {
            return parts.Aggregate(new StringBuilder(), (text, part) => text.Append(part(occurrence, zone))).ToString();
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new FormatException("a date is before the year 1 or after 9999");
        }
    }

    static Func<DateTimeOffset, TimeZoneInfo, string> Expression(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success) throw new FormatException($"'{text}' is not known; {Allowed}");
        var (name, unit) = (match.Groups["name"].Value, match.Groups["unit"].Value);
        var count = match.Groups["count"].Value is { Length: > 0 } digits ? int.Parse(digits, CultureInfo.InvariantCulture) * (match.Groups["sign"].Value == "-" ? -1 : 1) : 0;
        if (name == "occurrence")
        {
            var offset = unit switch { "h" => TimeSpan.FromHours(count), "m" => TimeSpan.FromMinutes(count), "w" => TimeSpan.FromDays(7 * count), _ => TimeSpan.FromDays(count) };
            return (occurrence, _) => (occurrence + offset).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        }
        if (unit is "h" or "m") throw new FormatException($"'{text}' takes {(unit == "h" ? "hours" : "minutes")} from a date; {Allowed}");
        var days = unit == "w" ? 7 * count : count;
        return (occurrence, zone) =>
        {
            var date = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(occurrence, zone).DateTime);
            var start = name switch { "week_start" => date.AddDays(-(((int)date.DayOfWeek + 6) % 7)), "month_start" => new DateOnly(date.Year, date.Month, 1), _ => date };
            return start.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        };
    }

    [GeneratedRegex(@"^\{\{\s*(?<name>occurrence|date|week_start|month_start)\s*((?<sign>[+-])\s*(?<count>[0-9]{1,6})(?<unit>[dwhm])\s*)?\}\}$")]
    private static partial Regex Pattern();
}
