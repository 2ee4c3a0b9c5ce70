using System.Buffers;
using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.LightGbm;

/// <summary>Scores with a LightGBM text model, in double precision, NaN for missing. One output, <c>score</c>: a probability for a binary model. Thread-safe.</summary>
public sealed class LightGbmScorer : IScorer
{
    readonly Booster booster;

    LightGbmScorer(Booster booster, ModelSignature signature) => (this.booster, Signature) = (booster, signature);

    /// <inheritdoc/>
    public ModelSignature Signature { get; }

    /// <inheritdoc/>
    public bool IsThreadSafe => true;

    /// <summary>Loads a package of flavor <c>lightgbm</c>.</summary>
    /// <exception cref="DataException">The weights are not such a model, or do not fit the signature.</exception>
    public static IScorer Load(ModelPackage package) => Load(package.WeightsPath, package.Manifest.Signature);

    /// <summary>Loads a text model (version 4) of LightGBM, whoever made it.</summary>
    /// <exception cref="DataException">The file is not such a model, has several classes, or other inputs than the signature.</exception>
    public static LightGbmScorer Load(string path, ModelSignature signature)
    {
        var text = ModelText.Read(path);
        Booster booster;
        try
        {
            booster = Booster.Load(text);
        }
        catch (BatchMlException e) when (e.InnerException is null)
        {
            throw new DataException($"{path}: {e.Message} Expected a LightGBM text model; save it again, or train anew.", e);
        }
        if (booster.Classes != 1 || booster.Features != signature.Inputs.Count)
        {
            var (classes, features) = (booster.Classes, booster.Features);
            booster.Dispose();
            throw new DataException($"{path} has {features} features and {classes} class outputs; its package says {signature.Inputs.Count} inputs and one score. Package the model that belongs to this signature.");
        }
        return new LightGbmScorer(booster, signature);
    }

    /// <inheritdoc/>
    public IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel) => [Predict(inputs, NativeMethods.PredictNormal, 1)[0]];

    /// <summary>Scores before the link function (log-odds for a binary model).</summary>
    public DoubleArray RawScore(RecordBatch inputs) => Predict(inputs, NativeMethods.PredictRaw, 1)[0];

    /// <summary>SHAP values: one column per input and, last, the base value; they add up to the raw score.</summary>
    public IReadOnlyList<DoubleArray> Contributions(RecordBatch inputs) => Predict(inputs, NativeMethods.PredictContributions, Signature.Inputs.Count + 1);

    DoubleArray[] Predict(RecordBatch inputs, int type, int width)
    {
        var (rows, features) = (inputs.Length, Signature.Inputs.Count);
        if (inputs.ColumnCount != features) throw new BatchMlException($"A batch has {inputs.ColumnCount} columns, the model takes {features}.", FailureKind.Bug);
        var columns = ArrayPool<double>.Shared.Rent(Math.Max(1, rows * features));
        var results = ArrayPool<double>.Shared.Rent(Math.Max(1, rows * width));
        try
        {
            for (var c = 0; c < features; c++) Fill(inputs.Column(c), columns.AsSpan(c * rows, rows), Signature.Inputs[c].Name);
            if (rows > 0) booster.Predict(columns.AsSpan(0, rows * features), rows, features, type, results.AsSpan(0, rows * width));
            return [.. Enumerable.Range(0, width).Select(w => Column(results, rows, width, w))];
        }
        finally
        {
            ArrayPool<double>.Shared.Return(columns);
            ArrayPool<double>.Shared.Return(results);
        }
    }

    static DoubleArray Column(double[] results, int rows, int width, int column)
    {
        var values = new double[rows];
        for (var i = 0; i < rows; i++) values[i] = results[i * width + column];
        return new DoubleArray(new ArrowBuffer.Builder<double>(rows).Append(values).Build(), ArrowBuffer.Empty, rows, 0, 0);
    }

    static void Fill(IArrowArray array, Span<double> into, string name)
    {
        switch (array)
        {
            case FloatArray floats:
                var values = floats.Values;
                for (var i = 0; i < into.Length; i++) into[i] = values[i];
                break;
            case DoubleArray doubles: doubles.Values.CopyTo(into); break;
            case Int64Array integers:
                for (var i = 0; i < into.Length; i++) into[i] = integers.Values[i];
                break;
            default: throw new DataException($"Model input '{name}' is {array.Data.DataType.Name}; LightGBM takes numbers. Encode it.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => booster.Dispose();
}
