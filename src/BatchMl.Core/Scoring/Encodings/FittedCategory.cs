using System.Buffers;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A fitted <see cref="CategoryEncoding"/>.</summary>
/// <param name="feature">The feature.</param>
/// <param name="type">Its type.</param>
/// <param name="vocabulary">The categories.</param>
/// <param name="output">The model's name for it, where that is another one.</param>
sealed class FittedCategory(string feature, ColumnType type, Vocabulary vocabulary, string? output = null) : FittedEncoding(feature, type)
{
    internal override IReadOnlyList<ModelColumn> Outputs { get; } = [new(output ?? feature, ModelType.Float)];

    internal override string Kind => "category";

    internal override long Encode(IArrowArray column, List<IArrowArray> outputs)
    {
        var codes = ArrayPool<int>.Shared.Rent(column.Length);
        var unknown = vocabulary.Find(column, codes.AsSpan(0, column.Length));
        outputs.Add(ModelArrays.Floats(column.Length, floats =>
        {
            for (var i = 0; i < floats.Length; i++) floats[i] = codes[i] < 0 ? float.NaN : codes[i];
        }));
        ArrayPool<int>.Shared.Return(codes);
        return unknown;
    }

    internal override void Write(Utf8JsonWriter json)
    {
        if (Outputs[0].Name != Feature) json.WriteString("output", Outputs[0].Name);
        vocabulary.Write(json);
    }

    internal static FittedCategory Read(string feature, ColumnType type, JsonElement json) =>
        new(feature, type, Vocabulary.Read(json), json.TryGetProperty("output", out var output) ? output.GetString() : null);
}
