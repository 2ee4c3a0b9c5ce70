namespace BatchMl.Monitoring;

/// <summary>One column in detail, folded away.</summary>
static class ColumnSection
{
    /// <summary>Partitions in the table of the worst.</summary>
    const int Worst = 5;

    public static void Write(Html html, DriftFacts facts, ColumnFacts column, bool open)
    {
        using var details = open ? html.Open("details", ("open", "open")) : html.Open("details");
        var (drifted, warned) = (column.Count(DriftLevel.Drift), column.Count(DriftLevel.Warning));
        using (html.Open("summary"))
        {
            html.Element("code", column.Name);
            html.Element("span", $" drifted on {Numeral.Count(drifted)} of {facts.Counted(facts.Partitions.Count)}{(warned > 0 ? $", worth a look on {Numeral.Count(warned)}" : "")}; PSI {Numeral.Ratio(column.MedianPsi)} in the median, {Numeral.Ratio(column.GreatestPsi)} at most", ("class", "muted"));
        }
        html.Element("p", Sentence("Reference", column.Reference) + (column.Current is null ? "" : " " + Sentence($"All {facts.Many} together", column.Current)));
        if (column.Current is not null) Distribution.Draw(html, column.Name, column.Reference, column.Current);
        WorstPartitions(html, facts, column);
    }

    public static string TestName(string test) => test switch { "ks" => "KS", "chi2" => "Cramér's V", _ => "no test" };

    public static string LevelName(DriftLevel level) => level switch { DriftLevel.Drift => "drift", DriftLevel.Warning => "worth a look", _ => "no drift" };

    static string Sentence(string what, ColumnProfile profile)
    {
        var values = profile.Categories is { } categories ? $"{Numeral.Count(categories.Count)}{(profile.OtherCategories > 0 ? " or more" : "")} categories"
            : profile.Quantiles is { Count: > 0 } q ? $"{Numeral.Value(profile.Min ?? double.NaN)} to {Numeral.Value(profile.Max ?? double.NaN)}, mean {Numeral.Value(profile.Mean)}, standard deviation {Numeral.Value(profile.Deviation)}, median {Numeral.Value(q.Quantile(0.5))}"
            : "no values";
        return $"{what}: {values}, {Numeral.Share(profile.MissingShare)} of {Numeral.Count(profile.Rows)} rows missing.";
    }

    static void WorstPartitions(Html html, DriftFacts facts, ColumnFacts column)
    {
        var worst = Enumerable.Range(0, facts.Partitions.Count).Where(i => column.Drifts[i] is not null)
            .OrderByDescending(i => column.Drifts[i]!.Level).ThenByDescending(i => column.Drifts[i]!.Psi).ThenBy(i => i).Take(Worst).ToArray();
        if (worst.Length == 0) return;
        Tables.Write(html, $"The {facts.Many} that differ most", [facts.Data.PartitionColumn, "PSI", TestName(column.Drifts[worst[0]]!.Test), "p, adjusted", "missing", "in reference", "level"],
            worst.Select(i => (column.Drifts[i]!, facts.Partitions[i].Value)).Select(w => (IReadOnlyList<string>)
            [
                w.Value, Numeral.Ratio(w.Item1.Psi), Numeral.Ratio(w.Item1.Statistic), Numeral.Probability(w.Item1.AdjustedPValue), Numeral.Share(w.Item1.MissingShare),
                Numeral.Share(w.Item1.ReferenceMissingShare), LevelName(w.Item1.Level),
            ]));
    }
}
