using Apache.Arrow;

namespace BatchMl.Scoring;

/// <summary>Sums and counts of the label by category and fold: what a <see cref="TargetEncoding"/> is computed from.</summary>
sealed class TargetSums
{
    readonly int folds;
    readonly double smoothing;
    readonly double[] sums;
    readonly double[] counts;
    readonly double[] foldSums;
    readonly double[] foldCounts;

    /// <param name="codes">Each training row's category, 0 to <paramref name="categories"/> - 1.</param>
    /// <param name="labels">Each training row's label.</param>
    /// <param name="weights">How many rows each stands for; null: each for itself.</param>
    /// <param name="categories">Number of categories.</param>
    /// <param name="folds">A row's fold is its ordinal modulo this.</param>
    /// <param name="smoothing">Weight of the overall mean.</param>
    internal TargetSums(ReadOnlySpan<int> codes, ReadOnlySpan<double> labels, double[]? weights, int categories, int folds, double smoothing)
    {
        (this.folds, this.smoothing) = (folds, smoothing);
        (sums, counts) = (new double[categories * folds], new double[categories * folds]);
        (foldSums, foldCounts) = (new double[folds], new double[folds]);
        for (var row = 0; row < codes.Length; row++)
        {
            var (fold, weight) = (row % folds, weights is null ? 1 : weights[row]);
            sums[codes[row] * folds + fold] += weight * labels[row];
            counts[codes[row] * folds + fold] += weight;
            foldSums[fold] += weight * labels[row];
            foldCounts[fold] += weight;
        }
    }

    /// <summary>The label's mean over all rows but a fold's (-1: over all rows).</summary>
    internal double Overall(int without) => Total(foldSums, foldCounts, 0, without) is var (sum, count) ? sum / count : default;

    /// <summary>A category's smoothed mean over all rows but a fold's (-1: over all rows).</summary>
    internal double Of(int category, int without)
    {
        var overall = Overall(without);
        var (sum, count) = Total(sums, counts, category * folds, without);
        return count + smoothing == 0 ? overall : (sum + smoothing * overall) / (count + smoothing);
    }

    // Added up over the folds that count rather than subtracted from the total, which would leave rounding errors behind.
    (double Sum, double Count) Total(double[] sums, double[] counts, int start, int without)
    {
        var (sum, count) = (0.0, 0.0);
        for (var fold = 0; fold < folds; fold++)
        {
            if (fold == without) continue;
            sum += sums[start + fold];
            count += counts[start + fold];
        }
        return (sum, count);
    }
}
