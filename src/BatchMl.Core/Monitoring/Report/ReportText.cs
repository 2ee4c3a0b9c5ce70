using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>The report's words and its table of metrics.</summary>
static class ReportText
{
    static readonly string[] knownSplits = ["train", "validation", "test"];

    public static void Header(Html html, DriftFacts facts)
    {
        var data = facts.Data;
        html.Element("h1", data.Job);
        html.Element("p", $"Drift of what {data.Model} is given and of what it says", ("class", "muted"));
        using (html.Open("dl", ("class", "facts")))
        {
            Fact(html, "Model", data.Model);
            Fact(html, "Its digest", Short(data.ModelDigest));
            Fact(html, "Reference", $"{Numeral.Count(data.Reference.Rows)} training rows" + (data.Reference.Column(DriftFacts.ScoreColumn) is { } score ? $", scores of {Numeral.Count(score.Rows)} test rows" : ""));
            Fact(html, $"Period ({data.PartitionColumn})", data.Partitions.Count == 0 ? "–" : data.Partitions.Count == 1 ? data.Partitions[0].Value : $"{data.Partitions[0].Value} to {data.Partitions[^1].Value}");
            Fact(html, facts.Many == "days" ? "Days" : "Partitions", Numeral.Count(data.Partitions.Count));
            Fact(html, "Rows scored", Numeral.Count(data.Partitions.Sum(p => p.Rows)));
        }
        html.Element("h2", "In short");
        using (html.Open("ul", ("class", "summary"))) foreach (var sentence in Summary(facts)) html.Element("li", sentence);
    }

    static IEnumerable<string> Summary(DriftFacts facts)
    {
        var data = facts.Data;
        if (data.Partitions.Count == 0)
        {
            yield return "No partition has been scored and compared yet.";
            yield break;
        }
        var features = facts.Columns.Where(c => c.Name != DriftFacts.ScoreColumn).ToArray();
        var drifted = features.Where(c => c.Count(DriftLevel.Drift) >= facts.Often).ToArray();
        var when = data.Partitions.Count == 1 ? $"on {data.Partitions[0].Value}" : $"on {facts.Often} or more of {facts.Counted(data.Partitions.Count)}";
        yield return drifted.Length == 0 ? $"None of {features.Length} columns drifted {when}."
            : $"{drifted.Length} of {features.Length} columns drifted {when}; most: {string.Join(", ", drifted.Take(5).Select(c => c.Name))}.";
        if (facts.Columns.FirstOrDefault(c => c.Name == DriftFacts.ScoreColumn) is { } score)
        {
            yield return $"The score itself drifted on {score.Count(DriftLevel.Drift)} of {facts.Counted(data.Partitions.Count)}; its mean is {Numeral.Ratio(score.Current?.Mean ?? double.NaN)} against {Numeral.Ratio(score.Reference.Mean)} in the reference.";
        }
        var dead = data.Partitions.Sum(p => p.DeadLetters);
        if (dead > 0) yield return $"{Numeral.Count(dead)} rows could not be scored and are dead letters.";
        yield return Outcome(data);
    }

    static string Outcome(DriftReportData data)
    {
        if (data.Realised is not { } realised) return "No labels are known yet: how the scores turned out can not be said.";
        var test = data.Splits.GetValueOrDefault("test");
        return double.IsNaN(realised.Auc) ? $"{Numeral.Count(realised.Rows)} rows have labels, all of one class: the AUC is not defined."
            : $"The realised AUC is {Numeral.Ratio(realised.Auc)} on {Numeral.Count(realised.Rows)} labelled rows{(test is null ? "" : $", against {Numeral.Ratio(test.Auc)} on the test split")}; {Numeral.Share(Base(realised))} came true where the mean score was {Numeral.Ratio(MeanScore(realised))}.";
    }

    public static void Metrics(Html html, DriftFacts facts)
    {
        var data = facts.Data;
        var names = knownSplits.Where(data.Splits.ContainsKey).Concat(data.Splits.Keys.Except(knownSplits).Order(StringComparer.Ordinal));
        var rows = names.Select(n => Row(n, data.Splits[n])).ToList();
        if (data.Realised is { } realised) rows.Add(Row("realised", realised));
        if (rows.Count > 0) Tables.Write(html, "Metrics of the model's splits and as it turned out", ["", "rows", "base rate", "AUC", "average precision", "log loss", "Brier score", "calibration error"], rows);
    }

    public static void Notes(Html html, DriftFacts facts)
    {
        html.Element("h2", "How to read this");
        using var list = html.Open("ul");
        foreach (var note in (string[])
        [
            "Drift is not the same as worse scores. A column may move without mattering to the model, and scores may get worse while no column moves; only labels tell, and they come late.",
            "Columns that say when something happened, such as a month, drift by construction when the scored period lies in other months than the reference; so do those that follow the season.",
            $"Every {facts.One} is compared with the reference by itself: numbers by the two-sample Kolmogorov-Smirnov test, categories by Pearson's chi-square test (its effect shown as Cramér's V), rare ones (fewer than 5 rows expected) in groups of a twentieth of the rows; of columns with more than 1,000 categories only those are compared that are clearly among the most frequent. Rows without a value are left out of both, and counted as missing; missing shares are compared by the two-proportion z test.",
            $"p-values are adjusted for the number of tests, within each {facts.One}, by Benjamini and Hochberg's method (1995). They say whether a difference is more than chance, not whether it is large.",
            "PSI, the population stability index, says how large it is: over bins at the reference's deciles, or over categories. Unless the job sets other rules, 0.1 is worth a look and 0.25 is drift (Siddiqi, Credit Risk Scorecards, 2006), if the adjusted p-value is below 0.01; a share of missing values that changed by 0.1 is drift by itself, if its adjusted p-value is below 0.01 too.",
            $"Quantiles and distributions of more than {Numeral.Count(QuantileSketch.Capacity)} values come from a sample that keeps its ranks to a fraction of a percent.",
        ]) html.Element("li", note);
    }

    static void Fact(Html html, string name, string value)
    {
        using var pair = html.Open("div");
        html.Element("dt", name).Element("dd", value);
    }

    static IReadOnlyList<string> Row(string name, BinaryMetrics m) =>
        [name, Numeral.Count(m.Rows), Numeral.Share(Base(m)), Numeral.Ratio(m.Auc), Numeral.Ratio(m.AveragePrecision), Numeral.Ratio(m.LogLoss), Numeral.Ratio(m.Brier), Numeral.Ratio(m.CalibrationError)];

    static double Base(BinaryMetrics m) => m.Rows == 0 ? double.NaN : (double)m.Positives / m.Rows;

    static double MeanScore(BinaryMetrics m) => m.Rows == 0 ? double.NaN : m.Calibration.Sum(b => b.Rows * b.Predicted) / m.Rows;

    static string Short(string digest)
    {
        var hex = digest[(digest.IndexOf(':') + 1)..];
        return hex.Length <= 12 ? hex : hex[..12];
    }
}
