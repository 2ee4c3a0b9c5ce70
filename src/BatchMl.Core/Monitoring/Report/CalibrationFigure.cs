using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>Predicted against observed shares, of the test split and as it turned out.</summary>
static class CalibrationFigure
{
    public static void Draw(Html html, BinaryMetrics? test, BinaryMetrics? realised)
    {
        var bins = (test?.Calibration ?? []).Concat(realised?.Calibration ?? []).ToArray();
        if (bins.Length == 0) return;
        var plot = new SquarePlot(html, new Axis([0, .. bins.SelectMany(b => new[] { b.Predicted, b.Observed })], Numeral.Value));
        using var figure = html.Open("figure", ("class", "narrow"));
        using (html.Open("p", ("class", "legend")))
        {
            if (test is not null) HeatMap.Key(html, "bar before", "test split");
            if (realised is not null) HeatMap.Key(html, "bar now", "realised");
        }
        plot.Draw("Calibration: predicted against observed shares", "mean score of the bin", () =>
        {
            plot.Diagonal();
            Curve(plot, test, "before", "test");
            Curve(plot, realised, "now", "realised");
        });
        html.Element("figcaption", "Observed share (upwards) by mean score, in up to ten bins of about equally many rows. On the dashed diagonal scores mean what they say; above it too few were expected, below it too many.");
    }

    static void Curve(SquarePlot plot, BinaryMetrics? metrics, string style, string name)
    {
        if (metrics is null) return;
        plot.Line(metrics.Calibration.Select(b => (b.Predicted, b.Observed)), style);
        foreach (var bin in metrics.Calibration)
        {
            plot.Dot(bin.Predicted, bin.Observed, style, $"{name}: {Numeral.Count(bin.Rows)} rows, mean score {Numeral.Ratio(bin.Predicted)}, observed {Numeral.Ratio(bin.Observed)}");
        }
    }
}
