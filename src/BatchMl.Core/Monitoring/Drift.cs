namespace BatchMl.Monitoring;

/// <summary>How much a column's distribution moved.</summary>
public enum DriftLevel
{
    /// <summary>No more than chance, or too little to matter.</summary>
    None,
    /// <summary>Worth a look.</summary>
    Warning,
    /// <summary>Drifted.</summary>
    Drift,
}

/// <summary>When a column counts as drifted.</summary>
public sealed record DriftRules
{
    /// <summary>PSI from which on a column is worth a look. The field's usual 0.1 (Siddiqi, Credit Risk Scorecards, 2006).</summary>
    public double PsiWarning { get; init; } = 0.1;
    /// <summary>PSI from which on it drifted: the usual 0.25.</summary>
    public double PsiDrift { get; init; } = 0.25;
    /// <summary>The test's p-value, adjusted for the number of columns (Benjamini-Hochberg), must be below this: a PSI of few rows is large by chance.</summary>
    public double Significance { get; init; } = 0.01;
    /// <summary>A change of the share of missing values by this much, that is more than chance (as above), is drift by itself.</summary>
    public double MissingShareChange { get; init; } = 0.1;
}

/// <summary>A column against its reference.</summary>
/// <param name="Column">The column.</param>
/// <param name="Test"><c>ks</c> for numbers, <c>chi2</c> for categories.</param>
/// <param name="Statistic">The KS distance, or chi-square over its rows' total as Cramér's V; both 0 to 1; NaN without rows.
/// Of columns with more than <see cref="ColumnProfile.MaxCategories"/> categories only those are compared that are clearly among the listed ones.</param>
/// <param name="PValue">Its p-value; NaN without rows.</param>
/// <param name="AdjustedPValue">The p-value with false discoveries controlled over all tests of the partition, those of missing shares too (Benjamini and Hochberg, 1995).</param>
/// <param name="Psi">Population stability index over bins frozen at the reference's deciles, or over categories, rare ones in groups; a share of 0 counts as 0.0001.</param>
/// <param name="MissingShare">Share of missing values now.</param>
/// <param name="ReferenceMissingShare">Share of missing values in the reference.</param>
/// <param name="AdjustedMissingPValue">The two-sided p-value of the two shares being one (two-proportion z test), adjusted in the same way; NaN without rows.</param>
/// <param name="Level">What it amounts to.</param>
public sealed record ColumnDrift(
    string Column, string Test, double Statistic, double PValue, double AdjustedPValue, double Psi, double MissingShare, double ReferenceMissingShare, double AdjustedMissingPValue,
    DriftLevel Level);

/// <summary>Compares profiles.</summary>
public static class Drift
{
    // Empty bins would make PSI infinite; the same floor as Evidently's.
    const double Floor = 1e-4;

    /// <summary>Every column that both profiles have. A partition without rows has not drifted.</summary>
    public static IReadOnlyList<ColumnDrift> Compare(Profile reference, Profile current, DriftRules rules)
    {
        var compared = reference.Columns.Where(c => current.Column(c.Name) is not null).Select(c => Compare(c, current.Column(c.Name)!)).ToArray();
        var adjusted = Statistics.BenjaminiHochberg([.. compared.Select(c => c.PValue), .. compared.Select(c => c.AdjustedMissingPValue)]);
        return [.. compared.Select((c, i) => Judged(c with { AdjustedPValue = adjusted[i], AdjustedMissingPValue = adjusted[compared.Length + i] }, rules))];
    }

    static ColumnDrift Judged(ColumnDrift c, DriftRules rules) => c with { Level = Judge(c, rules) };

    static DriftLevel Judge(ColumnDrift c, DriftRules rules)
    {
        if (Math.Abs(c.MissingShare - c.ReferenceMissingShare) >= rules.MissingShareChange && c.AdjustedMissingPValue < rules.Significance) return DriftLevel.Drift;
        if (!(c.AdjustedPValue < rules.Significance)) return DriftLevel.None;
        return c.Psi >= rules.PsiDrift ? DriftLevel.Drift : c.Psi >= rules.PsiWarning ? DriftLevel.Warning : DriftLevel.None;
    }

    static ColumnDrift Compare(ColumnProfile reference, ColumnProfile current)
    {
        var (test, statistic, p, psi) = reference.Categories is not null && current.Categories is not null ? Categories(reference, current)
            : reference.Quantiles is not null && current.Quantiles is not null ? Numbers(reference.Quantiles, current.Quantiles)
            : ("none", double.NaN, double.NaN, double.NaN);
        return new ColumnDrift(reference.Name, test, statistic, p, double.NaN, psi, current.MissingShare, reference.MissingShare, MissingP(reference, current), DriftLevel.None);
    }

    // The square of the two-proportion z is the chi-square of the two by two table, with one degree of freedom.
    static double MissingP(ColumnProfile reference, ColumnProfile current)
    {
        if (reference.Rows == 0 || current.Rows == 0) return double.NaN;
        double missing = reference.Nulls + reference.NaNs, missingNow = current.Nulls + current.NaNs;
        var (chi2, freedom) = Statistics.ChiSquare([missing, reference.Rows - missing], [missingNow, current.Rows - missingNow]);
        return Statistics.ChiSquareP(chi2, freedom);
    }

    static (string, double, double, double) Numbers(QuantileSketch reference, QuantileSketch current)
    {
        if (reference.Count == 0 || current.Count == 0) return ("ks", double.NaN, double.NaN, double.NaN);
        var distance = Statistics.KolmogorovSmirnov(reference, current);
        var edges = Enumerable.Range(1, 9).Select(i => reference.Quantile(i / 10.0)).Distinct().ToArray();
        return ("ks", distance, Statistics.KolmogorovSmirnovP(distance, reference.Count, current.Count), Psi(reference.Shares(edges), current.Shares(edges)));
    }

    static (string, double, double, double) Categories(ColumnProfile reference, ColumnProfile current)
    {
        double total = reference.Rows - reference.Nulls, totalNow = current.Rows - current.Nulls;
        if (total == 0 || totalNow == 0) return ("chi2", double.NaN, double.NaN, double.NaN);
        var (before, now) = CategoryBins.Of(reference, current);
        var (chi2, freedom) = Statistics.ChiSquare(before, now);
        var v = freedom == 0 ? 0 : Math.Sqrt(chi2 / (total + totalNow));
        return ("chi2", v, Statistics.ChiSquareP(chi2, freedom), Psi([.. before.Select(c => c / total)], [.. now.Select(c => c / totalNow)]));
    }

    /// <summary>Population stability index: sum of (now - before) ln(now / before) over bins.</summary>
    internal static double Psi(IReadOnlyList<double> before, IReadOnlyList<double> now)
    {
        double psi = 0;
        for (var i = 0; i < before.Count; i++)
        {
            if (before[i] == 0 && now[i] == 0) continue;
            var (b, n) = (Math.Max(before[i], Floor), Math.Max(now[i], Floor));
            psi += (n - b) * Math.Log(n / b);
        }
        return psi;
    }
}
