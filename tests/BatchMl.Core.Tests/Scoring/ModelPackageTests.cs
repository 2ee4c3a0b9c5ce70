using BatchMl.Scoring;
using static BatchMl.Core.Tests.Scoring.Rows;

namespace BatchMl.Core.Tests.Scoring;

public sealed class ModelPackageTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("batchml-model-").FullName;
    readonly Encoder encoder = Encoder.Fit([Batch(("x", Doubles(1, 2)))], ["x"], "y", []);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    ModelManifest Manifest() => new()
    {
        FormatVersion = 1, Name = "m", Version = 3, Flavor = "lightgbm", Weights = "weights.txt", FeatureService = "s", FeatureServiceVersion = 2, Digest = "",
        Signature = new(encoder.Outputs, [new("score", ModelType.Double)]), Metrics = new Dictionary<string, double> { ["test.auc"] = 0.7, ["a"] = 1 },
    };

    ModelManifest Write()
    {
        File.WriteAllText(Path.Combine(folder, "weights.txt"), "w");
        return ModelPackage.Write(folder, Manifest(), encoder);
    }

    void Edit(string file, string from, string to)
    {
        var path = Path.Combine(folder, file);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text);
        File.WriteAllText(path, text.Replace(from, to));
    }

    string OpenError() => Assert.Throws<DataException>(() => ModelPackage.Open(folder)).Message;

    [Fact]
    public void A_package_reads_back_as_written_and_is_written_the_same_again()
    {
        var written = Write();
        var bytes = File.ReadAllBytes(Path.Combine(folder, "manifest.json"));
        var package = ModelPackage.Open(folder);
        Assert.Equal(written.Digest, package.Manifest.Digest);
        Assert.Equal(64, written.Digest.Length);
        Assert.Equal(written.Signature.Inputs, package.Manifest.Signature.Inputs);
        Assert.Equal(0.7, package.Manifest.Metrics["test.auc"]);
        Assert.Equal(encoder.ToJson(), package.Encoder.ToJson());
        Assert.Equal(Path.Combine(folder, "weights.txt"), package.WeightsPath);
        Write();
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(folder, "manifest.json")));
    }

    [Fact]
    public void Equal_models_have_equal_digests_whatever_they_are_called()
    {
        var digest = Write().Digest;
        Assert.Equal(digest, ModelPackage.Write(folder, Manifest() with { Name = "other", Version = 9 }, encoder).Digest);
        File.WriteAllText(Path.Combine(folder, "weights.txt"), "w2");
        Assert.NotEqual(digest, ModelPackage.Write(folder, Manifest(), encoder).Digest);
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("encoder.json")]
    [InlineData("weights.txt")]
    public void A_missing_file_is_named(string file)
    {
        Write();
        File.Delete(Path.Combine(folder, file));
        Assert.Contains(file, OpenError());
    }

    [Fact]
    public void Changed_weights_are_found()
    {
        var digest = Write().Digest;
        Edit("weights.txt", "w", "v");
        Assert.Contains(digest, OpenError());
    }

    [Fact]
    public void A_changed_encoder_is_found()
    {
        Write();
        Edit("encoder.json", "\"scale\": 1", "\"scale\": 2");
        Assert.Contains("changed after it was written", OpenError());
    }

    [Fact]
    public void A_newer_format_says_so()
    {
        Write();
        Edit("manifest.json", "\"format_version\": 1", "\"format_version\": 2");
        Assert.Contains("format version 2", OpenError());
    }

    [Fact]
    public void Weights_outside_the_package_are_refused()
    {
        Write();
        Edit("manifest.json", "\"weights.txt\"", "\"../weights.txt\"");
        Assert.Contains("plain name", OpenError());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"format_version\":1}")]
    public void What_is_not_a_manifest_is_a_data_error(string text)
    {
        Write();
        File.WriteAllText(Path.Combine(folder, "manifest.json"), text);
        Assert.Contains("not a model manifest", OpenError());
    }

    [Fact]
    public void A_signature_that_the_encoder_does_not_feed_is_refused()
    {
        Write();
        var other = Encoder.Fit([Batch(("z", Doubles(1)))], ["z"], "y", []);
        var e = Assert.Throws<DataException>(() => ModelPackage.Write(folder, Manifest(), other));
        Assert.Contains("model input 0 is x (Float), but the encoder gives z (Float)", e.Message);
    }
}
