using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.LightGbm.Tests;

public sealed class LightGbmScorerTests : ScorerContract, IDisposable
{
    static readonly string[] inputs = ["hour", "distance", "temp", "wind_speed", "visib", "carrier", "origin"];

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    protected override IScorer Load() => LightGbmScorer.Load(Package());

    protected override RecordBatch Inputs() => Package().Encoder.Encode(SharedModels.Rows());

    ModelPackage Package()
    {
        if (!File.Exists(Path.Combine(folder.Path, "manifest.json")))
            LightGbmImport.Package(SharedModels.Path("lightgbm_categorical.txt"), folder.Path, SharedModels.Import([.. inputs.Reverse()], areCoded: true), LightGbmOutputs.RawScore | LightGbmOutputs.Contributions);
        return ModelPackage.Open(folder.Path);
    }

    [Fact]
    public void An_imported_model_answers_what_LightGBM_answered()
    {
        using var scorer = Load();
        var outputs = scorer.Score(Inputs(), default);
        string[] expected = ["lightgbm_categorical", "lightgbm_raw", .. inputs.Select(i => "shap_" + i), "shap_base"];
        Assert.Equal(expected.Length, outputs.Count);
        for (var o = 0; o < expected.Length; o++)
        {
            var got = ((DoubleArray)outputs[o]).Values.ToArray();
            var tolerance = o < 2 ? 1e-12 : 1e-10;
            Assert.All(SharedModels.Expected(expected[o]).Zip(got), v => Assert.InRange(v.Second, v.First - tolerance, v.First + tolerance));
        }
    }

    [Fact]
    public void Outputs_are_computed_as_the_signature_names_them()
    {
        var all = Package();
        using var whole = LightGbmScorer.Load(all);
        var signature = all.Manifest.Signature with { Outputs = [all.Manifest.Signature.Outputs[3], all.Manifest.Signature.Outputs[0]] };
        using var some = LightGbmScorer.Load(all.WeightsPath, signature);
        var (expected, got) = (whole.Score(Inputs(), default), some.Score(Inputs(), default));
        Assert.Equal(((DoubleArray)expected[3]).Values.ToArray(), ((DoubleArray)got[0]).Values.ToArray());
        Assert.Equal(((DoubleArray)expected[0]).Values.ToArray(), ((DoubleArray)got[1]).Values.ToArray());
    }

    [Fact]
    public async Task Training_beside_scoring_does_not_change_scores()
    {
        using var scorer = Load();
        var batch = Inputs();
        var expected = ((DoubleArray)scorer.Score(batch, default)[0]).Values.ToArray();
        using var training = new TestFolder();
        var trainer = Task.Run(() =>
        {
            for (var i = 0; i < 6; i++) new LightGbmTrainer(new LightGbmOptions { MaxRounds = 5, Threads = 4 - i % 3 }).Train(Synthetic.Rows(3_000, 1), Synthetic.Rows(500, 2), [], training.Path, null, default);
        });
        Parallel.For(0, 100, i => Assert.Equal(expected, ((DoubleArray)scorer.Score(batch, default)[0]).Values.ToArray()));
        await trainer;
    }

    [Fact]
    public void Damaged_models_are_refused_or_scored_but_never_end_the_process() => OwnProcess.Run(TimeSpan.FromMinutes(20), () =>
    {
        var package = Package();
        var (content, batch) = (File.ReadAllBytes(package.WeightsPath), Inputs().Slice(0, 50));
        var random = new Random(20261124);
        var path = Path.Combine(folder.Path, "damaged.txt");
        var refused = 0;
        // BATCHML_SOAK=1: ten times as many.
        var damages = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 15_000 : 1_500;
        for (var i = 0; i < damages; i++)
        {
            File.WriteAllBytes(path, Corruption.Of(content, random));
            try
            {
                using var scorer = LightGbmScorer.Load(path, package.Manifest.Signature);
                Assert.All(scorer.Score(batch, default), o => Assert.Equal(50, o.Length));
            }
            catch (DataException e)
            {
                Assert.Contains(path, e.Message);
                refused++;
            }
        }
        // What stays readable are other digits of a value, which only the package's digest can tell.
        Assert.InRange(refused, damages / 2, damages - 1);
    });

    [Theory]
    [InlineData("num_class=1", "num_class=3", "one output per row")]
    [InlineData("num_tree_per_iteration=1", "num_tree_per_iteration=0", "one output per row")]
    [InlineData("version=v4", "version=v9", "version")]
    [InlineData("Tree=7\n", "Tree=8\n", "tree 7")]
    [InlineData("end of trees", "end of frees", "end of trees")]
    [InlineData("right_child=1 2", "right_child=1 1", "do not form a tree")]
    [InlineData("split_feature=0 4", "split_feature=0 9", "beyond the 7")]
    [InlineData("[linear_tree: 0]", "[linear_tree: 7]", "linear trees")]
    [InlineData("objective=binary sigmoid:1", "objective=strange_goal", "strange_goal")]
    [InlineData("feature_names=hour", "feature_names=minute", "minute")]
    public void Structure_that_does_not_fit_is_named(string old, string changed, string reason)
    {
        var package = Package();
        var text = File.ReadAllText(package.WeightsPath);
        var path = Path.Combine(folder.Path, "changed.txt");
        var at = text.IndexOf(old, StringComparison.Ordinal);
        File.WriteAllText(path, text[..at] + changed + text[(at + old.Length)..], new UTF8Encoding(false));
        var e = Assert.Throws<DataException>(() => LightGbmScorer.Load(path, package.Manifest.Signature));
        Assert.Contains(path, e.Message);
        Assert.Contains(reason, e.Message);
    }

    [Fact]
    public void A_missing_file_and_a_wrong_signature_are_named()
    {
        var package = Package();
        Assert.Contains("nowhere.txt", Assert.Throws<DataException>(() => LightGbmScorer.Load(Path.Combine(folder.Path, "nowhere.txt"), package.Manifest.Signature)).Message);
        var wrong = package.Manifest.Signature with { Outputs = [new ModelColumn("probability", ModelType.Double)] };
        Assert.Contains("probability", Assert.Throws<DataException>(() => LightGbmScorer.Load(package.WeightsPath, wrong)).Message);
    }

    [Fact]
    public void An_import_reports_all_inputs_that_do_not_match()
    {
        using var other = new TestFolder();
        var import = SharedModels.Import(inputs, areCoded: true);
        var e = Assert.Throws<DefinitionException>(() => LightGbmImport.Package(
            SharedModels.Path("lightgbm_categorical.txt"), other.Path, import with { Inputs = [.. import.Inputs.Skip(2), new ImportedInput("month", ColumnType.Int64)] }));
        Assert.Equal(3, e.Problems.Count);
    }
}
