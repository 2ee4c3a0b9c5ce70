using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Conformance;

public sealed class ExactSumTests
{
    [Fact]
    public void Sums_equal_big_integer_arithmetic_while_values_come_and_go()
    {
        var random = new Random(20240501);
        for (var trial = 0; trial < 2_000; trial++)
        {
            var (sum, values, spread) = (new ExactSum(), new List<double>(), random.Next(1, 2_000));
            for (var step = 0; step < 60; step++)
            {
                if (values.Count > 0 && random.Next(5) < 2)
                {
                    var leaving = random.Next(values.Count);
                    sum.Remove(values[leaving]);
                    values.RemoveAt(leaving);
                }
                else
                {
                    var value = Next(random, spread);
                    sum.Add(value);
                    values.Add(value);
                }
                Assert.True(Cells.Identical(ExactReal.Sum(values), sum.Value),
                    FormattableString.Invariant($"Trial {trial}, step {step}: got {sum.Value:R}, expected {ExactReal.Sum(values):R} of {string.Join(" + ", values)}"));
            }
        }
    }

    [Fact]
    public void Many_values_at_once_sum_to_what_they_do_one_by_one()
    {
        var random = new Random(5);
        foreach (var count in (int[])[0, 1, 1_023, 1_024, 1_025, 5_000])
        {
            foreach (var spread in (int[])[1, 60, 2_000])
            {
                double[] values = [.. Enumerable.Range(0, count).Select(i => i % 997 == 996 ? 0.0 : i % 991 == 990 ? double.Epsilon : Next(random, spread))];
                // The greatest mantissas of one sign are what could overflow.
                if (spread == 1) values.AsSpan().Fill(-Math.BitDecrement(2.0));
                ExactSum oneByOne = new(), atOnce = new(), squares = new(), squaresAtOnce = new();
                foreach (var value in values)
                {
                    oneByOne.Add(value);
                    squares.AddSquare(value);
                }
                atOnce.Add(values);
                squaresAtOnce.AddSquares(values);
                Assert.True(Cells.Identical(oneByOne.Value, atOnce.Value) && Cells.Identical(ExactReal.Sum(values), atOnce.Value), $"{count} values, spread {spread}");
                Assert.True(Cells.Identical(squares.Value, squaresAtOnce.Value), $"squares of {count} values, spread {spread}");
                // What it worked with is left clean for the next.
                double[] finite = [.. values.Where(double.IsFinite)];
                var none = new ExactSum();
                none.Add([.. finite, .. finite.Select(v => -v)]);
                Assert.Equal(0, none.Value);
            }
        }
        var special = new ExactSum();
        special.Add([1, double.PositiveInfinity, 2]);
        Assert.Equal(double.PositiveInfinity, special.Value);
        special.Add([double.NegativeInfinity]);
        Assert.True(double.IsNaN(special.Value));
    }

    [Fact]
    public void A_cleared_sum_is_a_new_one()
    {
        var sum = new ExactSum();
        foreach (var value in (double[])[double.MaxValue, -1e-300, double.NaN, double.NegativeInfinity])
            sum.Add(value);
        sum.Clear();
        sum.Add(0.1);
        Assert.Equal(0.1, sum.Value);
    }

    // Exponents within a spread that differs by trial: from sums that cancel to ones whose parts never meet.
    static double Next(Random random, int spread) => random.Next(40) switch
    {
        0 => double.NaN,
        1 => double.PositiveInfinity,
        2 => double.NegativeInfinity,
        3 => double.Epsilon,
        4 => -double.MaxValue,
        _ => Math.ScaleB(random.NextDouble() - 0.5, random.Next(-spread / 2, spread / 2)),
    };
}
