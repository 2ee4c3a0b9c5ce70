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
    public void Psi_is_its_formula()
    {
        Assert.Equal(0.1 * Math.Log(0.6 / 0.5) - 0.1 * Math.Log(0.4 / 0.5), Drift.Psi([0.5, 0.5], [0.6, 0.4]), 1e-12);
        Assert.True(double.IsFinite(Drift.Psi([1, 0], [0, 1])));
    }
}
