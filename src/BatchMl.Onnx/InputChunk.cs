using System.Buffers;
using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Scoring;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace BatchMl.Onnx;

/// <summary>
/// Rows of a batch as the model's input values, valid until disposed. Filled up with the last row to the number that a model has fixed, or to whole groups: the runtime's kernels add up a single row, or
/// what remains of a group, in another order, and a row's score must not depend on its neighbours. (A row that is there already can not fail where it did not fail itself.)
/// </summary>
sealed unsafe class InputChunk : IDisposable
{
    const int Group = 16;

    readonly List<OrtValue> values = [];
    readonly List<MemoryHandle> pins = [];
    readonly List<byte[]> rented = [];
    readonly RecordBatch batch;
    readonly int start;
    readonly int count;

    public InputChunk(OnnxSession session, int? rowsPerCall, RecordBatch batch, int start, int count)
    {
        (this.batch, this.start, this.count) = (batch, start, count);
        Rows = session.FixedRows > 0 ? session.FixedRows : rowsPerCall ?? (count + Group - 1) / Group * Group;
        try
        {
            var column = 0;
            foreach (var input in session.Inputs)
            {
                var width = input.Width > 0 ? input.Width : batch.ColumnCount - session.Inputs.Sum(i => i.Width);
                values.Add(input.Type switch
                {
                    ModelType.Float => Numbers<float>(input, column, width, TensorElementType.Float),
                    ModelType.Double => Numbers<double>(input, column, width, TensorElementType.Double),
                    ModelType.Int64 => Numbers<long>(input, column, width, TensorElementType.Int64),
                    _ => Texts(input, column, width),
                });
                column += width;
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>One per input of the model.</summary>
    public IReadOnlyList<OrtValue> Values => values;

    /// <summary>Rows of the call.</summary>
    public int Rows { get; }

    OrtValue Numbers<T>(TensorInput input, int first, int width, TensorElementType type) where T : unmanaged, IEquatable<T>
    {
        var bytes = (long)Rows * width * sizeof(T);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, Shape(input, width), width == 1 && count == Rows ? InPlace<T>(first) : Copied<T>(first, width), bytes);
    }

    nint InPlace<T>(int column) where T : unmanaged, IEquatable<T>
    {
        var array = Column<T>(column);
        var pin = array.ValueBuffer.Memory.Pin();
        pins.Add(pin);
        return (nint)pin.Pointer + (nint)(array.Offset + start) * sizeof(T);
    }

    nint Copied<T>(int first, int width) where T : unmanaged, IEquatable<T>
    {
        var length = Rows * width * sizeof(T);
        var scratch = ArrayPool<byte>.Shared.Rent(length);
        rented.Add(scratch);
        var matrix = MemoryMarshal.Cast<byte, T>(scratch.AsSpan(0, length));
        for (var c = 0; c < width; c++)
        {
            var values = Column<T>(first + c).Values.Slice(start, count);
            for (var i = 0; i < Rows; i++) matrix[i * width + c] = values[Math.Min(i, count - 1)];
        }
        var pin = scratch.AsMemory().Pin();
        pins.Add(pin);
        return (nint)pin.Pointer;
    }

    PrimitiveArray<T> Column<T>(int index) where T : unmanaged, IEquatable<T> => batch.Column(index) as PrimitiveArray<T>
        ?? throw new BatchMlException($"Model input {batch.Schema.GetFieldByIndex(index).Name} is {batch.Column(index).Data.DataType.Name}; the model takes {typeof(T).Name}.", FailureKind.Bug);

    OrtValue Texts(TensorInput input, int first, int width)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, Shape(input, width));
        for (var c = 0; c < width; c++)
        {
            var texts = (StringArray)batch.Column(first + c);
            for (var i = 0; i < Rows; i++) value.StringTensorSetElementAt(texts.GetBytes(start + Math.Min(i, count - 1)), i * width + c);
        }
        return value;
    }

    long[] Shape(TensorInput input, int width) => input.Rank == 1 ? [Rows] : [Rows, width];

    public void Dispose()
    {
        foreach (var value in values) value.Dispose();
        foreach (var pin in pins) pin.Dispose();
        foreach (var scratch in rented) ArrayPool<byte>.Shared.Return(scratch);
    }
}
