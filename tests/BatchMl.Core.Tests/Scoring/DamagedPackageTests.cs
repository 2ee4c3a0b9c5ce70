using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Monitoring;
using BatchMl.Scoring;
using BatchMl.TestSupport;
using static BatchMl.Core.Tests.Scoring.Rows;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>Hundreds of damaged files that are ours to parse: refused with a <see cref="DataException"/>, or nothing that counts has changed.</summary>
public sealed class DamagedPackageTests : IDisposable
{
    const int Damages = 1_000;

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    static readonly Encoder encoder = Encoder.Fit(
        [Batch(("x", Doubles(1, 2, null, 4)), ("n", Longs(1, 2, 3, 4)), ("kind", Text("a", "b", null, "c")), ("y", Doubles(0, 1, 0, 1)))], ["x", "n", "kind"], "y", [new OneHotEncoding("kind")]);

    ModelManifest Write()
    {
        File.WriteAllBytes(folder.At("w.bin"), [.. Enumerable.Range(0, 500).Select(i => (byte)i)]);
        return ModelPackage.Write(folder.Path, new ModelManifest
        {
            FormatVersion = 1, Name = "m", Version = 1, Flavor = "f", Weights = "w.bin", FeatureService = "s", FeatureServiceVersion = 1, Digest = "",
            Signature = new(encoder.Outputs, [new("score", ModelType.Double)]), Metrics = new Dictionary<string, double> { ["test.auc"] = 0.75 },
        }, encoder);
    }

    [Theory]
    [InlineData("encoder.json")]
    [InlineData("w.bin")]
    [InlineData("manifest.json")]
    public void A_damaged_package_is_refused_or_scores_the_same(string file)
    {
        var manifest = Write();
        var content = File.ReadAllBytes(folder.At(file));
        var random = new Random(20130107);
        var refused = 0;
        for (var i = 0; i < Damages; i++)
        {
            var damaged = Corruption.Of(content, random);
            File.WriteAllBytes(folder.At(file), damaged);
            try
            {
                var package = ModelPackage.Open(folder.Path);
                // Names and metrics are for people; what computes a score is under the digest.
                Assert.Equal(manifest.Digest, package.Manifest.Digest);
                Assert.Equal(encoder.ToJson(), package.Encoder.ToJson());
                Assert.Equal(500, package.ReadWeights().Length);
                if (file != "manifest.json") Assert.Equal(content, damaged);
            }
            catch (DataException e)
            {
                Assert.Contains(folder.Path, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, Damages / 4, Damages);
    }

    [Fact]
    public void A_damaged_encoder_without_its_digest_is_refused_or_an_encoder()
    {
        var content = encoder.ToJson();
        var random = new Random(20130108);
        var rows = Batch(("x", Doubles(1, null)), ("n", Longs(1, 2)), ("kind", Text("a", "z")));
        for (var i = 0; i < Damages; i++)
        {
            try
            {
                Encoder.FromJson(Corruption.Of(content, random)).Encode(rows);
            }
            catch (BatchMlException)
            {
            }
        }
    }

    [Fact]
    public void A_damaged_profile_is_refused_or_a_profile()
    {
        var builder = new ProfileBuilder();
        builder.Add(Batch(("x", Doubles([.. Enumerable.Range(0, 300).Select(i => (double?)(i % 7 == 0 ? null : i / 3.0))])), ("kind", Text([.. Enumerable.Range(0, 300).Select(i => $"k{i % 20}")]))));
        var whole = builder.Build();
        var content = whole.ToJson();
        var random = new Random(20130109);
        for (var i = 0; i < Damages; i++)
        {
            try
            {
                var profile = Profile.FromJson(Corruption.Of(content, random));
                profile.ToQuality();
                profile.Merge(whole);
                if (profile.Columns.Select(c => c.Name).SequenceEqual(whole.Columns.Select(c => c.Name))) Drift.Compare(whole, profile, new DriftRules());
            }
            catch (BatchMlException)
            {
            }
        }
    }

    [Fact]
    public void Damaged_lineage_is_refused_by_line_or_read()
    {
        var events = string.Join('\n', Enumerable.Range(1, 5).Select(i => """
            {"eventType":"COMPLETE","eventTime":"2024-01-0NUMBERT00:00:00Z","run":{"runId":"rNUMBER"},"job":{"name":"j"},"inputs":[{"name":"/a"}],"outputs":[{"name":"/b","facets":{"columnLineage":{"fields":{"x":{"inputFields":[{"name":"/a","field":"y","transformations":[{"subtype":"IDENTITY"}]}]}}}},"outputFacets":{"outputStatistics":{"rowCount":NUMBER},"subset":{"outputCondition":{"partitions":[{"identifier":"d=NUMBER"}]}}}}]}
            """.Replace("NUMBER", $"{i}", StringComparison.Ordinal))) + "\n";
        var content = System.Text.Encoding.UTF8.GetBytes(events);
        var path = folder.At("openlineage-2024-01.ndjson");
        var random = new Random(20130110);
        File.WriteAllBytes(path, content);
        Assert.Equal(5, LineageGraph.Read(folder.Path).MadeFrom("/a").Count);
        var refused = 0;
        for (var i = 0; i < Damages; i++)
        {
            File.WriteAllBytes(path, Corruption.Of(content, random));
            try
            {
                var graph = LineageGraph.Read(folder.Path);
                graph.MadeFrom("/a");
                graph.Origins("/b", "x");
            }
            catch (DataException e)
            {
                Assert.Contains("line", e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, Damages / 4, Damages);
    }
}
