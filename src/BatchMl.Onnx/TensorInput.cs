using BatchMl.Scoring;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace BatchMl.Onnx;

/// <summary>An input of an ONNX model: a column [rows] or [rows, 1], or a matrix [rows, columns].</summary>
sealed class TensorInput
{
    public TensorInput(string path, string name, NodeMetadata metadata)
    {
        Name = name;
        if (!metadata.IsTensor) throw new DataException($"Input {name} of {path} is a {metadata.OnnxValueType}; expected a tensor. Export the model with tensors as inputs.");
        Type = metadata.ElementDataType switch
        {
            TensorElementType.Float => ModelType.Float,
            TensorElementType.Double => ModelType.Double,
            TensorElementType.Int64 => ModelType.Int64,
            TensorElementType.String => ModelType.String,
            var other => throw new DataException($"Input {name} of {path} holds {other}; expected float, double, int64 or string. Export the model with such an input, e.g. by a Cast behind it."),
        };
        var shape = metadata.Dimensions;
        if (shape.Length is not (1 or 2)) throw new DataException($"Input {name} of {path} has the shape [{string.Join(", ", shape)}]; expected [rows], [rows, 1] or [rows, columns].");
        Rank = shape.Length;
        FixedRows = Math.Max(0, shape[0]);
        Width = Rank == 1 ? 1 : Math.Max(0, shape[1]);
    }

    public string Name { get; }

    public ModelType Type { get; }

    public int Rank { get; }

    /// <summary>Rows of each call; 0: any number.</summary>
    public int FixedRows { get; }

    /// <summary>Columns; 0: any number.</summary>
    public int Width { get; }

    public bool IsMatrix => Width != 1;

    public override string ToString() => $"{Name} ({Type}[{(FixedRows > 0 ? FixedRows.ToString(System.Globalization.CultureInfo.InvariantCulture) : "rows")}, {(Width > 0 ? Width.ToString(System.Globalization.CultureInfo.InvariantCulture) : "columns")}])";
}
