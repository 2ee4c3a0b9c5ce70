using System.Buffers;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A fitted <see cref="OneHotEncoding"/>.</summary>
sealed class FittedOneHot(string feature, ColumnType type, Vocabulary vocabulary) : FittedEncoding(feature, type)
{
    internal override IReadOnlyList<ModelColumn> Outputs { get; } =
        [.. vocabulary.Categories.Select(category => new ModelColumn($"{feature}={category}", ModelType.Float))];

    internal override string Kind => "one-hot";

    internal override long Encode(IArrowArray column, List<IArrowArray> outputs)
    {
        var codes = ArrayPool<int>.Shared.Rent(column.Length);
        var unknown = vocabulary.Find(column, codes.AsSpan(0, column.Length));
        for (var category = 0; category < Outputs.Count; category++)
        {
            var code = category;
            outputs.Add(ModelArrays.Floats(column.Length, floats =>
            {
                for (var i = 0; i < floats.Length; i++) floats[i] = codes[i] == code ? 1 : 0;
            }));
        }
        ArrayPool<int>.Shared.Return(codes);
        return unknown;
    }

    internal override void Write(Utf8JsonWriter json) => vocabulary.Write(json);

    internal static FittedOneHot Read(string feature, ColumnType type, JsonElement json) => new(feature, type, Vocabulary.Read(json));
}
