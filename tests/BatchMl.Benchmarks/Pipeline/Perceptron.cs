using System.Runtime.InteropServices;
using BatchMl.Onnx;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>"Trains" a multilayer perceptron 64-256-256-1 whose weights a seed decides: what a score costs does not depend on them. Written as ONNX, message by message after onnx.proto.</summary>
sealed class Perceptron : ITrainer
{
    const int Float = 1;
    static readonly int[] sizes = [64, 256, 256, 1];

    public string Parameters => """{"seed":1,"sizes":[64,256,256,1]}""";

    public TrainedModel Train(
        TrainingRows train, TrainingRows validation, IReadOnlyList<string> categorical, string folder, Action<int, double>? progress, CancellationToken cancel)
    {
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), Model(new Random(1)));
        ModelColumn[] inputs = [.. train.Inputs[0].Schema.FieldsList.Select(f => new ModelColumn(f.Name, ModelType.Float))];
        return new TrainedModel("model.onnx", OnnxScorer.Flavor, new ModelSignature(inputs, [new ModelColumn("score", ModelType.Double)]), new Dictionary<string, double>());
    }

    static byte[] Model(Random random)
    {
        List<byte[]> nodes = [], weights = [];
        // A missing value is not a number, which would make the whole score one: it counts as 0.
        nodes.Add(Node("IsNaN", ["x"], "missing"));
        weights.Add(Tensor("zero", [1], [0f]));
        nodes.Add(Node("Where", ["missing", "zero", "x"], "a0"));
        for (var layer = 0; layer + 1 < sizes.Length; layer++)
        {
            var (rows, columns) = (sizes[layer], sizes[layer + 1]);
            weights.Add(Tensor($"w{layer}", [rows, columns], Random(random, rows * columns, MathF.Sqrt(2f / rows) * 0.01f)));
            weights.Add(Tensor($"b{layer}", [columns], Random(random, columns, 0.1f)));
            nodes.Add(Node("Gemm", [$"a{layer}", $"w{layer}", $"b{layer}"], $"z{layer}"));
            nodes.Add(Node(layer + 2 < sizes.Length ? "Relu" : "Sigmoid", [$"z{layer}"], layer + 2 < sizes.Length ? $"a{layer + 1}" : "score"));
        }
        byte[] graph = [.. nodes.SelectMany(n => Field(1, n)), .. Text(2, "perceptron"), .. weights.SelectMany(t => Field(5, t)), .. Field(11, Value("x", sizes[0])), .. Field(12, Value("score", 1))];
        return [.. Number(1, 8), .. Field(7, graph), .. Field(8, Number(2, 17))];
    }

    static float[] Random(Random random, int count, float scale)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = (random.NextSingle() * 2 - 1) * scale;
        return values;
    }

    static byte[] Node(string type, string[] inputs, string output) => [.. inputs.SelectMany(i => Text(1, i)), .. Text(2, output), .. Text(3, type + output), .. Text(4, type)];

    static byte[] Tensor(string name, int[] shape, float[] values) =>
        [.. shape.SelectMany(d => Number(1, d)), .. Number(2, Float), .. Text(8, name), .. Field(9, MemoryMarshal.AsBytes(values.AsSpan()).ToArray())];

    static byte[] Value(string name, int columns) =>
        [.. Text(1, name), .. Field(2, Field(1, [.. Number(1, Float), .. Field(2, [.. Field(1, Text(2, "rows")), .. Field(1, Number(1, columns))])]))];

    static byte[] Number(int field, int value) => [(byte)(field << 3), .. Varint(value)];

    static byte[] Text(int field, string text) => Field(field, System.Text.Encoding.UTF8.GetBytes(text));

    static byte[] Field(int field, byte[] content) => [(byte)(field << 3 | 2), .. Varint(content.Length), .. content];

    static IEnumerable<byte> Varint(int value)
    {
        var rest = (uint)value;
        for (; rest > 127; rest >>= 7) yield return (byte)(rest | 128);
        yield return (byte)rest;
    }
}
