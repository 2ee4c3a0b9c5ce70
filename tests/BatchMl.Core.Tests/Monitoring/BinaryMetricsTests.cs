using BatchMl.Training;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class BinaryMetricsTests
{
    [Fact]
    public void The_textbook_example_has_the_textbook_values()
    {
        // scikit-learn's documentation: roc_auc_score 0.75, average_precision_score 0.83...
        var m = BinaryMetrics.Of([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);
        Assert.Equal(0.75, m.Auc, 1e-12);
        Assert.Equal(0.8333333333333333, m.AveragePrecision, 1e-12);
        Assert.Equal((0.01 + 0.16 + 0.65 * 0.65 + 0.04) / 4, m.Brier, 1e-12);
        Assert.Equal(-(Math.Log(0.9) + Math.Log(0.6) + Math.Log(0.35) + Math.Log(0.8)) / 4, m.LogLoss, 1e-12);
        Assert.Equal((4, 2), (m.Rows, m.Positives));
    }

    [Fact]
    public void Auc_and_average_precision_are_those_of_all_pairs_and_all_thresholds()
    {
        var random = new Random(5);
        for (var round = 0; round < 100; round++)
        {
            var n = random.Next(2, 80);
            // Few different scores, so that many tie.
            double[] scores = [.. Enumerable.Range(0, n).Select(_ => random.Next(1, 10) / 10.0)], labels = [.. Enumerable.Range(0, n).Select(_ => (double)random.Next(2))];
            if (labels.Distinct().Count() < 2) continue;
            var m = BinaryMetrics.Of(scores, labels);
            Assert.Equal(Pairs(scores, labels), m.Auc, 1e-12);
            Assert.Equal(Thresholds(scores, labels), m.AveragePrecision, 1e-12);
        }
    }

    static double Pairs(double[] scores, double[] labels)
    {
        double wins = 0, pairs = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            for (var j = 0; j < scores.Length; j++)
            {
                if (labels[i] != 1 || labels[j] != 0) continue;
                pairs++;
                wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }
        return wins / pairs;
    }

    static double Thresholds(double[] scores, double[] labels)
    {
        double sum = 0, recall = 0;
        foreach (var threshold in scores.Distinct().OrderDescending())
        {
            var taken = Enumerable.Range(0, scores.Length).Where(i => scores[i] >= threshold).ToArray();
            var found = taken.Sum(i => labels[i]);
            sum += (found / labels.Sum() - recall) * found / taken.Length;
            recall = found / labels.Sum();
        }
        return sum;
    }

    [Fact]
    public void The_order_of_rows_does_not_matter()
    {
        var random = new Random(7);
        var rows = Enumerable.Range(0, 500).Select(_ => (Score: random.Next(1, 20) / 20.0, Label: (double)random.Next(2))).ToArray();
        var m = BinaryMetrics.Of([.. rows.Select(r => r.Score)], [.. rows.Select(r => r.Label)]);
        random.Shuffle(rows);
        var shuffled = BinaryMetrics.Of([.. rows.Select(r => r.Score)], [.. rows.Select(r => r.Label)]);
        Assert.Equal(m.Calibration, shuffled.Calibration);
        Assert.Equal(m.Auc, shuffled.Auc);
        Assert.Equal(m.LogLoss, shuffled.LogLoss, 1e-12);
    }

    [Fact]
    public void Calibration_bins_have_every_row_once_and_equal_scores_share_a_bin()
    {
        var m = BinaryMetrics.Of([.. Enumerable.Repeat(0.25, 90), .. Enumerable.Repeat(0.5, 10)], [.. Enumerable.Range(0, 100).Select(i => i % 4 == 0 ? 1.0 : 0)]);
        Assert.Equal([90, 10], m.Calibration.Select(b => b.Rows));
        var spread = BinaryMetrics.Of([.. Enumerable.Range(0, 1000).Select(i => i / 1000.0)], new double[1000]);
        Assert.Equal(Enumerable.Repeat(100L, 10), spread.Calibration.Select(b => b.Rows));
        Assert.Equal(0.4995, spread.CalibrationError, 1e-12);
    }

    [Fact]
    public void What_is_not_defined_is_nan()
    {
        var none = BinaryMetrics.Of([], []);
        Assert.True(double.IsNaN(none.Auc) && double.IsNaN(none.LogLoss) && double.IsNaN(none.Brier) && double.IsNaN(none.CalibrationError));
        var one = BinaryMetrics.Of([0.2, 0.3], [0, 0]);
        Assert.True(double.IsNaN(one.Auc) && double.IsNaN(one.AveragePrecision));
        Assert.False(double.IsNaN(one.LogLoss));
    }

    [Fact]
    public void Rows_without_a_score_or_a_label_are_left_out_and_certainty_costs_a_finite_amount()
    {
        var m = BinaryMetrics.Of([0, double.NaN, 0.5, 1], [1, 1, double.NaN, 1]);
        Assert.Equal(2, m.Rows);
        Assert.Equal(-Math.Log(1e-15) / 2, m.LogLoss, 1e-9);
    }
}
