using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>What thresholds on the score would have given: the ROC curve and the precision-recall curve, as it turned out.</summary>
static class CurveFigures
{
    public static void Draw(Html html, BinaryCurves? curves, BinaryMetrics? realised)
    {
        if (curves is null || realised is null || curves.Points.Count == 0) return;
        var plot = new SquarePlot(html, new Axis([0, 1], Numeral.Value));
        var points = curves.Points;
        using var pair = html.Open("div", ("class", "pair"));
        using (html.Open("figure", ("class", "narrow")))
        {
            plot.Draw($"ROC curve of the realised scores, area {Numeral.Ratio(realised.Auc)}", "share of false rows at or above the threshold", () =>
            {
                plot.Diagonal();
                plot.Line(points.Select(p => (p.FalsePositiveRate, p.Recall)).Prepend((0, 0)), "now");
            });
            html.Element("figcaption", $"ROC curve, realised: the share of true rows that a threshold on the score would have found (upwards), by the share of false rows taken with them. The area below is the AUC, {Numeral.Ratio(realised.Auc)}; on the dashed diagonal a score says nothing.");
        }
        using (html.Open("figure", ("class", "narrow")))
        {
            plot.Draw($"Precision-recall curve of the realised scores, average precision {Numeral.Ratio(realised.AveragePrecision)}", "share of true rows found", () =>
            {
                plot.Level((double)realised.Positives / realised.Rows);
                plot.Line(points.Select(p => (p.Recall, p.Precision)), "now");
            });
            html.Element("figcaption", $"Precision-recall curve, realised: the share of taken rows that are true (upwards), by the share of true rows found. Average precision {Numeral.Ratio(realised.AveragePrecision)}; dashed: the base rate, what taking rows at random gives.");
        }
    }
}
