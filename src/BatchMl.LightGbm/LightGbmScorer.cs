using System.Buffers;
using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.LightGbm;

/// <summary>
/// Scores with a LightGBM text model, in double precision, NaN for missing. Gives what its signature names: <c>score</c> (a probability for a binary model), <c>raw_score</c>,
/// <c>shap_INPUT</c> and <c>shap_base</c>, all Double. Thread-safe.
/// </summary>
public sealed class LightGbmScorer : IScorer
{
    /// <summary>The flavor of its packages.</summary>
    public const string Flavor = "lightgbm";

    // Small enough for the processor's cache, large enough that a call costs nothing.
    const int ChunkRows = 4096;

    readonly Booster booster;
    readonly (int PredictType, int Position)[] outputs;
    readonly bool[] gives = new bool[NativeMethods.PredictContributions + 1];

    LightGbmScorer(Booster booster, ModelSignature signature, (int PredictType, int Position)[] outputs)
    {
        (this.booster, Signature, this.outputs) = (booster, signature, outputs);
        foreach (var (type, _) in outputs) gives[type] = true;
    }

    /// <inheritdoc/>
    public ModelSignature Signature { get; }

    /// <inheritdoc/>
    public bool IsThreadSafe => true;

    /// <summary>Loads a package of flavor <c>lightgbm</c>.</summary>
    /// <exception cref="DataException">The weights were changed, are not such a model, or do not fit the signature.</exception>
    public static IScorer Load(ModelPackage package) => Load(package.WeightsPath, ModelText.Parse(package.WeightsPath, package.ReadWeights()), package.Manifest.Signature);

    /// <summary>Loads a text model (version 3 or 4) of LightGBM with one output per row, whoever made it. Linear trees are not supported.</summary>
    /// <exception cref="DataException">The file is damaged or not such a model, or has other inputs than the signature, or the signature has outputs that no such model gives.</exception>
    public static LightGbmScorer Load(string path, ModelSignature signature) => Load(path, ModelText.Read(path), signature);

    static LightGbmScorer Load(string path, ModelText text, ModelSignature signature)
    {
        var names = FeatureNames.Of(signature.Inputs.Select(i => i.Name));
        if (!names.SequenceEqual(text.FeatureNames))
            throw new DataException($"{path} has the inputs {string.Join(", ", text.FeatureNames)}; the signature says {string.Join(", ", names)}. Package the model that belongs to this signature.");
        if (signature.Inputs.FirstOrDefault(i => i.Type == ModelType.String) is { } input)
            throw new DataException($"LightGBM takes numbers, but input {input.Name} of {path} is said to be a String. Encode it as a category.");
        var outputs = signature.Outputs.Select(output => OutputColumns.Find(signature, output)
            ?? throw new DataException($"A LightGBM model gives score, raw_score, shap_INPUT and shap_base as Double; the signature for {path} has the output {output.Name} ({output.Type}). Correct the signature.")).ToArray();
        try
        {
            return new LightGbmScorer(Booster.Load(text.Bytes), signature, outputs);
        }
        catch (BatchMlException e) when (e.InnerException is null)
        {
            throw new DataException($"{path}: {e.Message} Expected a LightGBM text model; save it again, or train anew.", e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel)
    {
        var (rows, features) = (inputs.Length, Signature.Inputs.Count);
        if (inputs.ColumnCount != features) throw new BatchMlException($"A batch has {inputs.ColumnCount} columns, the model takes {features}.", FailureKind.Bug);
        var width = gives[NativeMethods.PredictContributions] ? features + 1 : 1;
        var columns = ArrayPool<double>.Shared.Rent(ChunkRows * features);
        var predictions = ArrayPool<double>.Shared.Rent(ChunkRows * width);
        var results = outputs.Select(_ => ArrayPool<byte>.Shared.Rent(rows * sizeof(double))).ToArray();
        try
        {
            for (var start = 0; start < rows; start += ChunkRows)
            {
                cancel.ThrowIfCancellationRequested();
                var count = Math.Min(ChunkRows, rows - start);
                for (var c = 0; c < features; c++) Fill(inputs.Column(c), start, columns.AsSpan(c * count, count), Signature.Inputs[c].Name);
                Predict(columns, start, count, predictions, results);
            }
            return [.. results.Select(r => Column(r, rows))];
        }
        finally
        {
            ArrayPool<double>.Shared.Return(columns);
            ArrayPool<double>.Shared.Return(predictions);
            foreach (var result in results) ArrayPool<byte>.Shared.Return(result);
        }
    }

    void Predict(double[] columns, int start, int count, double[] predictions, byte[][] results)
    {
        var features = Signature.Inputs.Count;
        for (var type = NativeMethods.PredictNormal; type <= NativeMethods.PredictContributions; type++)
        {
            if (!gives[type]) continue;
            var width = type == NativeMethods.PredictContributions ? features + 1 : 1;
            booster.Predict(columns.AsSpan(0, count * features), count, features, type, predictions.AsSpan(0, count * width));
            for (var o = 0; o < outputs.Length; o++)
            {
                if (outputs[o].PredictType != type) continue;
                var to = MemoryMarshal.Cast<byte, double>(results[o].AsSpan()).Slice(start, count);
                for (var i = 0; i < count; i++) to[i] = predictions[i * width + outputs[o].Position];
            }
        }
    }

    // Copied out of the pool into native memory, which writers take over without another copy.
    static DoubleArray Column(byte[] result, int rows) => new(new ArrowBuffer(result.AsMemory(0, rows * sizeof(double))).Clone(), ArrowBuffer.Empty, rows, 0, 0);

    static void Fill(IArrowArray array, int start, Span<double> into, string name)
    {
        switch (array)
        {
            case FloatArray floats:
                var values = floats.Values.Slice(start, into.Length);
                for (var i = 0; i < into.Length; i++) into[i] = values[i];
                break;
            case DoubleArray doubles: doubles.Values.Slice(start, into.Length).CopyTo(into); break;
            case Int64Array integers:
                var whole = integers.Values.Slice(start, into.Length);
                for (var i = 0; i < into.Length; i++) into[i] = whole[i];
                break;
            default: throw new DataException($"Model input '{name}' is {array.Data.DataType.Name}; LightGBM takes numbers. Encode it.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => booster.Dispose();
}
