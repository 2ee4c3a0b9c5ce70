using BatchMl.Monitoring;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class QuantileSketchTests
{
    [Fact]
    public void Quantiles_of_few_values_are_exact()
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, QuantileSketch.Capacity).Select(_ => random.NextDouble())];
        var sketch = QuantileSketch.Of(values);
        var sorted = values.Order().ToArray();
        for (var i = 1; i <= 100; i++) Assert.Equal(sorted[(int)Math.Ceiling(i / 100.0 * sorted.Length) - 1], sketch.Quantile(i / 100.0));
        Assert.Equal(sorted[0], sketch.Quantile(0));
        Assert.True(double.IsNaN(QuantileSketch.Empty.Quantile(0.5)));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(60_000)]
    [InlineData(1_000_000)]
    public void A_compact_sketch_stands_for_the_same_rows_in_few_values(int n)
    {
        var random = new Random(n);
        double[] values = [.. Enumerable.Range(0, n).Select(_ => Math.Exp(4 * random.NextDouble()))];
        var compact = QuantileSketch.Of(values).Compact();
        Assert.Equal(n, compact.Count);
        Assert.InRange(compact.Levels.Sum(l => l.Length), 1, QuantileSketch.Capacity + compact.Levels.Count);
        Assert.All(compact.Levels, l => Assert.Equal(l.Order(), l));
        var sorted = values.Order().ToArray();
        var bound = n <= QuantileSketch.Capacity ? 0 : (Math.Log2((double)n / QuantileSketch.Capacity) + 3) / QuantileSketch.Capacity;
        for (var i = 1; i < 100; i++)
        {
            var rank = Array.BinarySearch(sorted, compact.Quantile(i / 100.0)) + 1;
            Assert.InRange(rank / (double)n, i / 100.0 - bound - 1.0 / n, i / 100.0 + bound + 1.0 / n);
        }
    }

    [Theory]
    [InlineData("random")]
    [InlineData("ascending")]
    [InlineData("descending")]
    [InlineData("sawtooth")]
    public void Ranks_of_many_values_are_within_the_bound(string order)
    {
        const int n = 200_000;
        var random = new Random(2);
        double[] values = [.. Enumerable.Range(0, n).Select(i => order switch { "random" => random.NextDouble() * n, "ascending" => i, "descending" => n - i, _ => i * 7919L % 10_007 })];
        var sketch = QuantileSketch.Of(values);
        Assert.Equal(n, sketch.Count);
        System.Array.Sort(values);
        var bound = (Math.Log2((double)n / QuantileSketch.Capacity) + 1) / QuantileSketch.Capacity;
        for (var i = 1; i < 100; i++)
        {
            var q = i / 100.0;
            var value = sketch.Quantile(q);
            // Equal values have a range of ranks: the nearest of them counts.
            double below = values.TakeWhile(v => v < value).Count(), upTo = values.TakeWhile(v => v <= value).Count();
            var error = Math.Max(0, Math.Max(below - q * n, q * n - upTo)) / n;
            Assert.True(error <= bound, $"{order}: rank error {error} of quantile {q}, at most {bound} expected");
        }
    }

    [Fact]
    public void Merging_with_nothing_changes_nothing_and_weights_add_up()
    {
        var random = new Random(3);
        var parts = Enumerable.Range(0, 40).Select(_ => QuantileSketch.Of([.. Enumerable.Range(0, random.Next(0, 2_000)).Select(_ => random.NextDouble())])).ToArray();
        var all = parts.Aggregate((a, b) => a.Merge(b));
        Assert.Equal(parts.Sum(p => p.Count), all.Count);
        var same = all.Merge(QuantileSketch.Empty);
        Assert.Equal(all.Weighted().Values, same.Weighted().Values);
        var other = QuantileSketch.Empty.Merge(all);
        Assert.Equal(all.Weighted().Weights, other.Weighted().Weights);
        // Uniform values, whatever the order of merging.
        var backwards = parts.Reverse().Aggregate((a, b) => a.Merge(b));
        foreach (var q in new[] { 0.1, 0.5, 0.9 }) Assert.Equal(all.Quantile(q), backwards.Quantile(q), 0.005);
    }

    [Fact]
    public void Shares_are_open_below_and_closed_above()
    {
        var sketch = QuantileSketch.Of([1, 2, 2, 3]);
        Assert.Equal([0.25, 0.5, 0.25], sketch.Shares([1, 2]));
        Assert.Equal([1], sketch.Shares([]));
    }
}
