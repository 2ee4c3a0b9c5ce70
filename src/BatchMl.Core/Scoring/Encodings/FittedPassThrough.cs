using System.Buffers;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A column as a model made elsewhere wants it: converted, not fitted.</summary>
sealed class FittedPassThrough(string feature, ColumnType type, ModelColumn output) : FittedEncoding(feature, type)
{
    internal override IReadOnlyList<ModelColumn> Outputs { get; } = [output];

    internal override string Kind => "pass";

    /// <summary>Whether a column of a type can be such an input without losing its meaning.</summary>
    internal static bool CanConvert(ColumnType from, ModelType to) => to switch
    {
        ModelType.Float or ModelType.Double => Numbers.CanRead(from),
        ModelType.Int64 => from is ColumnType.Boolean or ColumnType.Int64 or ColumnType.Timestamp or ColumnType.Date,
        ModelType.String => from is ColumnType.String,
        _ => false,
    };

    internal override long Encode(IArrowArray column, List<IArrowArray> outputs)
    {
        outputs.Add(output.Type switch
        {
            ModelType.Int64 => Integers(column),
            ModelType.String => Texts((StringArray)column),
            ModelType.Double => ModelArrays.Doubles(column.Length, to => Numbers.Read(column, to)),
            _ => Floats(column),
        });
        return 0;
    }

    static IArrowArray Floats(IArrowArray column)
    {
        var scratch = ArrayPool<double>.Shared.Rent(column.Length);
        Numbers.Read(column, scratch.AsSpan(0, column.Length));
        var floats = ModelArrays.Floats(column.Length, to =>
        {
            for (var i = 0; i < to.Length; i++) to[i] = (float)scratch[i];
        });
        ArrayPool<double>.Shared.Return(scratch);
        return floats;
    }

    IArrowArray Integers(IArrowArray column)
    {
        if (column.NullCount > 0)
            throw new DataException($"Feature {Feature} is null, but the model's input {output.Name} is an integer, which can not be missing. Fill it in with a derived feature (Coalesce).");
        return ModelArrays.Integers(column.Length, to =>
        {
            switch (column)
            {
                case Int64Array integers: integers.Values.CopyTo(to); break;
                case TimestampArray times: times.Values.CopyTo(to); break;
                case Date32Array dates:
                    for (var i = 0; i < to.Length; i++) to[i] = dates.Values[i];
                    break;
                case BooleanArray flags:
                    for (var i = 0; i < to.Length; i++) to[i] = Bitmap.Get(flags.ValueBuffer.Span, flags.Offset + i) ? 1 : 0;
                    break;
            }
        });
    }

    // Null is the empty text: model formats have no missing text.
    static IArrowArray Texts(StringArray column)
    {
        var builder = new TextBuilder(column.Length);
        for (var i = 0; i < column.Length; i++) builder.Append(column.GetBytes(i));
        return builder.Build();
    }

    internal override void Write(Utf8JsonWriter json)
    {
        json.WriteString("output", output.Name);
        json.WriteString("outputType", output.Type.ToString());
    }

    internal static FittedPassThrough Read(string feature, ColumnType type, JsonElement json) => new(
        feature, type, new(json.GetProperty("output").GetString()!, Enum.Parse<ModelType>(json.GetProperty("outputType").GetString()!)));
}
