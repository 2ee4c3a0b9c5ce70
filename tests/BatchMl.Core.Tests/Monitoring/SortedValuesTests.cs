using BatchMl.Monitoring;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class SortedValuesTests
{
    [Theory]
    [InlineData("wide")]
    [InlineData("few different")]
    [InlineData("nearly sorted")]
    [InlineData("a cluster far from one value")]
    [InlineData("infinities")]
    public void Values_are_sorted_whatever_they_are(string kind)
    {
        foreach (var count in (int[])[0, 1, 2, 255, 256, 4_096])
        {
            var random = new Random(count);
            double[] values = [.. Enumerable.Range(0, count).Select(i => kind switch
            {
                "wide" => Math.ScaleB(random.NextDouble() - 0.5, random.Next(-1_000, 1_000)) + 0.0,
                "few different" => random.Next(3),
                "nearly sorted" => i + random.Next(3),
                // Their first 33 bits are the same: digits alone do not decide.
                "a cluster far from one value" => i == 7 ? 0 : 1e15 + random.Next(1_000_000),
                _ => random.Next(3) == 0 ? double.PositiveInfinity : random.Next(3) == 0 ? double.NegativeInfinity : random.NextDouble(),
            })];
            double[] sorted = [.. values];
            SortedValues.Sort(sorted);
            Assert.Equal(values.Order(), sorted);
        }
    }

    [Fact]
    public void Sorted_values_are_merged()
    {
        var random = new Random(3);
        for (var trial = 0; trial < 200; trial++)
        {
            double[] Some() => [.. Enumerable.Range(0, random.Next(50)).Select(_ => (double)random.Next(40)).Order()];
            var (a, b) = (Some(), Some());
            Assert.Equal(a.Concat(b).Order(), SortedValues.Merge(a, b));
        }
    }
}
