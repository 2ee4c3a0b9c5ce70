namespace BatchMl.Monitoring;

/// <summary>Drawings over the period: the score's distribution, rows, and how scores turned out.</summary>
static class TimeFigures
{
    /// <summary>Partitions in a moving mean: a week of days.</summary>
    const int Window = 7;

    public static void Score(Html html, DriftFacts facts)
    {
        double[] shares = [0.05, 0.25, 0.5, 0.75, 0.95];
        var quantiles = shares.Select(q => facts.Partitions.Select(p => p.Profile.Column(DriftFacts.ScoreColumn)?.Quantiles?.Quantile(q) ?? double.NaN).ToArray()).ToArray();
        var reference = shares.Select(q => facts.Data.Reference.Column(DriftFacts.ScoreColumn)?.Quantiles?.Quantile(q) ?? double.NaN).ToArray();
        var plot = Plot(html, facts, new Axis([0, .. quantiles.SelectMany(q => q), .. reference], Numeral.Value), 240);
        using var figure = html.Open("figure");
        plot.Draw($"Quantiles of the score by {facts.One}", () =>
        {
            plot.Ribbon(quantiles[0], quantiles[4], "ribbon wide");
            plot.Ribbon(quantiles[1], quantiles[3], "ribbon");
            plot.Line(quantiles[2], "now");
            plot.Dots(quantiles[2], "now", i => $"{facts.Partitions[i].Value}: " + string.Join(", ", shares.Select((q, s) => $"{Numeral.Value(100 * q)} % {Numeral.Ratio(quantiles[s][i])}")));
            for (var s = 0; s < shares.Length; s++) plot.Level(reference[s], "before", s == 2 ? "reference median" : $"{Numeral.Value(100 * shares[s])} %");
        });
        html.Element("figcaption", $"The score by {facts.One}: median, the middle half (strong) and the middle 90 % (faint). Dashed lines are the same quantiles of the reference.");
    }

    public static void Rows(Html html, DriftFacts facts)
    {
        var plot = Plot(html, facts, new Axis([0, .. facts.Partitions.Select(p => (double)(p.Rows + p.DeadLetters))], Numeral.Value), 150);
        var dead = facts.Partitions.Sum(p => p.DeadLetters);
        using var figure = html.Open("figure");
        plot.Draw($"Rows by {facts.One}", () =>
        {
            for (var i = 0; i < facts.Partitions.Count; i++)
            {
                var p = facts.Partitions[i];
                plot.Bar(i, 0, p.Rows, "bar now", $"{p.Value}: {Numeral.Count(p.Rows)} rows scored, {Numeral.Count(p.DeadLetters)} dead letters");
                if (p.DeadLetters > 0) plot.Bar(i, p.Rows, p.Rows + p.DeadLetters, "bar bad", $"{p.Value}: {Numeral.Count(p.DeadLetters)} dead letters");
            }
        });
        html.Element("figcaption", $"Rows scored by {facts.One}{(dead == 0 ? "; there are no dead letters." : $", and dead letters on top of them ({Numeral.Count(dead)} in all).")}");
    }

    public static void Realised(Html html, DriftFacts facts)
    {
        Metric(html, facts, "AUC", "higher is better", m => m.Auc, $" Within a {facts.One} only its own rows are ranked: what tells one {facts.One} from another does not count here, as it does in the AUC of all rows and of the test split, so that these are usually lower.");
        Metric(html, facts, "Log loss", "lower is better", m => m.LogLoss, "");
    }

    static void Metric(Html html, DriftFacts facts, string name, string better, Func<Training.BinaryMetrics, double> metric, string note)
    {
        var values = facts.Partitions.Select(p => p.Realised is { } m ? metric(m) : double.NaN).ToArray();
        var means = values.Select((_, i) => Mean(facts, values, i)).ToArray();
        var test = facts.Data.Splits.TryGetValue("test", out var split) ? metric(split) : double.NaN;
        var plot = Plot(html, facts, new Axis([.. values, test], Numeral.Value), 180);
        using var figure = html.Open("figure");
        plot.Draw($"{name} by {facts.One}", () =>
        {
            for (var i = 0; i < values.Length; i++)
            {
                if (!double.IsNaN(values[i])) continue;
                plot.Gap(i, facts.Partitions[i].Realised is null ? $"{facts.Partitions[i].Value}: no labels" : $"{facts.Partitions[i].Value}: not defined, {Numeral.Count(facts.Partitions[i].Labelled)} labels of one class");
            }
            plot.Level(test, "before", $"test {Numeral.Ratio(test)}");
            plot.Dots(values, "faint", i => $"{facts.Partitions[i].Value}: {name} {Numeral.Ratio(values[i])} on {Numeral.Count(facts.Partitions[i].Labelled)} labelled rows");
            plot.Line(means, "now");
        });
        var gaps = values.Count(double.IsNaN);
        html.Element("figcaption", $"{name} ({better}) by {facts.One}: each one (dots), the mean of up to {Window} {facts.Many} until then weighted by rows (line), and the test split (dashed).{(gaps == 0 ? "" : $" Shaded: {facts.Counted(gaps)} without labels, or with labels of one class only.")}{note}");
    }

    /// <summary>Weighted by rows, so that a day of twenty rows counts as much as it tells.</summary>
    static double Mean(DriftFacts facts, double[] values, int last)
    {
        if (double.IsNaN(values[last])) return double.NaN;
        double sum = 0, rows = 0;
        for (var i = Math.Max(0, last - Window + 1); i <= last; i++)
        {
            if (double.IsNaN(values[i])) continue;
            sum += values[i] * facts.Partitions[i].Realised!.Rows;
            rows += facts.Partitions[i].Realised!.Rows;
        }
        return sum / rows;
    }

    static PartitionPlot Plot(Html html, DriftFacts facts, Axis axis, double height) => new(html, [.. facts.Partitions.Select(p => p.Value)], axis, height);
}
