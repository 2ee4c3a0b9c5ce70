using System.Buffers;
using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Scoring;
using Microsoft.ML.OnnxRuntime;

namespace BatchMl.Onnx;

/// <summary>
/// Scores with an ONNX model on the CPU, one thread per call. One output, <c>score</c> (Double): by default the probability of the positive class. Columns are read where Arrow has them; a matrix is
/// filled row by row. Thread-safe.
/// </summary>
public sealed class OnnxScorer : IScorer
{
    /// <summary>The flavor of its packages.</summary>
    public const string Flavor = "onnx";

    // Small enough for the processor's cache and to be cancelled soon, large enough that a call costs nothing.
    const int ChunkRows = 4096;

    readonly OnnxSession session;

    /// <summary>Scores with a session, which is disposed with it.</summary>
    internal OnnxScorer(OnnxSession session, ModelSignature signature) => (this.session, Signature) = (session, signature);

    /// <inheritdoc/>
    public ModelSignature Signature { get; }

    /// <inheritdoc/>
    public bool IsThreadSafe => true;

    /// <summary>Loads a package of flavor <c>onnx</c>.</summary>
    /// <exception cref="DataException">The weights were changed, are not such a model, or do not fit the signature.</exception>
    public static IScorer Load(ModelPackage package) => Load(package.WeightsPath, package.ReadWeights(), package.Manifest.Signature, null);

    /// <summary>Loads an ONNX model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="signature">Its columns: inputs of one column by their names, in the model's order; the columns of a matrix by any names.</param>
    /// <param name="output">Which output is the score; null: what the import chose, or the only candidate.</param>
    /// <exception cref="DataException">It can not be loaded, has inputs or outputs that are no columns, or others than the signature.</exception>
    public static OnnxScorer Load(string path, ModelSignature signature, OnnxOutput? output = null) => Load(path, OnnxSession.Read(path), signature, output);

    static OnnxScorer Load(string path, byte[] model, ModelSignature signature, OnnxOutput? output)
    {
        var session = OnnxSession.Open(path, model, output);
        try
        {
            session.Verify(signature);
            return new OnnxScorer(session, signature);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel)
    {
        if (inputs.ColumnCount != Signature.Inputs.Count) throw new BatchMlException($"A batch has {inputs.ColumnCount} columns, the model takes {Signature.Inputs.Count}.", FailureKind.Bug);
        var bytes = ArrayPool<byte>.Shared.Rent(inputs.Length * sizeof(double));
        try
        {
            var scores = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
            var most = Signature.RowsPerCall ?? (session.FixedRows > 0 ? session.FixedRows : ChunkRows);
            for (var start = 0; start < inputs.Length; start += most)
            {
                cancel.ThrowIfCancellationRequested();
                var count = Math.Min(most, inputs.Length - start);
                using var chunk = new InputChunk(session, Signature.RowsPerCall, inputs, start, count);
                using var results = session.Run(chunk.Values);
                session.Output.Read(results[0], chunk.Rows, scores.Slice(start, count));
            }
            return [new DoubleArray(new ArrowBuffer(bytes.AsMemory(0, inputs.Length * sizeof(double))).Clone(), ArrowBuffer.Empty, inputs.Length, 0, 0)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
