using System.Buffers;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Scoring;

/// <summary>Makes model inputs: arrays without nulls in native, aligned memory, which scorers can hand on without a copy.</summary>
static class ModelArrays
{
    internal delegate void Fill<T>(Span<T> values);

    internal static IArrowArray Floats(int rows, Fill<float> fill) => Make(FloatType.Default, rows, fill);
    internal static IArrowArray Doubles(int rows, Fill<double> fill) => Make(DoubleType.Default, rows, fill);
    internal static IArrowArray Integers(int rows, Fill<long> fill) => Make(Int64Type.Default, rows, fill);

    /// <summary>The Arrow type at a model's border.</summary>
    internal static IArrowType ArrowType(ModelType type) => type switch
    {
        ModelType.Float => FloatType.Default,
        ModelType.Double => DoubleType.Default,
        ModelType.Int64 => Int64Type.Default,
        ModelType.String => StringType.Default,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    // Filled in pooled memory and copied once: a managed array per column and batch would live on the large-object heap.
    static IArrowArray Make<T>(IArrowType type, int rows, Fill<T> fill) where T : unmanaged
    {
        var bytes = rows * Marshal.SizeOf<T>();
        var scratch = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            fill(MemoryMarshal.Cast<byte, T>(scratch.AsSpan(0, bytes)));
            var values = new ArrowBuffer(scratch.AsMemory(0, bytes)).Clone();
            return ArrowArrayFactory.BuildArray(new ArrayData(type, rows, 0, 0, [ArrowBuffer.Empty, values], null));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }
}
