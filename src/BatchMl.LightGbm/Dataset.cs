using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.C;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using BatchMl.Training;

namespace BatchMl.LightGbm;

/// <summary>Binned training rows in LightGBM's memory, read from Arrow columns where they are.</summary>
sealed unsafe class Dataset : IDisposable
{
    public nint Handle { get; }

    /// <summary>Bins rows; validation rows by the bins of their <paramref name="reference"/>.</summary>
    public Dataset(TrainingRows rows, string parameters, Dataset? reference)
    {
        RecordBatch[] batches = [.. rows.Inputs.Where(b => b.Length > 0)];
        var schema = batches[0].Schema;
        foreach (var field in schema.FieldsList)
        {
            if (field.DataType.TypeId is not (ArrowTypeId.Float or ArrowTypeId.Double or ArrowTypeId.Int64))
                throw new DataException($"LightGBM trains on numbers, but input '{field.Name}' is {field.DataType.Name}. Encode it.");
        }
        Handle = ThreadCount.Change(() => Bin(batches, schema, parameters, reference));
        SetField("label", rows.Labels);
        if (rows.Weights is { } weights) SetField("weight", weights);
        SetNames(FeatureNames.Of(schema.FieldsList.Select(f => f.Name)));
    }

    static nint Bin(RecordBatch[] batches, Schema schema, string parameters, Dataset? reference)
    {
        NativeMethods.EnsureLoaded();
        var stream = CArrowArrayStream.Create();
        try
        {
            CArrowArrayStreamExporter.ExportArrayStream(new Batches(batches, schema), stream);
            NativeMethods.Check(NativeMethods.LGBM_DatasetCreateFromArrowStream(stream, parameters, reference?.Handle ?? 0, out var handle), "binning training rows");
            return handle;
        }
        finally
        {
            CArrowArrayStream.Free(stream);
        }
    }

    void SetField(string field, IReadOnlyList<DoubleArray> values)
    {
        float[] all = [.. values.SelectMany(part => part.Values.ToArray()).Select(value => (float)value)];
        fixed (float* pointer = all) NativeMethods.Check(NativeMethods.LGBM_DatasetSetField(Handle, field, pointer, all.Length, NativeMethods.Float32), $"setting {field}s");
    }

    void SetNames(string[] names)
    {
        nint[] pointers = [.. names.Select(Marshal.StringToCoTaskMemUTF8)];
        try
        {
            fixed (nint* pointer = pointers) NativeMethods.Check(NativeMethods.LGBM_DatasetSetFeatureNames(Handle, pointer, names.Length), "naming features");
        }
        finally
        {
            foreach (var pointer in pointers) Marshal.FreeCoTaskMem(pointer);
        }
    }

    public void Dispose() => NativeMethods.LGBM_DatasetFree(Handle);

    /// <summary>The batches, one after the other. They stay the caller's.</summary>
    sealed class Batches(RecordBatch[] batches, Schema schema) : IArrowArrayStream
    {
        int next;

        public Schema Schema => schema;

        public ValueTask<RecordBatch> ReadNextRecordBatchAsync(CancellationToken cancellationToken = default)
        {
            if (next == batches.Length) return new((RecordBatch)null!);
            var batch = batches[next++];
            return new(batch.Slice(0, batch.Length));
        }

        public void Dispose()
        {
        }
    }
}
