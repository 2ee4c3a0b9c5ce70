using System.Text;

namespace BatchMl.TestSupport;

/// <summary>Writes small ONNX models, byte by byte after onnx.proto: for shapes, types, operators and sizes that no file in <c>shared</c> has.</summary>
public static class TinyModel
{
    /// <summary>Element types.</summary>
    public const int Float = 1, Int8 = 3, Int32 = 6, Int64 = 7, Double = 11;

    /// <summary>One Identity node per input; each is handed on as an output <c>NAME_out</c>; a shape is like "rows,2" or "4,1".</summary>
    public static byte[] Of(params (string Name, int Type, string Shape)[] inputs) => Model(
    [
        .. inputs.SelectMany(i => Node("Identity", [i.Name], [i.Name + "_out"])),
        .. inputs.SelectMany(i => Input(i.Name, i.Type, i.Shape)),
        .. inputs.SelectMany(i => Output(i.Name + "_out", i.Type, i.Shape)),
    ]);

    /// <summary>The sum of weighted columns of a matrix <c>X</c> (float), quantised as onnxruntime's quantize_dynamic does it: the scale comes from the range of all values in the call.</summary>
    public static byte[] Quantised(sbyte[] weights, string rows = "rows", bool inSubgraph = false)
    {
        byte[] quantise = Node("DynamicQuantizeLinear", ["X"], ["q", "scale", "zero"]);
        byte[] sum =
        [
            .. Node("MatMulInteger", ["q", "W", "zero"], ["whole"]),
            .. Node("Cast", ["whole"], ["float"], [.. Text(1, "to"), .. Number(3, Float), .. Number(20, 2)]),
            .. Node("Mul", ["float", "scale"], ["score"]),
        ];
        byte[] tensor = [.. Number(1, weights.Length), .. Number(1, 1), .. Number(2, Int8), .. Text(8, "W"), .. Field(9, [.. weights.Select(w => (byte)w)])];
        byte[] border = [.. Input("X", Float, $"{rows},{weights.Length}"), .. Output("score", Float, $"{rows},1")];
        if (!inSubgraph) return Model([.. quantise, .. sum, .. Field(5, tensor), .. border]);
        byte[] branch = Field(6, [.. quantise, .. sum, .. Text(2, "branch"), .. Field(5, tensor), .. Output("score", Float, $"{rows},1")]);
        byte[] yes = [.. Number(2, 9), .. Text(8, "yes"), .. Field(9, [1])];
        return Model([.. Node("If", ["yes"], ["score"], [.. Text(1, "then_branch"), .. branch, .. Number(20, 5)], [.. Text(1, "else_branch"), .. branch, .. Number(20, 5)]), .. Field(5, yes), .. border]);
    }

    /// <summary>A column <c>x</c> (float) less its mean over the call: an operator that mixes rows without a telling name.</summary>
    public static byte[] Centred() => Model(
    [
        .. Node("ReduceMean", ["x"], ["mean"], [.. Text(1, "axes"), .. Number(8, 0), .. Number(20, 7)]), .. Node("Sub", ["x", "mean"], ["score"]),
        .. Input("x", Float, "rows,1"), .. Output("score", Float, "rows,1"),
    ]);

    /// <summary>A column <c>x</c> (float) with noise.</summary>
    public static byte[] Noisy() => Model([.. Node("RandomNormalLike", ["x"], ["noise"]), .. Node("Add", ["x", "noise"], ["score"]), .. Input("x", Float, "rows,1"), .. Output("score", Float, "rows,1")]);

    /// <summary>A column <c>x</c> (float) plus a weight that is said to be in another file.</summary>
    public static byte[] External() => Model(
    [
        .. Node("Add", ["x", "W"], ["score"]), .. Input("x", Float, "rows,1"), .. Output("score", Float, "rows,1"),
        .. Field(5, [.. Number(1, 1), .. Number(2, Float), .. Text(8, "W"), .. Field(13, [.. Text(1, "location"), .. Text(2, "weights.bin")]), .. Number(14, 1)]),
    ]);

    /// <summary>A TreeEnsemble (ai.onnx.ml 5) of two nodes, of which the second leads to <paramref name="child"/> when its condition does not hold; its other children are leaves.</summary>
    public static byte[] Tree(int child)
    {
        byte[] Integers(string name, params int[] values) => [.. Text(1, name), .. Field(8, [.. values.Select(v => (byte)v)]), .. Number(20, 7)];
        return Model(
        [
            .. Node("TreeEnsemble", ["x"], ["score"], Integers("nodes_truenodeids", 1, 0), Integers("nodes_falsenodeids", 0, child), Integers("nodes_trueleafs", 0, 1), Integers("nodes_falseleafs", 1, 0)),
            .. Input("x", Float, "rows,1"), .. Output("score", Float, "rows,1"),
        ]);
    }

    /// <summary>
    /// The greatest value of all rows of <c>x</c>, found in a tensor of rows⁴ floats: a few rows fit any memory, and some thousand do not fit the address space of a processor.
    /// </summary>
    public static byte[] Greedy()
    {
        byte[] Integers(string name, params int[] values) => [.. Text(1, name), .. values.SelectMany(n => Number(8, n)), .. Number(20, 7)];
        byte[] keepdims = [.. Text(1, "keepdims"), .. Number(3, 0), .. Number(20, 2)];
        return Model(
        [
            .. Node("Unsqueeze", ["x"], ["a"], Integers("axes", 1, 2, 3)), .. Node("Unsqueeze", ["x"], ["b"], Integers("axes", 0, 2, 3)),
            .. Node("Unsqueeze", ["x"], ["c"], Integers("axes", 0, 1, 3)), .. Node("Unsqueeze", ["x"], ["d"], Integers("axes", 0, 1, 2)),
            .. Node("Max", ["a", "b"], ["ab"]), .. Node("Max", ["c", "d"], ["cd"]), .. Node("Max", ["ab", "cd"], ["abcd"]),
            .. Node("ReduceMax", ["abcd"], ["x_out"], Integers("axes", 1, 2, 3), keepdims), .. Input("x", Float, "rows"), .. Output("x_out", Float, "rows"),
        ], opset: 12);
    }

    static byte[] Model(byte[] graph, int opset = 17) => [.. Number(1, 7), .. Field(7, [.. Text(2, "tiny"), .. graph]), .. Field(8, Number(2, opset))];

    static byte[] Node(string type, string[] inputs, string[] outputs, params byte[][] attributes) =>
        Field(1, [.. inputs.SelectMany(i => Text(1, i)), .. outputs.SelectMany(o => Text(2, o)), .. Text(4, type), .. attributes.SelectMany(a => Field(5, a))]);

    static byte[] Input(string name, int type, string shape) => Field(11, Value(name, type, shape));

    static byte[] Output(string name, int type, string shape) => Field(12, Value(name, type, shape));

    static byte[] Value(string name, int type, string shape) => [.. Text(1, name), .. Field(2, Field(1, [.. Number(1, type), .. Field(2, [.. shape.Split(',').SelectMany(Dimension)])]))];

    static byte[] Dimension(string size) => Field(1, int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out var number) ? Number(1, number) : Text(2, size));

    // Tags beyond field 15 take two bytes.
    static byte[] Number(int field, int value) => field < 16 ? [(byte)(field << 3), (byte)value] : [(byte)(field << 3 & 0x7f | 0x80), (byte)(field >> 4), (byte)value];

    static byte[] Text(int field, string text) => Field(field, Encoding.UTF8.GetBytes(text));

    static byte[] Field(int field, byte[] content) => content.Length < 128
        ? [(byte)(field << 3 | 2), (byte)content.Length, .. content]
        : [(byte)(field << 3 | 2), (byte)(content.Length & 0x7f | 0x80), (byte)(content.Length >> 7), .. content];
}
