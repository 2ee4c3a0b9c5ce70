namespace BatchMl.Training;

/// <summary>A bin of a calibration curve.</summary>
/// <param name="Rows">Rows in it.</param>
/// <param name="Predicted">Their mean score.</param>
/// <param name="Observed">The share of them that came true.</param>
public sealed record CalibrationBin(long Rows, double Predicted, double Observed);

/// <summary>How well scores of a yes/no question turned out. NaN where it is not defined (no rows, or one class only).</summary>
/// <param name="Rows">Rows judged: those with a score that is not NaN and a label.</param>
/// <param name="Positives">Those that came true.</param>
/// <param name="Auc">Area under the ROC curve: the chance that a true row scores above a false one, ties counting half (Mann-Whitney).</param>
/// <param name="AveragePrecision">Sum over thresholds of (recall step) x precision, without interpolation, as scikit-learn's average_precision_score.</param>
/// <param name="LogLoss">Mean negative log-likelihood, scores clipped to [1e-15, 1 - 1e-15].</param>
/// <param name="Brier">Mean squared error of the score.</param>
/// <param name="CalibrationError">Expected calibration error over the bins, weighted by rows.</param>
/// <param name="Calibration">Ten bins of about equally many rows, by score; equal scores are in one bin, so that there may be fewer.</param>
public sealed record BinaryMetrics(
    long Rows, long Positives, double Auc, double AveragePrecision, double LogLoss, double Brier, double CalibrationError, IReadOnlyList<CalibrationBin> Calibration)
{
    const int Bins = 10;
    const double Clip = 1e-15;

    /// <summary>Judges scores against labels (true above 0.5); rows with a NaN in either are left out.</summary>
    /// <exception cref="ArgumentException">There are not as many labels as scores.</exception>
    public static BinaryMetrics Of(ReadOnlySpan<double> scores, ReadOnlySpan<double> labels)
    {
        var (sorted, truth) = Sorted(scores, labels);
        var (rows, positives) = (sorted.Length, truth.AsSpan().Count(true));
        var (logLoss, brier) = Losses(sorted, truth);
        var calibration = Calibrate(sorted, truth);
        var error = rows == 0 ? double.NaN : calibration.Sum(b => b.Rows * Math.Abs(b.Predicted - b.Observed)) / rows;
        return new BinaryMetrics(rows, positives, AreaUnderRoc(sorted, truth, positives), Precision(sorted, truth, positives), logLoss, brier, error, calibration);
    }

    /// <summary>The scores that are judged, ascending, and whether each came true.</summary>
    internal static (double[] Scores, bool[] Truth) Sorted(ReadOnlySpan<double> scores, ReadOnlySpan<double> labels)
    {
        if (scores.Length != labels.Length) throw new ArgumentException($"{scores.Length} scores and {labels.Length} labels.", nameof(labels));
        var keys = new double[scores.Length];
        var truths = new bool[scores.Length];
        var rows = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            if (double.IsNaN(scores[i]) || double.IsNaN(labels[i])) continue;
            (keys[rows], truths[rows]) = (scores[i], labels[i] > 0.5);
            rows++;
        }
        Array.Resize(ref keys, rows);
        Array.Resize(ref truths, rows);
        Array.Sort(keys, truths);
        return (keys, truths);
    }

    static (double LogLoss, double Brier) Losses(ReadOnlySpan<double> scores, ReadOnlySpan<bool> truth)
    {
        if (scores.Length == 0) return (double.NaN, double.NaN);
        double log = 0, square = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            var p = Math.Clamp(scores[i], Clip, 1 - Clip);
            log -= Math.Log(truth[i] ? p : 1 - p);
            var error = scores[i] - (truth[i] ? 1 : 0);
            square += error * error;
        }
        return (log / scores.Length, square / scores.Length);
    }

    static double AreaUnderRoc(ReadOnlySpan<double> scores, ReadOnlySpan<bool> truth, long positives)
    {
        var negatives = scores.Length - positives;
        if (positives == 0 || negatives == 0) return double.NaN;
        double wins = 0;
        long below = 0;
        for (var start = 0; start < scores.Length;)
        {
            var end = start;
            long ties = 0, hits = 0;
            for (; end < scores.Length && scores[end] == scores[start]; end++)
            {
                if (truth[end]) hits++;
                else ties++;
            }
            wins += hits * (below + ties / 2.0);
            below += ties;
            start = end;
        }
        return wins / ((double)positives * negatives);
    }

    static double Precision(ReadOnlySpan<double> scores, ReadOnlySpan<bool> truth, long positives)
    {
        if (positives == 0) return double.NaN;
        double sum = 0;
        long taken = 0, found = 0;
        for (var end = scores.Length; end > 0;)
        {
            var start = end;
            long hits = 0;
            for (; start > 0 && scores[start - 1] == scores[end - 1]; start--)
            {
                if (truth[start - 1]) hits++;
            }
            taken += end - start;
            found += hits;
            sum += (double)hits / positives * found / taken;
            end = start;
        }
        return sum;
    }

    static IReadOnlyList<CalibrationBin> Calibrate(ReadOnlySpan<double> scores, ReadOnlySpan<bool> truth)
    {
        var bins = new List<CalibrationBin>();
        var from = 0;
        for (var b = 1; b <= Bins; b++)
        {
            var to = (int)((long)scores.Length * b / Bins);
            // Equal scores stay together: which of them came first must not matter.
            while (to > 0 && to < scores.Length && scores[to] == scores[to - 1]) to++;
            if (to <= from) continue;
            double sum = 0;
            foreach (var score in scores[from..to]) sum += score;
            bins.Add(new CalibrationBin(to - from, sum / (to - from), (double)truth[from..to].Count(true) / (to - from)));
            from = to;
        }
        return bins;
    }
}
