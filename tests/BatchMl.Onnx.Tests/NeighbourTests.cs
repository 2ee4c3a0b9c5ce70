using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.Onnx.Tests;

/// <summary>Models whose score of a row depends on the rows beside it.</summary>
public sealed class NeighbourTests : IDisposable
{
    static readonly sbyte[] weights = [3, -7, 20];

    readonly TestFolder folder = new();
    int packages;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("rows", false)]
    [InlineData("rows", true)]
    [InlineData("16", false)]
    public void A_dynamically_quantised_model_scores_each_row_alone_so_that_its_neighbours_do_not_matter(string rows, bool inSubgraph)
    {
        var package = Package(TinyModel.Quantised(weights, rows, inSubgraph), ["a", "b", "c"]);
        Assert.Equal(1, package.Manifest.Signature.RowsPerCall);
        using var scorer = OnnxScorer.Load(package);
        var inputs = Matrix(200);
        var together = Scores(scorer, inputs);
        for (var i = 0; i < 200; i++) Assert.Equal(together[i], Scores(scorer, inputs.Slice(i, 1))[0]);
        // Eight bits of a row's own range.
        for (var i = 0; i < 200; i++) Assert.InRange(together[i], Exact(inputs, i) - 0.5, Exact(inputs, i) + 0.5);
    }

    [Fact]
    public void Calls_of_several_rows_can_be_chosen_and_then_neighbours_do_matter()
    {
        var package = Package(TinyModel.Quantised(weights), ["a", "b", "c"], rowsPerCall: 50);
        Assert.Equal(50, package.Manifest.Signature.RowsPerCall);
        using var scorer = OnnxScorer.Load(package);
        var inputs = Matrix(120);
        var together = Scores(scorer, inputs);
        Assert.Equal(together[50..100], Scores(scorer, inputs.Slice(50, 50)));
        // The last call is filled up with its last row, which changes no range.
        Assert.Equal(together[100..], Scores(scorer, inputs.Slice(100, 20)));
        Assert.NotEqual(together[..50], Enumerable.Range(0, 50).Select(i => Scores(scorer, inputs.Slice(i, 1))[0]));
    }

    [Fact]
    public void The_number_of_rows_is_part_of_the_digest()
    {
        var digests = new int?[] { null, 50, 51 }.Select(rows => Package(TinyModel.Quantised(weights), ["a", "b", "c"], rows).Manifest.Digest);
        Assert.Equal(3, digests.Distinct().Count());
    }

    [Fact]
    public void A_signature_that_does_not_know_of_it_is_refused()
    {
        var path = Write(TinyModel.Quantised(weights));
        var signature = new ModelSignature([.. "abc".Select(c => new ModelColumn($"{c}", ModelType.Float))], [new ModelColumn("score", ModelType.Double)]);
        Assert.Contains("DynamicQuantizeLinear", Assert.Throws<DataException>(() => OnnxScorer.Load(path, signature)).Message);
        Assert.Throws<DataException>(() => OnnxScorer.Load(path, signature with { RowsPerCall = 0 }));
        Assert.Throws<DataException>(() => OnnxScorer.Load(Write(TinyModel.Quantised(weights, "4")), signature with { RowsPerCall = 5 }));
    }

    [Fact]
    public void Operators_that_mix_rows_without_a_telling_name_show_in_what_they_do()
    {
        var package = Package(TinyModel.Centred(), ["x"]);
        Assert.Equal(1, package.Manifest.Signature.RowsPerCall);
        using var scorer = OnnxScorer.Load(package);
        Assert.Equal([0, 0, 0], Scores(scorer, Matrix(3, columns: 1)));
    }

    [Fact]
    public void Models_of_which_each_row_is_its_own_are_called_with_any_number_of_rows() =>
        Assert.Null(Package(TinyModel.Of(("x", TinyModel.Float, "rows,1")), ["x"]).Manifest.Signature.RowsPerCall);

    [Fact]
    public void A_model_that_draws_random_numbers_or_keeps_weights_elsewhere_is_refused()
    {
        Assert.Contains("RandomNormalLike", Assert.Throws<DataException>(() => Package(TinyModel.Noisy(), ["x"])).Message);
        Assert.Contains("other files", Assert.Throws<DataException>(() => Package(TinyModel.External(), ["x"])).Message);
    }

    [Theory]
    [InlineData(0, "lead back")]
    [InlineData(1, "lead back")]
    [InlineData(7, "not there")]
    public void Trees_that_are_none_never_reach_the_runtime(int child, string reason) => Assert.Contains(reason, Assert.Throws<DataException>(() => Package(TinyModel.Tree(child), ["x"])).Message);

    [Fact]
    public void Weights_that_changed_after_the_package_was_opened_never_reach_the_runtime()
    {
        var package = Package(TinyModel.Of(("x", TinyModel.Float, "rows,1")), ["x"]);
        var changed = File.ReadAllBytes(package.WeightsPath);
        changed[^1] ^= 1;
        File.WriteAllBytes(package.WeightsPath, changed);
        Assert.Contains("changed since", Assert.Throws<DataException>(() => OnnxScorer.Load(package)).Message);
    }

    ModelPackage Package(byte[] model, string[] columns, int? rowsPerCall = null)
    {
        var to = Directory.CreateDirectory(folder.At($"package{packages++}")).FullName;
        OnnxImport.Package(Write(model), to, new ModelImport
        {
            Name = "tiny", Version = 1, FeatureService = "s", FeatureServiceVersion = 1, Inputs = [.. columns.Select(c => new ImportedInput(c, ColumnType.Double))],
        }, null, rowsPerCall);
        return ModelPackage.Open(to);
    }

    string Write(byte[] model)
    {
        File.WriteAllBytes(folder.At("tiny.onnx"), model);
        return folder.At("tiny.onnx");
    }

    static RecordBatch Matrix(int rows, int columns = 3)
    {
        var random = new Random(7);
        IArrowArray[] arrays = [.. Enumerable.Range(0, columns).Select(_ => new FloatArray.Builder().AppendRange(Enumerable.Range(0, rows).Select(_ => random.NextSingle() * 2 - 1)).Build())];
        return new RecordBatch(new Schema(arrays.Select((a, i) => new Field($"{"abc"[i]}", a.Data.DataType, false)), null), arrays, rows);
    }

    static double Exact(RecordBatch inputs, int row) => weights.Select((w, c) => w * (double)((FloatArray)inputs.Column(c)).Values[row]).Sum();

    static double[] Scores(IScorer scorer, RecordBatch inputs) => ((DoubleArray)scorer.Score(inputs, default)[0]).Values.ToArray();
}
