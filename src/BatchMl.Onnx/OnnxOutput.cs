namespace BatchMl.Onnx;

/// <summary>Which of a model's outputs is the score.</summary>
/// <param name="Name">Name of the output: a float or double tensor [rows], [rows, 1] or [rows, classes], or a sequence of maps from class to probability. Null: the only such output.</param>
/// <param name="Class">
/// Index of the class whose probability is the score, in ascending order of classes, from 0. Null: the only column, or the second of two (the positive class of a binary model).
/// </param>
public sealed record OnnxOutput(string? Name = null, int? Class = null);
