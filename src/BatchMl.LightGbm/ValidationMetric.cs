using BatchMl.Training;

namespace BatchMl.LightGbm;

/// <summary>
/// What early stopping watches, computed here in one order: LightGBM's own metrics add up per thread, so that their last digits, and with them the best round, depend on the number of threads.
/// </summary>
sealed class ValidationMetric(string name, double[] labels)
{
    static readonly string[] binary = ["auc", "average_precision", "binary_logloss", "l2", "l1"];
    static readonly string[] regression = ["l2", "l1"];

    readonly double[] scores = new double[labels.Length];

    public static IReadOnlyList<string> NamesFor(string objective) => objective == "regression" ? regression : binary;

    public static bool Fits(string name, string objective) => NamesFor(objective).Contains(name);

    public bool IsBetter(double value, double best) => name is "auc" or "average_precision" ? value > best : value < best;

    public double Of(Booster booster)
    {
        booster.PredictValidation(scores);
        return name switch
        {
            "auc" => BinaryMetrics.Of(scores, labels).Auc,
            "average_precision" => BinaryMetrics.Of(scores, labels).AveragePrecision,
            "binary_logloss" => BinaryMetrics.Of(scores, labels).LogLoss,
            "l1" => Mean((score, label) => Math.Abs(score - label)),
            _ => Mean((score, label) => (score - label) * (score - label)),
        };
    }

    double Mean(Func<double, double, double> loss)
    {
        double sum = 0;
        for (var i = 0; i < scores.Length; i++) sum += loss(scores[i], labels[i]);
        return sum / scores.Length;
    }
}
