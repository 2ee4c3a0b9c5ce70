using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace BatchMl.Onnx;

/// <summary>Where in a model's outputs the score is, and how to read it.</summary>
sealed class ScoreOutput
{
    readonly string path;
    readonly int? chosenClass;
    readonly bool isSequence;

    ScoreOutput(string path, string name, int? chosenClass, bool isSequence) => (this.path, Name, this.chosenClass, this.isSequence) = (path, name, chosenClass, isSequence);

    /// <summary>The output's name.</summary>
    public string Name { get; }

    /// <summary>Finds the output.</summary>
    /// <exception cref="DataException">There is none, or there are several and no choice.</exception>
    public static ScoreOutput Choose(string path, IReadOnlyList<string> names, IReadOnlyDictionary<string, NodeMetadata> metadata, OnnxOutput choice)
    {
        string[] candidates = [.. names.Where(n => IsTensor(metadata[n]) || metadata[n].OnnxValueType == OnnxValueType.ONNX_TYPE_SEQUENCE)];
        if (choice.Name is { } name ? !candidates.Contains(name) : candidates.Length != 1)
            throw new DataException($"{path} has the outputs {string.Join(", ", names)}, of which {(candidates.Length == 0 ? "none" : string.Join(", ", candidates))} can hold scores; expected {choice.Name ?? "exactly one"}. Say which one is the score when the model is imported.");
        var chosen = choice.Name ?? candidates[0];
        return new ScoreOutput(path, chosen, choice.Class, !IsTensor(metadata[chosen]));
    }

    static bool IsTensor(NodeMetadata output) => output.IsTensor && output.ElementDataType is TensorElementType.Float or TensorElementType.Double;

    /// <summary>Reads the scores of as many rows as there is room for; a call may have had more, to fill it up.</summary>
    public void Read(OrtValue value, int rows, Span<double> to)
    {
        if (isSequence) ReadMaps(value, rows, to);
        else ReadTensor(value, rows, to);
    }

    void ReadTensor(OrtValue value, int rows, Span<double> to)
    {
        var info = value.GetTensorTypeAndShape();
        var width = info.Shape switch
        {
            [var n] when n == rows => 1,
            [var n, var columns] when n == rows => (int)columns,
            var other => throw new DataException($"Output {Name} of {path} has the shape [{string.Join(", ", other)}] for {rows} rows; expected [{rows}], [{rows}, 1] or [{rows}, classes]. Name another output when the model is imported."),
        };
        var column = Class(width);
        if (info.ElementDataType == TensorElementType.Double)
        {
            var doubles = value.GetTensorDataAsSpan<double>();
            for (var i = 0; i < to.Length; i++) to[i] = doubles[i * width + column];
        }
        else
        {
            var floats = value.GetTensorDataAsSpan<float>();
            for (var i = 0; i < to.Length; i++) to[i] = floats[i * width + column];
        }
    }

    // A map for each row, as ZipMap makes them: several small objects per row.
    void ReadMaps(OrtValue value, int rows, Span<double> to)
    {
        if (value.GetValueCount() != rows) throw new DataException($"Output {Name} of {path} has {value.GetValueCount()} entries for {rows} rows. Name another output when the model is imported.");
        for (var i = 0; i < to.Length; i++)
        {
            using var map = value.GetValue(i, OrtAllocator.DefaultInstance);
            if (map.OnnxType != OnnxValueType.ONNX_TYPE_MAP) throw new DataException($"Output {Name} of {path} is a sequence of {map.OnnxType}; expected maps from class to probability. Name another output when the model is imported.");
            using var keys = map.GetValue(0, OrtAllocator.DefaultInstance);
            using var values = map.GetValue(1, OrtAllocator.DefaultInstance);
            var position = Position(keys);
            to[i] = values.GetTensorTypeAndShape().ElementDataType switch
            {
                TensorElementType.Float => values.GetTensorDataAsSpan<float>()[position],
                TensorElementType.Double => values.GetTensorDataAsSpan<double>()[position],
                var other => throw new DataException($"Output {Name} of {path} maps classes to {other}; expected float or double."),
            };
        }
    }

    // The runtime's maps are ordered by class.
    int Position(OrtValue keys) => Class((int)keys.GetTensorTypeAndShape().ElementCount);

    int Class(int classes) => (chosenClass, classes) switch
    {
        ({ } index, _) when index >= 0 && index < classes => index,
        (null, 1) => 0,
        (null, 2) => 1,
        _ => throw new DataException($"Output {Name} of {path} has {classes} classes; {(chosenClass is null ? "expected 1 or 2, or a choice" : $"class {chosenClass} was chosen")}. Choose the class that is the score when the model is imported."),
    };
}
