using System.Text;

namespace BatchMl.LightGbm;

/// <summary>A loaded or growing ensemble of trees. Prediction may be called from several threads.</summary>
sealed unsafe class Booster : IDisposable
{
    // Explaining computes the depth of each tree anew, inside the shared model, and sizes buffers by it.
    readonly Lock explaining = new();
    nint handle;

    Booster(nint handle) => this.handle = handle;

    public static Booster Create(Dataset train, string parameters) => ThreadCount.Change(() =>
    {
        NativeMethods.EnsureLoaded();
        NativeMethods.Check(NativeMethods.LGBM_BoosterCreate(train.Handle, parameters, out var handle), "starting to train");
        return new Booster(handle);
    });

    /// <summary>Loads a text that <see cref="ModelText"/> has checked.</summary>
    public static Booster Load(ReadOnlySpan<byte> text)
    {
        NativeMethods.EnsureLoaded();
        var terminated = new byte[text.Length + 1];
        text.CopyTo(terminated);
        fixed (byte* pointer = terminated)
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterLoadModelFromString(pointer, out _, out var handle), "loading a model");
            return new Booster(handle);
        }
    }

    public void AddValidation(Dataset validation) => NativeMethods.Check(NativeMethods.LGBM_BoosterAddValidData(handle, validation.Handle), "adding validation rows");

    /// <summary>Adds a tree; false: no split improves anything any more, and but for a first tree none was added.</summary>
    public bool Update()
    {
        ThreadCount.Computing();
        try
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterUpdateOneIter(handle, out var finished), "growing a tree");
            return finished == 0;
        }
        finally
        {
            ThreadCount.Computed();
        }
    }

    /// <summary>What the trees so far predict for the validation rows.</summary>
    public void PredictValidation(Span<double> results)
    {
        ThreadCount.Computing();
        try
        {
            fixed (double* output = results)
            {
                NativeMethods.Check(NativeMethods.LGBM_BoosterGetPredict(handle, 1, out var length, output), "scoring validation rows");
                Expect(length, results.Length, results.Length);
            }
        }
        finally
        {
            ThreadCount.Computed();
        }
    }

    public byte[] Save(int iterations)
    {
        NativeMethods.Check(NativeMethods.LGBM_BoosterSaveModelToString(handle, 0, iterations, 0, 0, out var length, null), "saving a model");
        var text = new byte[length];
        fixed (byte* pointer = text)
        {
            NativeMethods.Check(NativeMethods.LGBM_BoosterSaveModelToString(handle, 0, iterations, 0, length, out _, pointer), "saving a model");
        }
        return text[..^1];
    }

    /// <summary>Predicts a column-major matrix; one thread, since the pipeline has one call per core.</summary>
    public void Predict(ReadOnlySpan<double> columns, int rows, int features, int predictType, Span<double> results)
    {
        NativeMethods.EnsureLoaded();
        if (predictType != NativeMethods.PredictContributions) Call(columns, rows, features, predictType, results);
        else lock (explaining) Call(columns, rows, features, predictType, results);
    }

    void Call(ReadOnlySpan<double> columns, int rows, int features, int predictType, Span<double> results)
    {
        ThreadCount.Computing();
        try
        {
            fixed (double* data = columns)
            fixed (double* output = results)
            {
                NativeMethods.Check(
                    NativeMethods.LGBM_BoosterPredictForMat(handle, data, NativeMethods.Float64, rows, features, 0, predictType, 0, -1, "num_threads=1", out var length, output), "scoring a batch");
                Expect(length, results.Length, rows);
            }
        }
        finally
        {
            ThreadCount.Computed();
        }
    }

    static void Expect(long got, int expected, int rows)
    {
        if (got != expected) throw new BatchMlException($"LightGBM gave {got} values for {rows} rows, expected {expected}.", FailureKind.Bug);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref handle, 0) is var live and not 0) NativeMethods.LGBM_BoosterFree(live);
    }
}
