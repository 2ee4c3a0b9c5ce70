using System.Globalization;
using System.Text;

namespace BatchMl.Onnx;

/// <summary>
/// Keeps the choice of the output within the weights, so that it is covered by the package's digest: as entries of <c>metadata_props</c>, field 14 of onnx.proto's ModelProto, each a StringStringEntryProto
/// of key (1) and value (2). Protocol buffers may be appended to: repeated fields go on.
/// </summary>
static class ModelFile
{
    const string NameKey = "batchml.output";
    const string ClassKey = "batchml.class";

    /// <summary>The model with the choice.</summary>
    public static byte[] With(byte[] model, OnnxOutput output)
    {
        using var all = new MemoryStream();
        all.Write(model);
        if (output.Name is { } name) all.Write(Field(14, [.. Field(1, NameKey), .. Field(2, name)]));
        if (output.Class is { } index) all.Write(Field(14, [.. Field(1, ClassKey), .. Field(2, index.ToString(CultureInfo.InvariantCulture))]));
        return all.ToArray();
    }

    /// <summary>The choice in a model's metadata.</summary>
    public static OnnxOutput OutputOf(IReadOnlyDictionary<string, string> metadata) => new(
        metadata.GetValueOrDefault(NameKey),
        metadata.TryGetValue(ClassKey, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null);

    static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    // Wire type 2: tag, length, bytes.
    static byte[] Field(int number, byte[] content) => [.. Varint((uint)number << 3 | 2), .. Varint((uint)content.Length), .. content];

    static IEnumerable<byte> Varint(uint value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
