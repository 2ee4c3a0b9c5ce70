using Apache.Arrow;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.Onnx.Tests;

/// <summary>The contract and the answers of a model made elsewhere.</summary>
public abstract class OnnxScorerTests(string model, string[] inputs) : ScorerContract, IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    protected ModelPackage Package(OnnxOutput? output = null)
    {
        if (!File.Exists(Path.Combine(folder.Path, "manifest.json"))) OnnxImport.Package(SharedModels.Path(model), folder.Path, SharedModels.Import(inputs, areCoded: false), output);
        return ModelPackage.Open(folder.Path);
    }

    protected override IScorer Load() => OnnxScorer.Load(Package());

    protected override RecordBatch Inputs() => Package().Encoder.Encode(SharedModels.Rows());

    protected double[] Scores()
    {
        using var scorer = Load();
        return ((DoubleArray)scorer.Score(Inputs(), default)[0]).Values.ToArray();
    }

    [Fact]
    public void An_imported_model_answers_what_its_maker_answered() =>
        Assert.All(SharedModels.Expected(Path.GetFileNameWithoutExtension(model)).Zip(Scores()), v => Assert.InRange(v.Second, v.First - 1e-6, v.First + 1e-6));

    [Fact]
    public void Another_class_can_be_chosen_and_stays_chosen_in_the_package()
    {
        Package(new OnnxOutput(Class: 0));
        Assert.All(SharedModels.Expected(Path.GetFileNameWithoutExtension(model)).Zip(Scores()), v => Assert.InRange(v.Second, 1 - v.First - 1e-6, 1 - v.First + 1e-6));
    }

    [Fact]
    public void Damaged_models_are_refused_or_scored_but_never_end_the_process() => OwnProcess.Run(TimeSpan.FromMinutes(20), () =>
    {
        var package = Package();
        var (content, batch) = (File.ReadAllBytes(package.WeightsPath), Inputs().Slice(0, 50));
        var random = new Random(20261124);
        var path = Path.Combine(folder.Path, "damaged.onnx");
        var refused = 0;
        // BATCHML_SOAK=1: ten times as many.
        var damages = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 5_000 : 500;
        for (var i = 0; i < damages; i++)
        {
            File.WriteAllBytes(path, Corruption.Of(content, random));
            try
            {
                using var scorer = OnnxScorer.Load(path, package.Manifest.Signature);
                Assert.All(scorer.Score(batch, default), o => Assert.Equal(50, o.Length));
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message);
                refused++;
            }
        }
        Assert.InRange(refused, damages / 5, damages);
    });

    [Fact]
    public void A_signature_of_other_inputs_is_refused()
    {
        var package = Package();
        var signature = package.Manifest.Signature;
        Assert.Throws<DataException>(() => OnnxScorer.Load(package.WeightsPath, signature with { Inputs = [.. signature.Inputs.Skip(1)] }));
        Assert.Throws<DataException>(() => OnnxScorer.Load(package.WeightsPath, signature with { Inputs = [signature.Inputs[0] with { Type = ModelType.Double }, .. signature.Inputs.Skip(1)] }));
        Assert.Throws<DataException>(() => OnnxScorer.Load(package.WeightsPath, signature, new OnnxOutput("nothing")));
        Assert.Throws<DataException>(() => OnnxScorer.Load(package.WeightsPath + ".gone", signature));
    }

    [Fact]
    public void A_class_that_is_not_there_is_an_error_of_the_batch()
    {
        var package = Package();
        using var scorer = OnnxScorer.Load(package.WeightsPath, package.Manifest.Signature, new OnnxOutput(Class: 2));
        Assert.Contains("class 2", Assert.Throws<DataException>(() => scorer.Score(Inputs(), default)).Message);
    }
}

public sealed class LogisticColumnsTests() : OnnxScorerTests("logistic_columns.onnx", ["carrier", "hour", "distance", "temp", "wind_speed", "visib", "origin"])
{
    [Fact]
    public void Inputs_are_matched_by_name()
    {
        var e = Assert.Throws<DefinitionException>(() => OnnxImport.Package(
            SharedModels.Path("logistic_columns.onnx"), Directory.CreateTempSubdirectory().FullName, SharedModels.Import(["carrier", "hour", "distance", "temp", "wind_speed", "visib", "month"], areCoded: false)));
        Assert.Equal(2, e.Problems.Count);
    }
}

public sealed class MlpDenseTests() : OnnxScorerTests("mlp_dense.onnx", ["hour", "distance", "temp", "wind_speed", "visib"]);

public sealed class ForestZipMapTests() : OnnxScorerTests("forest_zipmap.onnx", ["hour", "distance", "temp", "wind_speed", "visib"])
{
    [Fact]
    public void A_tree_that_leads_back_to_its_root_is_refused_and_not_walked_for_ever()
    {
        var package = Package();
        var model = File.ReadAllBytes(package.WeightsPath);
        var list = model.AsSpan().IndexOf("nodes_truenodeids"u8) + "nodes_truenodeids"u8.Length;
        // The first node's child when its condition holds: field 8, a number of one byte.
        Assert.Equal(8 << 3, model[list]);
        foreach (var (child, reason) in new[] { (0, "lead back"), (127, "lead back|not there") })
        {
            model[list + 1] = (byte)child;
            File.WriteAllBytes(package.WeightsPath, model);
            Assert.Matches(reason, Assert.Throws<DataException>(() => OnnxScorer.Load(package.WeightsPath, package.Manifest.Signature)).Message);
        }
    }
}
