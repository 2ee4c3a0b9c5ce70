using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Data;

/// <summary>Builds a string column of a known number of rows from UTF-8 bytes.</summary>
sealed class TextBuilder(int rows)
{
    readonly byte[] offsets = new byte[4 * (rows + 1)];
    readonly byte[] validity = new byte[(rows + 7) / 8];
    byte[] bytes = new byte[Math.Max(16, rows * 8)];
    int row;
    int used;
    int nulls;

    internal void Append(ReadOnlySpan<byte> text)
    {
        if (text.Length > bytes.Length - used) Grow(text.Length);
        text.CopyTo(bytes.AsSpan(used));
        used += text.Length;
        Bitmap.Set(validity, row);
        End();
    }

    internal void AppendNull()
    {
        nulls++;
        End();
    }

    internal StringArray Build() => new(new ArrayData(StringType.Default, row, nulls, 0,
        [nulls == 0 ? ArrowBuffer.Empty : new ArrowBuffer(validity), new ArrowBuffer(offsets), new ArrowBuffer(bytes.AsMemory(0, used))], null));

    void End() => MemoryMarshal.Cast<byte, int>(offsets.AsSpan())[++row] = used;

    void Grow(int needed)
    {
        var size = (long)used + needed;
        if (size > System.Array.MaxLength)
            throw new DataException($"the texts of one column's batch exceed {System.Array.MaxLength} bytes at row {row}; use smaller batches");
        System.Array.Resize(ref bytes, (int)Math.Min(System.Array.MaxLength, Math.Max(size, 2L * bytes.Length)));
    }
}
