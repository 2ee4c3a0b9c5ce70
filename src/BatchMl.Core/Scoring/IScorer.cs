using System.Text.Json.Serialization;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Element types at the border of a model.</summary>
public enum ModelType
{
    /// <summary>32-bit float; <c>FloatArray</c>.</summary>
    Float,
    /// <summary>64-bit float; <c>DoubleArray</c>.</summary>
    Double,
    /// <summary>64-bit integer; <c>Int64Array</c>.</summary>
    Int64,
    /// <summary>Text; <c>StringArray</c>.</summary>
    String,
}

/// <summary>An input or output column of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type. In float columns NaN stands for missing; no nulls.</param>
public sealed record ModelColumn(string Name, ModelType Type);

/// <summary>What a model takes and gives, by column.</summary>
/// <param name="Inputs">In the order the model was trained on.</param>
/// <param name="Outputs">Scores first, e.g. <c>score</c>.</param>
public sealed record ModelSignature(IReadOnlyList<ModelColumn> Inputs, IReadOnlyList<ModelColumn> Outputs)
{
    /// <summary>
    /// Null (default): a row's outputs depend on that row alone, and a call may have any number of rows. A number, at least 1: the model looks at all rows of a call, as dynamic quantisation does,
    /// so each call has this many rows (what is missing is filled up with copies of the last). With 1 a row has no neighbours, and outputs depend on nothing but the row again; with more they depend on how
    /// rows were cut into partitions, units of work and batches.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RowsPerCall { get; init; }
}

/// <summary>
/// A loaded model. Pure per row: a row's outputs depend on that row's inputs only (but see <see cref="ModelSignature.RowsPerCall"/>), and the same inputs give the same bits. Throws for a batch that it can not
/// score (the pipeline bisects it); an <see cref="InsufficientMemoryException"/> or <see cref="OutOfMemoryException"/> makes the pipeline halve the batch. Never retries.
/// </summary>
public interface IScorer : IDisposable
{
    /// <summary>What it takes and gives.</summary>
    ModelSignature Signature { get; }

    /// <summary>Whether several threads may call <see cref="Score"/> at once; otherwise the pipeline loads one scorer per thread.</summary>
    bool IsThreadSafe { get; }

    /// <summary>
    /// Scores a batch. Column i of the batch is input i of the signature, starts at offset 0, has no nulls and is valid during the call only. Returns one array per output, each with the
    /// batch's rows and without nulls; the arrays are the caller's, and may be whole input columns handed back.
    /// </summary>
    IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel);
}

/// <summary>Loads the weights of a model package of one flavor.</summary>
public delegate IScorer ScorerFactory(ModelPackage package);
