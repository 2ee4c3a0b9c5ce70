using System.Text;

namespace BatchMl.Onnx.Tests;

/// <summary>
/// Writes ONNX models byte by byte after onnx.proto: for shapes, types and sizes that no file in <c>shared</c> has.
/// </summary>
static class TinyModel
{
    public const int Float = 1, Int32 = 6, Int64 = 7, Double = 11;

    /// <summary>Each input is handed on as an output <c>NAME_out</c>; a shape is like "rows,2" or "4,1".</summary>
    public static byte[] Of(params (string Name, int Type, string Shape)[] inputs)
    {
        byte[] graph =
        [
            .. inputs.SelectMany(i => Field(1, [.. Text(1, i.Name), .. Text(2, i.Name + "_out"), .. Text(4, "Identity")])),
            .. Text(2, "tiny"),
            .. inputs.SelectMany(i => Field(11, Value(i.Name, i.Type, i.Shape))),
            .. inputs.SelectMany(i => Field(12, Value(i.Name + "_out", i.Type, i.Shape))),
        ];
        return [.. Number(1, 8), .. Field(7, graph), .. Field(8, Number(2, 17))];
    }

    /// <summary>
    /// The greatest value of all rows of <c>x</c>, found in a tensor of rows⁴ floats: a few rows fit any memory, and some thousand do not fit the address space of a processor.
    /// </summary>
    public static byte[] Greedy()
    {
        byte[] graph =
        [
            .. Node("Unsqueeze", ["x"], "a", ("axes", [1, 2, 3])), .. Node("Unsqueeze", ["x"], "b", ("axes", [0, 2, 3])),
            .. Node("Unsqueeze", ["x"], "c", ("axes", [0, 1, 3])), .. Node("Unsqueeze", ["x"], "d", ("axes", [0, 1, 2])),
            .. Node("Max", ["a", "b"], "ab"), .. Node("Max", ["c", "d"], "cd"), .. Node("Max", ["ab", "cd"], "abcd"),
            .. Node("ReduceMax", ["abcd"], "x_out", ("axes", [1, 2, 3]), ("keepdims", null)),
            .. Text(2, "greedy"), .. Field(11, Value("x", Float, "rows")), .. Field(12, Value("x_out", Float, "rows")),
        ];
        return [.. Number(1, 7), .. Field(7, graph), .. Field(8, Number(2, 12))];
    }

    // An attribute without numbers is the integer 0. Attribute types: 2 an integer, 7 integers.
    static byte[] Node(string op, string[] inputs, string output, params (string Name, int[]? Numbers)[] attributes) => Field(1,
    [
        .. inputs.SelectMany(i => Text(1, i)), .. Text(2, output), .. Text(4, op),
        .. attributes.SelectMany(a => Field(5, [.. Text(1, a.Name), .. a.Numbers is null ? Number(3, 0) : a.Numbers.SelectMany(n => Number(8, n)), .. Number(20, a.Numbers is null ? 2 : 7)])),
    ]);

    static byte[] Value(string name, int type, string shape) => [.. Text(1, name), .. Field(2, Field(1, [.. Number(1, type), .. Field(2, [.. shape.Split(',').SelectMany(Dimension)])]))];

    static byte[] Dimension(string size) => Field(1, int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out var number) ? Number(1, number) : Text(2, size));

    static byte[] Number(int field, int value) => field < 16 ? [(byte)(field << 3), (byte)value] : [(byte)(field << 3 & 0x7f | 0x80), (byte)(field >> 4), (byte)value];

    static byte[] Text(int field, string text) => Field(field, Encoding.UTF8.GetBytes(text));

    static byte[] Field(int field, byte[] content) => content.Length < 128
        ? [(byte)(field << 3 | 2), (byte)content.Length, .. content]
        : [(byte)(field << 3 | 2), (byte)(content.Length & 0x7f | 0x80), (byte)(content.Length >> 7), .. content];
}
