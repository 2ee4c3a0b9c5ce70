using BatchMl.Monitoring;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class DriftTests
{
    internal static Profile Of(int rows, int seed, double shift = 0, double missing = 0, string[]? carriers = null)
    {
        var random = new Random(seed);
        carriers ??= ["AA", "AA", "UA", "DL"];
        var builder = new ProfileBuilder();
        builder.Add(ProfileTests.Batch(
            [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble() < missing ? (double?)null : random.NextDouble() + shift)], [.. Enumerable.Range(0, rows).Select(_ => carriers[random.Next(carriers.Length)])]));
        return builder.Build();
    }

    static DriftLevel Level(Profile reference, Profile current, string column) => Drift.Compare(reference, current, new DriftRules()).Single(c => c.Column == column).Level;

    [Fact]
    public void The_same_profile_has_not_drifted()
    {
        var profile = Of(5_000, 1);
        foreach (var column in Drift.Compare(profile, profile, new DriftRules()))
        {
            Assert.Equal((DriftLevel.None, 0.0, 0.0), (column.Level, column.Psi, column.Statistic));
            Assert.Equal(1, column.PValue);
        }
    }

    [Fact]
    public void Another_sample_of_the_same_distribution_has_not_drifted()
    {
        var reference = Of(20_000, 1);
        for (var seed = 2; seed < 30; seed++) Assert.All(Drift.Compare(reference, Of(600, seed), new DriftRules()), c => Assert.Equal(DriftLevel.None, c.Level));
    }

    [Fact]
    public void A_shifted_number_and_other_categories_have_drifted()
    {
        var reference = Of(5_000, 1);
        Assert.Equal(DriftLevel.Drift, Level(reference, Of(500, 2, shift: 0.4), "x"));
        Assert.Equal(DriftLevel.None, Level(reference, Of(500, 2, shift: 0.4), "carrier"));
        Assert.Equal(DriftLevel.Drift, Level(reference, Of(500, 2, carriers: ["UA", "WN"]), "carrier"));
    }

    [Fact]
    public void A_great_psi_of_few_rows_is_chance()
    {
        var drift = Drift.Compare(Of(5_000, 1), Of(4, 2), new DriftRules()).Single(c => c.Column == "x");
        Assert.True(drift.Psi > 0.25);
        Assert.Equal(DriftLevel.None, drift.Level);
    }

    [Fact]
    public void Another_share_of_missing_values_is_drift_but_no_rows_are_none()
    {
        var reference = Of(5_000, 1, missing: 0.3);
        Assert.Equal(DriftLevel.Drift, Level(reference, Of(500, 2), "x"));
        Assert.Equal(DriftLevel.None, Level(reference, Of(500, 2, missing: 0.3), "x"));
        Assert.Equal(DriftLevel.None, Level(reference, Of(0, 2), "x"));
    }

    [Fact]
    public void Missing_values_of_few_rows_are_chance()
    {
        var reference = Of(5_000, 1, missing: 0.3);
        // Five of five are missing once in 400 days, and that is less than the significance asked for.
        Assert.InRange(Enumerable.Range(2, 200).Count(seed => Level(reference, Of(5, seed, missing: 0.3), "x") == DriftLevel.Drift), 0, 4);
    }

    [Theory]
    [InlineData(50, false, 900)]
    [InlineData(300, false, 900)]
    [InlineData(900, false, 900)]
    [InlineData(4_000, false, 900)]
    [InlineData(4_000, true, 900)]
    [InlineData(4_000, false, 20_000)]
    [InlineData(4_000, true, 20_000)]
    public void Another_sample_of_many_categories_has_not_drifted(int categories, bool uneven, int rows)
    {
        // Beyond 1,000 no profile lists all of them, and each lists others by chance.
        var planes = Planes(categories, uneven);
        var reference = Of(60_000, 1, carriers: planes);
        for (var seed = 2; seed < 12; seed++)
        {
            var drift = Drift.Compare(reference, Of(rows, seed, carriers: planes), new DriftRules()).Single(c => c.Column == "carrier");
            Assert.Equal(DriftLevel.None, drift.Level);
            Assert.True(drift.Psi < 0.1, $"PSI {drift.Psi} of the same distribution");
        }
    }

    static string[] Planes(int categories, bool uneven) => [.. Enumerable.Range(0, categories).SelectMany(i => Enumerable.Repeat("N" + i, uneven ? 1 + 4_000 / (i + 1) : 1))];

    [Fact]
    public void Fewer_of_many_categories_are_drift()
    {
        foreach (var (categories, uneven) in new[] { (900, false), (4_000, true) })
        {
            var reference = Of(60_000, 1, carriers: Planes(categories, uneven));
            Assert.Equal(DriftLevel.Drift, Level(reference, Of(900, 2, carriers: Planes(categories / 20, false)), "carrier"));
        }
    }

    [Fact]
    public void A_category_that_was_not_there_before_is_drift()
    {
        var reference = Of(5_000, 1);
        Assert.Equal(DriftLevel.Drift, Level(reference, Of(500, 2, carriers: ["AA", "AA", "UA", "DL", "WN"]), "carrier"));
    }

    [Fact]
    public void P_values_are_adjusted_over_the_tests_of_all_columns_and_of_missing_shares()
    {
        var drift = Drift.Compare(Of(5_000, 1, missing: 0.3), Of(500, 2, missing: 0.35), new DriftRules());
        // No text is missing in either.
        double[] p = [.. drift.Select(d => d.PValue), ZTest(drift[0].ReferenceMissingShare, 5_000, drift[0], 500), 1];
        var adjusted = Statistics.BenjaminiHochberg(p);
        double[] got = [.. drift.Select(d => d.AdjustedPValue), .. drift.Select(d => d.AdjustedMissingPValue)];
        for (var i = 0; i < got.Length; i++) Assert.Equal(adjusted[i], got[i], 1e-9);
    }

    // The textbook's z of two proportions, pooled, with the normal tail through the chi-square of one degree of freedom.
    static double ZTest(double share, double n, ColumnDrift now, double m)
    {
        var pooled = (share * n + now.MissingShare * m) / (n + m);
        var z = (share - now.MissingShare) / Math.Sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
        return Statistics.ChiSquareP(z * z, 1);
    }

    [Fact]
    public void Psi_is_its_formula()
    {
        Assert.Equal(0.1 * Math.Log(0.6 / 0.5) - 0.1 * Math.Log(0.4 / 0.5), Drift.Psi([0.5, 0.5], [0.6, 0.4]), 1e-12);
        Assert.True(double.IsFinite(Drift.Psi([1, 0], [0, 1])));
    }
}
