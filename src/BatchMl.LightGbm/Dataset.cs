using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Training;

namespace BatchMl.LightGbm;

/// <summary>Binned training rows in LightGBM's memory.</summary>
sealed unsafe class Dataset : IDisposable
{
    public nint Handle { get; private set; }

    public int Rows { get; }

    public Dataset(TrainingRows rows, string parameters, Dataset? reference)
    {
        NativeMethods.EnsureLoaded();
        Rows = rows.Inputs.Sum(b => b.Length);
        var schema = rows.Inputs[0].Schema;
        var columns = schema.FieldsList.Count;
        // Column-major, so that Arrow columns are copied whole. Native memory: beyond 2 GiB an array would end.
        var matrix = (float*)NativeMemory.Alloc((nuint)Rows * (nuint)columns, sizeof(float));
        try
        {
            for (var c = 0; c < columns; c++) Fill(rows.Inputs, c, new Span<float>(matrix + (nint)c * Rows, Rows));
            NativeMethods.Check(
                NativeMethods.LGBM_DatasetCreateFromMat(matrix, NativeMethods.Float32, Rows, columns, 0, parameters, reference?.Handle ?? 0, out var handle), "binning training rows");
            Handle = handle;
        }
        finally
        {
            NativeMemory.Free(matrix);
        }
        SetLabels(rows.Labels);
        SetNames([.. schema.FieldsList.Select(f => f.Name)]);
    }

    static void Fill(IReadOnlyList<RecordBatch> batches, int column, Span<float> into)
    {
        foreach (var batch in batches)
        {
            switch (batch.Column(column))
            {
                case FloatArray floats: floats.Values.CopyTo(into); break;
                case DoubleArray doubles: for (var i = 0; i < doubles.Length; i++) into[i] = (float)doubles.Values[i]; break;
                case Int64Array integers: for (var i = 0; i < integers.Length; i++) into[i] = integers.Values[i]; break;
                case var other: throw new DataException($"LightGBM trains on numbers, but input '{batch.Schema.FieldsList[column].Name}' is {other.Data.DataType.Name}. Encode it.");
            }
            into = into[batch.Length..];
        }
    }

    void SetLabels(IReadOnlyList<DoubleArray> labels)
    {
        var all = new float[Rows];
        var next = 0;
        foreach (var part in labels)
        {
            for (var i = 0; i < part.Length; i++) all[next++] = (float)part.Values[i];
        }
        fixed (float* pointer = all) NativeMethods.Check(NativeMethods.LGBM_DatasetSetField(Handle, "label", pointer, Rows, NativeMethods.Float32), "setting labels");
    }

    void SetNames(string[] names)
    {
        // LightGBM's text format has names in JSON-like lists separated by spaces; anything else becomes an underscore.
        var pointers = names.Select(n => Marshal.StringToCoTaskMemUTF8(string.Concat(n.Select(ch => char.IsAsciiLetterOrDigit(ch) ? ch : '_')))).ToArray();
        try
        {
            fixed (nint* pointer = pointers) NativeMethods.Check(NativeMethods.LGBM_DatasetSetFeatureNames(Handle, pointer, names.Length), "naming features");
        }
        finally
        {
            foreach (var pointer in pointers) Marshal.FreeCoTaskMem(pointer);
        }
    }

    public void Dispose()
    {
        if (Handle != 0) NativeMethods.LGBM_DatasetFree(Handle);
        Handle = 0;
    }
}
