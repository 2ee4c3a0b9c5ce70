namespace BatchMl.Training;

/// <summary>What taking every row with at least some score gives.</summary>
/// <param name="Threshold">The score.</param>
/// <param name="FalsePositiveRate">The share of false rows that are taken.</param>
/// <param name="Recall">The share of true rows that are taken (true positive rate).</param>
/// <param name="Precision">The share of taken rows that are true.</param>
public sealed record CurvePoint(double Threshold, double FalsePositiveRate, double Recall, double Precision);

/// <summary>The ROC curve (recall over false positive rate) and the precision-recall curve of scores, for drawing. For the areas below them see <see cref="BinaryMetrics"/>.</summary>
/// <param name="Points">By falling threshold; the last takes every row. Empty where a class is missing.</param>
public sealed record BinaryCurves(IReadOnlyList<CurvePoint> Points)
{
    /// <summary>
    /// Curves of scores against labels (true above 0.5); rows with a NaN in either are left out. Of a curve with more points those are kept that lie apart by 2 / <paramref name="points"/> along it (both rates together),
    /// and the first and the last.
    /// </summary>
    /// <param name="scores">The scores.</param>
    /// <param name="labels">As many labels.</param>
    /// <param name="points">About how many points are enough; at least 1.</param>
    /// <exception cref="ArgumentException">There are not as many labels as scores, or less than one point is asked for.</exception>
    public static BinaryCurves Of(ReadOnlySpan<double> scores, ReadOnlySpan<double> labels, int points = 200)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 1);
        var (sorted, truth) = BinaryMetrics.Sorted(scores, labels);
        double positives = truth.AsSpan().Count(true), negatives = truth.Length - positives;
        if (positives == 0 || negatives == 0) return new BinaryCurves([]);
        var kept = new List<CurvePoint>();
        double found = 0, wrong = 0, last = double.NegativeInfinity;
        for (int end = sorted.Length, start; end > 0; end = start)
        {
            for (start = end; start > 0 && sorted[start - 1] == sorted[end - 1]; start--)
            {
                if (truth[start - 1]) found++;
                else wrong++;
            }
            var along = found / positives + wrong / negatives;
            if (along - last < 2.0 / points && start > 0) continue;
            kept.Add(new CurvePoint(sorted[start], wrong / negatives, found / positives, found / (found + wrong)));
            last = along;
        }
        return new BinaryCurves(kept);
    }
}
