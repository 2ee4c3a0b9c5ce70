using System.Numerics;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Kernel;

public sealed class StructureTests
{
    [Theory]
    [InlineData(10, 4)]
    [InlineData(400, 1_000_000)]
    [InlineData(5_000, 50)]
    [InlineData(5_000, long.MaxValue)]
    public void Times_are_sorted_and_take_their_positions_along(int count, long spread)
    {
        var random = new Random(count);
        var (times, sort) = (new long[count], new TimeSort());
        for (var i = 0; i < count; i++) times[i] = random.Next(100) == 0 ? (i % 2 == 0 ? long.MinValue : long.MaxValue) : random.NextInt64(-(spread / 2), spread / 2 + 1);
        var (keys, positions) = (times.ToArray(), Enumerable.Range(0, count).ToArray());
        sort.Sort(keys, positions);
        Assert.Equal(times.Order(), keys);
        Assert.Equal(keys, positions.Select(p => times[p]));
        Assert.Equal(Enumerable.Range(0, count), positions.Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public void Ranks_come_and_go_as_in_a_sorted_set(int ranks)
    {
        var random = new Random(ranks);
        var (set, counts, expected) = (new RankSet(), new RankCounts(), new SortedSet<int>());
        for (var round = 0; round < 2; round++)
        {
            // What the round before left behind must be gone.
            set.Reset(ranks);
            counts.Reset(ranks);
            expected.Clear();
            for (var step = 0; step < 2_000; step++)
            {
                var rank = random.Next(ranks);
                if (expected.Add(rank))
                {
                    set.Add(rank);
                    counts.Add(rank);
                }
                else
                {
                    expected.Remove(rank);
                    set.Remove(rank);
                    counts.Remove(rank);
                }
                Assert.Equal(expected.Contains(rank), set.Contains(rank));
                Assert.Equal(expected.Count, counts.Count);
                Assert.Equal(expected.Count == 0, set.IsEmpty);
                if (expected.Count == 0) continue;
                Assert.Equal((expected.Min, expected.Max), (set.Min, set.Max));
                if (step % 50 == 0) Assert.Equal(expected.ElementAt(expected.Count / 2), counts.Kth(expected.Count / 2));
            }
        }
    }

    [Fact]
    public void Integers_times_a_power_of_two_round_to_the_nearest_double()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 20_000; trial++)
        {
            var value = (Int128)Wide(random) >> random.Next(126);
            var exponent = random.Next(3) == 0 ? random.Next(-1_200, -1_000) : random.Next(-1_100, 1_000);
            Assert.Equal(Exactly(value, exponent), Rounding.Nearest(value, exponent));
        }
    }

    [Fact]
    public void Sums_of_squares_are_exact_while_values_come_and_go()
    {
        var random = new Random(12);
        for (var trial = 0; trial < 300; trial++)
        {
            var (squares, values, bits) = (new SquareSum(), new List<Int128>(), random.Next(1, 119));
            for (var step = 0; step < 40; step++)
            {
                if (values.Count > 0 && random.Next(3) == 0)
                {
                    squares.Remove(values[^1]);
                    values.RemoveAt(values.Count - 1);
                }
                else
                {
                    var value = (Int128)Wide(random) >> (127 - bits);
                    values.Add(random.Next(2) == 0 ? value : -value);
                    squares.Add(values[^1]);
                }
                if (values.Count == 0) continue;
                var sum = values.Aggregate((Int128)0, (s, v) => s + v);
                var spread = values.Count * values.Aggregate(BigInteger.Zero, (s, v) => s + (BigInteger)v * v) - (BigInteger)sum * sum;
                Assert.Equal(ExactReal.Round(spread, BigInteger.One << 40), squares.Spread(values.Count, sum, -40));
            }
        }
    }

    [Theory]
    [InlineData(5, 3, 2)]
    [InlineData(long.MinValue + 1, 2, long.MinValue)]
    [InlineData(long.MinValue, 0, long.MinValue)]
    [InlineData(long.MaxValue, -1, long.MaxValue)]
    [InlineData(-2, long.MaxValue, long.MinValue)]
    [InlineData(-1, long.MaxValue, long.MinValue)]
    [InlineData(0, long.MaxValue, -long.MaxValue)]
    public void An_instant_less_a_duration_saturates(long instant, long duration, long expected) => Assert.Equal(expected, WindowSweep.Minus(instant, duration));

    [Fact]
    public void Doubles_keep_their_order_as_integers()
    {
        double[] ascending = [double.NegativeInfinity, double.MinValue, -1, -double.Epsilon, -0.0, 0.0, double.Epsilon, 1, double.MaxValue, double.PositiveInfinity, double.NaN];
        Assert.Equal(ascending.Select(SortableBits.Of).Order(), ascending.Select(SortableBits.Of));
        Assert.Equal(ascending.Length, ascending.Select(SortableBits.Of).Distinct().Count());
        Assert.Equal(SortableBits.OfKey(0.0), SortableBits.OfKey(-0.0));
        Assert.Equal(SortableBits.OfKey(double.NaN), SortableBits.OfKey(-double.NaN));
    }

    static double Exactly(Int128 value, int exponent) =>
        exponent >= 0 ? ExactReal.Round((BigInteger)value << exponent, BigInteger.One) : ExactReal.Round((BigInteger)value, BigInteger.One << -exponent);

    // 127 random bits, so never negative.
    static UInt128 Wide(Random random) => new((ulong)random.NextInt64(), (ulong)random.NextInt64(long.MinValue, long.MaxValue));
}
