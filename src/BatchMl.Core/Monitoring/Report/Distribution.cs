namespace BatchMl.Monitoring;

/// <summary>A column's values in the reference and now: a histogram, or bars where there are few different values.</summary>
static class Distribution
{
    const int Bins = 30, MaxBars = 12;
    const double Width = 560, Left = 44, Height = 170, Top = 8, Bottom = 24;

    public static void Draw(Html html, string name, ColumnProfile reference, ColumnProfile current)
    {
        if (reference.Categories is not null && current.Categories is not null) Bars(html, name, Categories(reference, current));
        else if (reference.Quantiles is { Count: > 0 } before && current.Quantiles is { Count: > 0 } now)
        {
            var distinct = before.Weighted().Values.Concat(now.Weighted().Values).Distinct().Order().Take(MaxBars + 1).ToArray();
            if (distinct.Length <= MaxBars) Bars(html, name, [.. distinct.Select((v, i) => (Numeral.Value(v), before.Shares(distinct)[i], now.Shares(distinct)[i]))]);
            else Histogram(html, name, before, now);
        }
    }

    static List<(string, double, double)> Categories(ColumnProfile reference, ColumnProfile current)
    {
        double total = reference.Rows - reference.Nulls, totalNow = current.Rows - current.Nulls;
        if (total == 0 || totalNow == 0) return [];
        var before = reference.Categories!.ToDictionary(c => c.Category, c => c.Rows / total, StringComparer.Ordinal);
        var now = current.Categories!.ToDictionary(c => c.Category, c => c.Rows / totalNow, StringComparer.Ordinal);
        var all = before.Keys.Union(now.Keys).Select(c => (c, before.GetValueOrDefault(c), now.GetValueOrDefault(c)))
            .OrderByDescending(c => Math.Max(c.Item2, c.Item3)).ThenBy(c => c.c, StringComparer.Ordinal).ToArray();
        var shown = all.Take(MaxBars).ToList();
        double rest = 1 - shown.Sum(c => c.Item2), restNow = 1 - shown.Sum(c => c.Item3);
        if (rest > 1e-9 || restNow > 1e-9) shown.Add(("all others", Math.Max(0, rest), Math.Max(0, restNow)));
        return shown;
    }

    static void Bars(Html html, string name, List<(string Name, double Before, double Now)> bars)
    {
        if (bars.Count == 0) return;
        const double row = 22, names = 150;
        var greatest = Math.Max(1e-9, bars.Max(b => Math.Max(b.Before, b.Now)));
        double Length(double share) => (Width - names - 60) * share / greatest;
        using var figure = html.Open("figure", ("class", "narrow"));
        Legend(html);
        using (html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Width)} {Numeral.Coordinate(bars.Count * row)}"), ("role", "img")))
        {
            html.Element("title", $"Shares of {name}'s values in the reference and now");
            for (var i = 0; i < bars.Count; i++)
            {
                var (label, before, now) = bars[i];
                html.Element("text", label.Length <= 20 ? label : label[..19] + "…", ("class", "end"), ("x", names - 8), ("y", i * row + 14));
                html.Shape("rect", ("class", "bar before"), ("x", names), ("y", i * row + 2), ("width", Length(before)), ("height", 8.0));
                html.Shape("rect", ("class", "bar now"), ("x", names), ("y", i * row + 11), ("width", Length(now)), ("height", 8.0));
                html.Element("text", $"{Numeral.Share(now)}", ("x", names + Math.Max(Length(before), Length(now)) + 6), ("y", i * row + 15));
            }
        }
        html.Element("figcaption", "Shares of the rows that have a value; the number is the share now.");
    }

    static void Histogram(Html html, string name, QuantileSketch before, QuantileSketch now)
    {
        // Between the outer half percents, so that one stray value does not flatten everything; what is beyond is in the outer bins.
        double low = Finite(Math.Min(before.Quantile(0.005), now.Quantile(0.005))), high = Finite(Math.Max(before.Quantile(0.995), now.Quantile(0.995)));
        if (!(low < high) || !double.IsFinite(high - low)) return;
        var edges = Enumerable.Range(1, Bins - 1).Select(i => low + (high - low) * i / Bins).ToArray();
        double[] was = before.Shares(edges), @is = now.Shares(edges);
        var axis = new Axis([0, .. was, .. @is], Numeral.Value);
        var band = (Width - Left) / Bins;
        double Y(double share) => Top + (Height - Top - Bottom) * (1 - axis.Position(share));
        using var figure = html.Open("figure", ("class", "narrow"));
        Legend(html);
        using (html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Width)} {Numeral.Coordinate(Height)}"), ("role", "img")))
        {
            html.Element("title", $"Distribution of {name} in the reference and now");
            foreach (var tick in axis.Ticks)
            {
                html.Shape("line", ("class", "grid"), ("x1", Left), ("x2", Width), ("y1", Y(tick)), ("y2", Y(tick)));
                html.Element("text", axis.Format(tick), ("class", "end"), ("x", Left - 6), ("y", Y(tick) + 4));
            }
            var outline = new PathText();
            for (var i = 0; i < Bins; i++)
            {
                html.Shape("rect", ("class", "bar before"), ("x", Left + i * band), ("y", Y(was[i])), ("width", band - 1), ("height", Y(0) - Y(was[i])));
                outline.To(Left + i * band, Y(@is[i])).To(Left + (i + 1) * band - 1, Y(@is[i]));
            }
            html.Shape("path", ("class", "line now"), ("d", outline));
            foreach (var (share, anchor) in new[] { (0.0, "start"), (0.5, "middle"), (1.0, "end") })
            {
                html.Element("text", Numeral.Value(low + (high - low) * share), ("class", anchor), ("x", Left + (Width - Left) * share), ("y", Height - 6));
            }
        }
        html.Element("figcaption", "Shares of the rows that have a value, in bins of equal width between the outer half percents; values beyond are in the outer bins.");
    }

    static double Finite(double value) => Math.Clamp(value, -1e300, 1e300);

    static void Legend(Html html)
    {
        using var legend = html.Open("p", ("class", "legend"));
        HeatMap.Key(html, "bar before", "reference");
        HeatMap.Key(html, "bar now", "now, all together");
    }
}
