using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;
using BatchMl.TestSupport;

namespace BatchMl.Onnx.Tests;

public sealed class ModelShapeTests : IDisposable
{
    static readonly double[] values = [.. Enumerable.Range(0, 1_003).Select(i => i * 0.25 - 7)];

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("rows,1")]
    [InlineData("rows")]
    [InlineData("4,1")]
    [InlineData("4")]
    [InlineData("100,1")]
    public void Any_number_of_rows_is_scored_whatever_the_model_takes_at_once(string shape)
    {
        var model = Write(TinyModel.Of(("x", TinyModel.Double, shape)));
        foreach (var rows in (int[])[1, 3, 4, 5, 16, 17, 1_003])
            Assert.Equal(values[..rows], Score(model, [("x", ModelType.Double)], [.. Enumerable.Repeat(values[..rows], 1)]));
    }

    [Fact]
    public void Rows_that_do_not_fit_the_memory_are_told_from_rows_that_can_not_be_scored()
    {
        var model = Write(TinyModel.Greedy());
        Assert.Equal([.. Enumerable.Repeat(values[15], 16)], Score(model, [("x", ModelType.Float)], [values[..16]]));
        double[] many = [.. Enumerable.Range(0, 4_096).Select(i => (double)i)];
        var e = Assert.Throws<InsufficientMemoryException>(() => Score(model, [("x", ModelType.Float)], [many]));
        Assert.Contains("needs more memory for these rows", e.Message);
        // The session is still good.
        Assert.Equal([7.0], Score(model, [("x", ModelType.Float)], [[7.0]]));
    }

    [Theory]
    [InlineData("rows,2")]
    [InlineData("rows,columns")]
    [InlineData("8,2")]
    public void Columns_of_a_matrix_are_in_the_order_of_the_signature(string shape)
    {
        var model = Write(TinyModel.Of(("m", TinyModel.Float, shape)));
        double[] first = values[..40], second = [.. first.Select(v => -v)];
        (string, ModelType)[] inputs = [("b", ModelType.Float), ("a", ModelType.Float)];
        Assert.Equal(second, Score(model, inputs, [first, second]));
        Assert.Equal(first, Score(model, inputs, [first, second], new OnnxOutput(Class: 0)));
    }

    [Fact]
    public void Integers_are_handed_on_and_of_several_outputs_one_must_be_named()
    {
        var model = Write(TinyModel.Of(("n", TinyModel.Int64, "rows,1"), ("x", TinyModel.Double, "rows,1"), ("y", TinyModel.Float, "rows")));
        (string, ModelType)[] inputs = [("n", ModelType.Int64), ("x", ModelType.Double), ("y", ModelType.Float)];
        var e = Assert.Throws<DataException>(() => Score(model, inputs, [values, values, values]));
        Assert.Contains("x_out, y_out", e.Message);
        Assert.Equal(values, Score(model, inputs, [values, values, values], new OnnxOutput("x_out")));
        Assert.Throws<DataException>(() => Score(model, inputs, [values, values, values], new OnnxOutput("n_out")));
    }

    [Fact]
    public void The_chosen_output_is_part_of_the_package_and_its_digest()
    {
        var model = Write(TinyModel.Of(("x", TinyModel.Double, "rows,1"), ("y", TinyModel.Double, "rows,1")));
        var import = new ModelImport
        {
            Name = "tiny",
            Version = 1,
            FeatureService = "s",
            FeatureServiceVersion = 1,
            Inputs = [new ImportedInput("u", ColumnType.Double) { Input = "x" }, new ImportedInput("v", ColumnType.Int64) { Input = "y" }],
        };
        string Package(string output)
        {
            var to = Directory.CreateDirectory(folder.At(output)).FullName;
            return OnnxImport.Package(model, to, import, new OnnxOutput(output)).Digest;
        }
        Assert.NotEqual(Package("x_out"), Package("y_out"));
        var package = ModelPackage.Open(folder.At("y_out"));
        using var scorer = OnnxScorer.Load(package);
        var rows = new RecordBatch.Builder().Append("v", false, new Int64Array.Builder().Append(3).Build()).Append("u", false, new DoubleArray.Builder().Append(0.5).Build()).Build();
        Assert.Equal(3, ((DoubleArray)scorer.Score(package.Encoder.Encode(rows), default)[0]).Values[0]);
    }

    [Theory]
    [InlineData(TinyModel.Int32, "rows,1", "Int32")]
    [InlineData(TinyModel.Float, "rows,2,2", "shape")]
    public void Inputs_that_are_no_columns_are_refused(int type, string shape, string reason) =>
        Assert.Contains(reason, Assert.Throws<DataException>(() => Score(Write(TinyModel.Of(("x", type, shape))), [("x", ModelType.Float)], [values])).Message);

    [Fact]
    public void A_file_that_is_no_model_is_named()
    {
        var e = Assert.Throws<DataException>(() => Score(Write("no model"u8.ToArray()), [("x", ModelType.Float)], [values]));
        Assert.Contains(folder.At("model.onnx"), e.Message);
    }

    string Write(byte[] model)
    {
        File.WriteAllBytes(folder.At("model.onnx"), model);
        return folder.At("model.onnx");
    }

    static double[] Score(string model, (string Name, ModelType Type)[] inputs, double[][] columns, OnnxOutput? output = null)
    {
        IArrowArray[] arrays = [.. inputs.Zip(columns, (i, c) => Array(i.Type, c))];
        var batch = new RecordBatch(new Schema(inputs.Zip(arrays, (i, a) => new Field(i.Name, a.Data.DataType, false)), null), arrays, columns[0].Length);
        var signature = new ModelSignature([.. inputs.Select(i => new ModelColumn(i.Name, i.Type))], [new ModelColumn("score", ModelType.Double)]);
        using var scorer = OnnxScorer.Load(model, signature, output);
        return ((DoubleArray)scorer.Score(batch, default)[0]).Values.ToArray();
    }

    static IArrowArray Array(ModelType type, double[] values) => type switch
    {
        ModelType.Float => new FloatArray.Builder().AppendRange(values.Select(v => (float)v)).Build(),
        ModelType.Int64 => new Int64Array.Builder().AppendRange(values.Select(v => (long)v)).Build(),
        _ => new DoubleArray.Builder().AppendRange(values).Build(),
    };
}
