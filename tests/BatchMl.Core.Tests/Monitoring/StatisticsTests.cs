using BatchMl.Monitoring;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class StatisticsTests
{
    // Critical values of printed tables, to all digits (scipy.stats.chi2.isf(0.05, k) and of normal tails).
    [Theory]
    [InlineData(3.841458820694124, 1, 0.05)]
    [InlineData(5.991464547107979, 2, 0.05)]
    [InlineData(6.6348966010212145, 1, 0.01)]
    [InlineData(18.307038053275146, 10, 0.05)]
    [InlineData(124.34211340400407, 100, 0.05)]
    public void Chi_square_tails_are_those_of_the_tables(double chi2, int freedom, double p) => Assert.Equal(p, Statistics.ChiSquareP(chi2, freedom), 1e-10);

    [Fact]
    public void With_two_degrees_of_freedom_the_chi_square_tail_is_exponential()
    {
        for (var x = 0.0; x < 200; x += 0.37) Assert.Equal(Math.Exp(-x / 2), Statistics.ChiSquareP(x, 2), Math.Exp(-x / 2) * 1e-11);
    }

    [Theory]
    [InlineData(1.3580986393225505, 0.05)]
    [InlineData(1.2238478702170823, 0.10)]
    [InlineData(1.6276236115189503, 0.01)]
    public void Kolmogorov_tails_are_those_of_the_tables(double x, double p)
    {
        // n = m = 2 gives sqrt(nm / (n + m)) = 1, so that the distance is the argument.
        Assert.Equal(p, Statistics.KolmogorovSmirnovP(x, 2, 2), 1e-9);
    }

    [Fact]
    public void The_distance_is_the_greatest_between_the_two_step_functions()
    {
        var random = new Random(3);
        for (var round = 0; round < 50; round++)
        {
            double[] a = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => (double)random.Next(20))], b = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => (double)random.Next(5, 25))];
            var expected = a.Concat(b).Max(x => Math.Abs((double)a.Count(v => v <= x) / a.Length - (double)b.Count(v => v <= x) / b.Length));
            Assert.Equal(expected, Statistics.KolmogorovSmirnov(QuantileSketch.Of(a), QuantileSketch.Of(b)), 1e-12);
        }
    }

    [Fact]
    public void Chi_square_of_a_two_by_two_table_is_the_textbooks()
    {
        // n (ad - bc)^2 / product of the margins.
        var (chi2, freedom) = Statistics.ChiSquare([20, 30], [40, 10]);
        Assert.Equal(100.0 * Math.Pow(20 * 10 - 30 * 40, 2) / (50.0 * 50 * 60 * 40), chi2, 1e-12);
        Assert.Equal(1, freedom);
    }

    [Fact]
    public void Benjamini_and_hochberg_adjust_by_rank_and_never_out_of_order()
    {
        // By hand: p (n / rank), then the least of all greater ranks.
        var adjusted = Statistics.BenjaminiHochberg([0.01, 0.04, 0.03, double.NaN, 0.005]);
        double[] expected = [0.02, 0.04, 0.04, double.NaN, 0.02];
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], adjusted[i], 1e-12);
    }
}
