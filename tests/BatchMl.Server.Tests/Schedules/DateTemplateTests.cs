using System.Globalization;
using BatchMl.Server.Schedules;

namespace BatchMl.Server.Tests.Schedules;

public sealed class DateTemplateTests
{
    static string Of(string template, string occurrence, string zone = "America/New_York") =>
        DateTemplate.Parse(template).Of(DateTimeOffset.Parse(occurrence, CultureInfo.InvariantCulture), TimeZoneInfo.FindSystemTimeZoneById(zone));

    // 2013-10-02T03:30Z is still the first of October, a Tuesday, in New York.
    [Theory]
    [InlineData("{{ occurrence }}", "2013-10-02T03:30:00Z")]
    [InlineData("{{occurrence-90m}}", "2013-10-02T02:00:00Z")]
    [InlineData("{{ occurrence + 1d }}", "2013-10-03T03:30:00Z")]
    [InlineData("{{ date }}", "2013-10-01")]
    [InlineData("{{ date - 7d }}", "2013-09-24")]
    [InlineData("{{ date + 2w }}", "2013-10-15")]
    [InlineData("{{ week_start }}", "2013-09-30")]
    [InlineData("{{ month_start - 1d }}", "2013-09-30")]
    [InlineData("/data/{{ date }}/x-{{ date + 1d }}.csv", "/data/2013-10-01/x-2013-10-02.csv")]
    [InlineData("plain", "plain")]
    public void A_template_is_the_occurrences_time_in_the_schedules_zone(string template, string expected) => Assert.Equal(expected, Of(template, "2013-10-02T03:30:00Z"));

    [Theory]
    [InlineData("{{ dat }}", "'{{ dat }}' is not known")]
    [InlineData("{{ date - 7 }}", "'{{ date - 7 }}' is not known")]
    [InlineData("{{ date - 7h }}", "takes hours from a date")]
    [InlineData("{{ date", "has no }}")]
    [InlineData("date }}", "has }} without {{")]
    public void What_is_no_template_is_said_with_what_is_allowed(string template, string expected)
    {
        var error = Assert.Throws<FormatException>(() => DateTemplate.Parse(template));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("expected {{ occurrence }}", error.Message, StringComparison.Ordinal);
    }
}
