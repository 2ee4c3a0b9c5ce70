namespace BatchMl.Monitoring;

/// <summary>
/// The bins in which categories are compared. They follow from the reference, from how many rows there are now and from what either profile lists, never from how often a category occurs now: else chance would look like drift.
/// </summary>
static class CategoryBins
{
    // Rows to expect per bin for chi-square's distribution to hold (Cochran, "Some Methods for Strengthening the Common Chi-Square Tests", 1954).
    const double LeastExpected = 5;
    // Rare categories are taken together, in the order of their frequency, in groups of this share of rows: even bins of five rows each would make PSI 0.2 by chance.
    const double GroupShare = 0.05;
    // How far a count is above the least that is listed to have been listed for what it is, not for chance; in standard deviations of a count.
    const double Clearance = 3;

    /// <summary>Rows by bin in the reference and now. Categories that belong to no bin, new ones among them, are the last bin.</summary>
    public static (double[] Before, double[] Now) Of(ColumnProfile reference, ColumnProfile current)
    {
        double total = reference.Rows - reference.Nulls, totalNow = current.Rows - current.Nulls;
        var counts = current.Categories!.ToDictionary(c => c.Category, c => (double)c.Rows, StringComparer.Ordinal);
        double cut = Cut(reference), cutNow = Cut(current), group = 0, groupNow = 0;
        List<double> before = [], now = [];
        foreach (var (category, rows) in reference.Categories!)
        {
            var expected = rows / total * totalNow;
            if (!IsClear(rows, cut) || !IsClear(expected, cutNow)) break;
            // One that a full list leaves out is counted with the last bin: it was to be expected far above what is left out.
            group += rows;
            groupNow += counts.GetValueOrDefault(category);
            var isAlone = expected >= LeastExpected;
            if (!isAlone && group / total * totalNow < Math.Max(LeastExpected, GroupShare * totalNow)) continue;
            before.Add(group);
            now.Add(groupNow);
            (group, groupNow) = (0, 0);
        }
        return ([.. before, total - before.Sum()], [.. now, totalNow - now.Sum()]);
    }

    static double Cut(ColumnProfile profile) => profile.OtherCategories == 0 ? 0 : profile.Categories![^1].Rows;

    static bool IsClear(double count, double cut) => cut == 0 || count - Clearance * Math.Sqrt(count) > cut;
}
