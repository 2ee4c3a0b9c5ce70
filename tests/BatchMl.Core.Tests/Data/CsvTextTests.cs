using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Core.Tests.Data;

public sealed class CsvTextTests
{
    [Theory]
    [InlineData(0, "1970-01-01T00:00:00Z")]
    [InlineData(-1, "1969-12-31T23:59:59.999999Z")]
    [InlineData(-62_135_596_800_000_000, "0001-01-01T00:00:00Z")]
    [InlineData(253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z")]
    [InlineData(-62_135_596_800_000_001, "-62135596800000001")]
    [InlineData(253_402_300_800_000_000, "253402300800000000")]
    [InlineData(long.MaxValue, "9223372036854775807")]
    [InlineData(long.MinValue, "-9223372036854775808")]
    public void An_instant_is_a_text_or_beyond_the_calendar_its_microseconds(long microseconds, string expected)
    {
        var numbers = new Int64Array.Builder().Append(microseconds).Build();
        Assert.Equal(expected, CsvText.ValueAt(new TimestampArray(new ArrayData(Columns.UtcMicroseconds, 1, 0, 0, numbers.Data.Buffers)), 0));
    }
}
