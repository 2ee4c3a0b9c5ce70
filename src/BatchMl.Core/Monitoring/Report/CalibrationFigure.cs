using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>Predicted against observed shares, of the test split and as it turned out.</summary>
static class CalibrationFigure
{
    const double Size = 420, Left = 56, Right = 16, Top = 12, Bottom = 44;

    public static void Draw(Html html, BinaryMetrics? test, BinaryMetrics? realised)
    {
        var bins = (test?.Calibration ?? []).Concat(realised?.Calibration ?? []).ToArray();
        if (bins.Length == 0) return;
        var axis = new Axis([0, .. bins.SelectMany(b => new[] { b.Predicted, b.Observed })], Numeral.Value);
        using var figure = html.Open("figure", ("class", "narrow"));
        using (html.Open("p", ("class", "legend")))
        {
            if (test is not null) HeatMap.Key(html, "bar before", "test split");
            if (realised is not null) HeatMap.Key(html, "bar now", "realised");
        }
        using (html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Size)} {Numeral.Coordinate(Size)}"), ("role", "img")))
        {
            html.Element("title", "Calibration: predicted against observed shares");
            foreach (var tick in axis.Ticks)
            {
                html.Shape("line", ("class", "grid"), ("x1", Left), ("x2", Size - Right), ("y1", Y(axis, tick)), ("y2", Y(axis, tick)));
                html.Element("text", axis.Format(tick), ("class", "end"), ("x", Left - 8), ("y", Y(axis, tick) + 4));
                html.Element("text", axis.Format(tick), ("class", "middle"), ("x", X(axis, tick)), ("y", Size - Bottom + 18));
            }
            html.Element("text", "mean score of the bin", ("class", "middle"), ("x", (Left + Size - Right) / 2), ("y", Size - 8));
            html.Shape("line", ("class", "level before"), ("x1", Left), ("y1", Size - Bottom), ("x2", Size - Right), ("y2", Top));
            Curve(html, axis, test, "before", "test");
            Curve(html, axis, realised, "now", "realised");
        }
        html.Element("figcaption", "Observed share (upwards) by mean score, in up to ten bins of about equally many rows. On the dashed diagonal scores mean what they say; above it too few were expected, below it too many.");
    }

    static double X(Axis axis, double value) => Left + (Size - Left - Right) * axis.Position(value);

    static double Y(Axis axis, double value) => Top + (Size - Top - Bottom) * (1 - axis.Position(value));

    static void Curve(Html html, Axis axis, BinaryMetrics? metrics, string style, string name)
    {
        if (metrics is null) return;
        var path = new PathText();
        foreach (var bin in metrics.Calibration) path.To(X(axis, bin.Predicted), Y(axis, bin.Observed));
        html.Shape("path", ("class", "line " + style), ("d", path));
        foreach (var bin in metrics.Calibration)
        {
            using (html.Open("circle", ("class", style), ("cx", X(axis, bin.Predicted)), ("cy", Y(axis, bin.Observed)), ("r", 3.5)))
            {
                html.Element("title", $"{name}: {Numeral.Count(bin.Rows)} rows, mean score {Numeral.Ratio(bin.Predicted)}, observed {Numeral.Ratio(bin.Observed)}");
            }
        }
    }
}
