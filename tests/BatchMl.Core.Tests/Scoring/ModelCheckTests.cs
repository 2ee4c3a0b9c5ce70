using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Scoring;

namespace BatchMl.Core.Tests.Scoring;

public sealed class ModelCheckTests
{
    static readonly QueryColumn[] Fitting = [.. ScoringHarness.QueryColumns];

    static string Problems(string service, int version, params QueryColumn[] columns) => Assert.Throws<DefinitionException>(
        () => ModelCheck.Verify(ScoringHarness.Manifest, ScoringHarness.Encoder, service, version, columns)).Message;

    [Fact]
    public void A_model_fits_the_features_it_was_trained_on() => ModelCheck.Verify(ScoringHarness.Manifest, ScoringHarness.Encoder, "flights", 2, Fitting);

    [Fact]
    public void Another_service_version_is_refused() => Assert.Contains("trained on version 2 of feature service flights, but the job computes version 3", Problems("flights", 3, Fitting));

    [Fact]
    public void All_differences_are_reported_at_once()
    {
        var problems = Assert.Throws<DefinitionException>(() => ModelCheck.Verify(ScoringHarness.Manifest, ScoringHarness.Encoder, "other", 1, [])).Problems;
        Assert.Equal(2, problems.Count);
        Assert.Contains("needs feature x (Double)", problems[1]);
    }

    [Fact]
    public void A_feature_of_another_type_and_a_label_are_refused()
    {
        Assert.Contains("as Double, but the job computes it as Int64", Problems("flights", 2, new QueryColumn("x", ColumnType.Int64, ColumnRole.Feature)));
        Assert.Contains("label", Problems("flights", 2, new QueryColumn("x", ColumnType.Double, ColumnRole.Label)));
    }

    [Fact]
    public void A_signature_that_the_encoder_does_not_feed_is_refused()
    {
        var other = ScoringHarness.Manifest with { Signature = new([new("x", ModelType.Float)], ScoringHarness.Manifest.Signature.Outputs) };
        Assert.Contains("x (Float), but the encoder gives x (Double)",
            Assert.Throws<DefinitionException>(() => ModelCheck.Verify(other, ScoringHarness.Encoder, "flights", 2, Fitting)).Message);
    }

    [Fact]
    public void A_layout_names_every_wrong_column()
    {
        var clash = ScoringHarness.Manifest with { Signature = new([], [new("id", ModelType.Double)]) };
        var e = Assert.Throws<DefinitionException>(() => new ScoreLayout(clash, [.. Fitting.Where(c => c.Role != ColumnRole.AsOf)], ["id", "gone"]));
        Assert.Equal(3, e.Problems.Count);
    }
}
