using System.Text;

namespace BatchMl.LightGbm;

/// <summary>A loaded or growing ensemble of trees. Prediction may be called from several threads.</summary>
sealed unsafe class Booster : IDisposable
{
    nint handle;

    Booster(nint handle) => this.handle = handle;

    public static Booster Create(Dataset train, string parameters)
    {
        NativeMethods.Check(NativeMethods.LGBM_BoosterCreate(train.Handle, parameters, out var handle), "starting to train");
        return new Booster(handle);
    }

    public static Booster Load(string text)
    {
        NativeMethods.EnsureLoaded();
        var bytes = Encoding.UTF8.GetBytes(text + "\0");
        fixed (byte* pointer = bytes)
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterLoadModelFromString(pointer, out _, out var handle), "loading a model");
            return new Booster(handle);
        }
    }

    public int Features
    {
        get
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterGetNumFeature(handle, out var count), "counting features");
            return count;
        }
    }

    public int Classes
    {
        get
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterGetNumClasses(handle, out var count), "counting classes");
            return count;
        }
    }

    public void AddValidation(Dataset validation) => NativeMethods.Check(NativeMethods.LGBM_BoosterAddValidData(handle, validation.Handle), "adding validation rows");

    /// <summary>Adds a tree; true: no split improves anything any more.</summary>
    public bool Update()
    {
        NativeMethods.Check(NativeMethods.LGBM_BoosterUpdateOneIter(handle, out var finished), "growing a tree");
        return finished != 0;
    }

    /// <summary>The metric on validation rows.</summary>
    public double Evaluate()
    {
        double result;
        NativeMethods.Check(NativeMethods.LGBM_BoosterGetEval(handle, 1, out _, &result), "evaluating");
        return result;
    }

    public string Save(int iterations)
    {
        NativeMethods.Check(NativeMethods.LGBM_BoosterSaveModelToString(handle, 0, iterations, 0, 0, out var length, null), "saving a model");
        var text = new byte[length];
        fixed (byte* pointer = text)
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterSaveModelToString(handle, 0, iterations, 0, length, out _, pointer), "saving a model");
        }
        return Encoding.UTF8.GetString(text.AsSpan(0, (int)length - 1));
    }

    /// <summary>Predicts a column-major matrix; one thread, since the pipeline has one call per core.</summary>
    public void Predict(ReadOnlySpan<double> columns, int rows, int features, int predictType, Span<double> results)
    {
        fixed (double* data = columns)
        fixed (double* output = results)
        {
            NativeMethods.Check(
                NativeMethods.LGBM_BoosterPredictForMat(handle, data, NativeMethods.Float64, rows, features, 0, predictType, 0, -1, "num_threads=1", out var length, output), "scoring a batch");
            if (length != results.Length) throw new BatchMlException($"LightGBM gave {length} values for {rows} rows, expected {results.Length}.", FailureKind.Bug);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref handle, 0) is var live and not 0) NativeMethods.LGBM_BoosterFree(live);
    }
}
