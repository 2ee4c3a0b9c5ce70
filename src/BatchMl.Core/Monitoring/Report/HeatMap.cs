namespace BatchMl.Monitoring;

/// <summary>Columns by partitions, coloured by PSI.</summary>
static class HeatMap
{
    const double Left = 190, Cell = 15, Width = 960, Bottom = 24;
    static readonly (double From, string Name)[] steps = [(0, "below 0.1"), (0.1, "0.1 – 0.25"), (0.25, "0.25 – 0.5"), (0.5, "0.5 – 1"), (1, "1 and above")];

    public static void Draw(Html html, DriftFacts facts)
    {
        var band = (Width - Left) / facts.Partitions.Count;
        var height = facts.Columns.Count * Cell + Bottom;
        using var figure = html.Open("figure");
        Legend(html);
        using (html.Open("div", ("class", "scroll")))
        using (html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Width)} {Numeral.Coordinate(height)}"), ("role", "img")))
        {
            html.Element("title", $"Population stability index of {facts.Columns.Count} columns on {facts.Counted(facts.Partitions.Count)}");
            for (var row = 0; row < facts.Columns.Count; row++)
            {
                var column = facts.Columns[row];
                html.Element("text", Shortened(column.Name), ("x", Left - 8), ("y", row * Cell + 11.5), ("class", column.Name == DriftFacts.ScoreColumn ? "end strong" : "end"));
                for (var i = 0; i < facts.Partitions.Count; i++)
                {
                    if (column.Drifts[i] is not { } drift) continue;
                    var gap = band > 4 ? 1 : 0;
                    using (html.Open("rect", ("class", Style(drift)), ("x", Left + i * band), ("y", row * Cell), ("width", band - gap), ("height", Cell - 1)))
                    {
                        html.Element("title", $"{column.Name}, {facts.Partitions[i].Value}: {Sentence(drift)}");
                    }
                }
            }
            PartitionPlot.PartitionLabels(html, [.. facts.Partitions.Select(p => p.Value)], Left, band, height - 6);
        }
        html.Element("figcaption", $"Population stability index (PSI) by column and {facts.One} against the reference; the score first, then the columns that drifted most. Faint cells are within chance for that many rows. Point at a cell for its numbers.");
    }

    /// <summary>A comparison in words.</summary>
    public static string Sentence(ColumnDrift drift) =>
        $"PSI {Numeral.Ratio(drift.Psi)}, {ColumnSection.TestName(drift.Test)} {Numeral.Ratio(drift.Statistic)} (adjusted p {Numeral.Probability(drift.AdjustedPValue)}), missing {Numeral.Share(drift.MissingShare)} against {Numeral.Share(drift.ReferenceMissingShare)} (adjusted p {Numeral.Probability(drift.AdjustedMissingPValue)}): {ColumnSection.LevelName(drift.Level)}";

    static string Style(ColumnDrift drift)
    {
        var step = double.IsNaN(drift.Psi) ? 0 : System.Array.FindLastIndex(steps, s => drift.Psi >= s.From);
        // Drift at a PSI too low for it: it is the share of missing values that changed.
        if (drift.Level == DriftLevel.Drift && step < 2) return "missing";
        return step > 0 && drift.Level == DriftLevel.None ? $"heat{step} chance" : $"heat{Math.Max(0, step)}";
    }

    static void Legend(Html html)
    {
        using var legend = html.Open("p", ("class", "legend"));
        html.Text("PSI");
        for (var i = 0; i < steps.Length; i++) Key(html, $"heat{i}", steps[i].Name);
        Key(html, "missing", "other share of missing values");
    }

    /// <summary>An entry of a legend.</summary>
    public static void Key(Html html, string style, string name)
    {
        using var key = html.Open("span", ("class", "key"));
        using (html.Open("svg", ("viewBox", "0 0 14 14"), ("class", "swatch"), ("aria-hidden", "true"))) html.Shape("rect", ("class", style), ("width", 14.0), ("height", 14.0));
        html.Text(" " + name);
    }

    static string Shortened(string name) => name.Length <= 27 ? name : name[..26] + "…";
}
