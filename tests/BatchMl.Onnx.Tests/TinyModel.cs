using System.Text;

namespace BatchMl.Onnx.Tests;

/// <summary>
/// Writes ONNX models of one Identity node per input, byte by byte after onnx.proto: for shapes and types that no file in <c>shared</c> has.
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

    static byte[] Value(string name, int type, string shape) => [.. Text(1, name), .. Field(2, Field(1, [.. Number(1, type), .. Field(2, [.. shape.Split(',').SelectMany(Dimension)])]))];

    static byte[] Dimension(string size) => Field(1, int.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out var number) ? Number(1, number) : Text(2, size));

    static byte[] Number(int field, int value) => [(byte)(field << 3), (byte)value];

    static byte[] Text(int field, string text) => Field(field, Encoding.UTF8.GetBytes(text));

    static byte[] Field(int field, byte[] content) => content.Length < 128
        ? [(byte)(field << 3 | 2), (byte)content.Length, .. content]
        : [(byte)(field << 3 | 2), (byte)(content.Length & 0x7f | 0x80), (byte)(content.Length >> 7), .. content];
}
