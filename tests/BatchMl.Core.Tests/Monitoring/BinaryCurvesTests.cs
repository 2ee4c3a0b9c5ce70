using BatchMl.Training;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class BinaryCurvesTests
{
    static (double[] Scores, double[] Labels) Rows(int n, int seed, int levels)
    {
        var random = new Random(seed);
        double[] scores = [.. Enumerable.Range(0, n).Select(_ => random.Next(levels) / (double)levels)];
        return (scores, [.. scores.Select(s => random.NextDouble() < s ? 1.0 : 0)]);
    }

    [Fact]
    public void The_textbook_example_has_the_textbook_points()
    {
        // scikit-learn's documentation of roc_curve and precision_recall_curve, without dropped or added points.
        var curve = BinaryCurves.Of([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]).Points;
        Assert.Equal([0.8, 0.4, 0.35, 0.1], curve.Select(p => p.Threshold));
        Assert.Equal([0, 0.5, 0.5, 1], curve.Select(p => p.FalsePositiveRate));
        Assert.Equal([0.5, 0.5, 1, 1], curve.Select(p => p.Recall));
        Assert.Equal([1, 0.5, 2 / 3.0, 0.5], curve.Select(p => p.Precision));
    }

    [Fact]
    public void Areas_below_all_points_are_the_metrics()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var (scores, labels) = Rows(200, seed, 20);
            var (metrics, points) = (BinaryMetrics.Of(scores, labels), BinaryCurves.Of(scores, labels, 1_000_000).Points);
            Assert.Equal(scores.Distinct().Count(), points.Count);
            Assert.Equal(metrics.Auc, Area(points), 1e-12);
            Assert.Equal(metrics.AveragePrecision, points.Select((p, i) => (p.Recall - (i == 0 ? 0 : points[i - 1].Recall)) * p.Precision).Sum(), 1e-12);
        }
    }

    static double Area(IReadOnlyList<CurvePoint> points)
    {
        double area = 0, x = 0, y = 0;
        foreach (var p in points)
        {
            area += (p.FalsePositiveRate - x) * (p.Recall + y) / 2;
            (x, y) = (p.FalsePositiveRate, p.Recall);
        }
        return area;
    }

    [Fact]
    public void A_thinned_curve_keeps_its_shape_and_its_ends()
    {
        var (scores, labels) = Rows(50_000, 1, 40_000);
        var (metrics, points) = (BinaryMetrics.Of(scores, labels), BinaryCurves.Of(scores, labels).Points);
        Assert.InRange(points.Count, 100, 202);
        Assert.Equal((scores.Max(), scores.Min()), (points[0].Threshold, points[^1].Threshold));
        Assert.Equal((1.0, 1.0, metrics.Positives / (double)metrics.Rows), (points[^1].FalsePositiveRate, points[^1].Recall, points[^1].Precision));
        Assert.Equal(metrics.Auc, Area(points), 1e-3);
    }

    [Fact]
    public void Without_both_classes_there_is_no_curve()
    {
        Assert.Empty(BinaryCurves.Of([], []).Points);
        Assert.Empty(BinaryCurves.Of([0.1, 0.2, double.NaN], [1, 1, 0]).Points);
        Assert.Throws<ArgumentException>(() => BinaryCurves.Of([0.1], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => BinaryCurves.Of([0.1], [1], 0));
    }
}
