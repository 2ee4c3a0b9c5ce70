using System.Buffers.Binary;
using Apache.Arrow;

namespace BatchMl.Data;

/// <summary>Validity bitmaps: least significant bit first, any bit offset; an empty buffer means that no row is null.</summary>
static class Bitmap
{
    /// <summary>The buffer of a column's validity with its rows starting at bit 0.</summary>
    internal static ArrowBuffer Validity(ArrayData data) =>
        data.NullCount == 0 || data.Buffers.Length == 0 || data.Buffers[0].IsEmpty ? ArrowBuffer.Empty
        : data.Offset == 0 ? data.Buffers[0]
        : new ArrowBuffer(Copy(data.Buffers[0].Span, data.Offset, data.Length));

    /// <summary>Bits <paramref name="offset"/> to <paramref name="offset"/> + <paramref name="length"/>, moved to bit 0.</summary>
    internal static byte[] Copy(ReadOnlySpan<byte> bits, int offset, int length)
    {
        var result = new byte[(length + 7) / 8];
        var shift = offset & 7;
        var source = bits[(offset >> 3)..];
        for (var i = 0; i < result.Length; i++)
        {
            var next = i + 1 < source.Length ? source[i + 1] << (8 - shift) : 0;
            result[i] = (byte)(shift == 0 ? source[i] : source[i] >> shift | next);
        }
        return result;
    }

    /// <summary>64 bits from bit <paramref name="offset"/> on; bits beyond the buffer are 0.</summary>
    internal static ulong Word(ReadOnlySpan<byte> bits, int offset)
    {
        var start = offset >> 3;
        var shift = offset & 7;
        if (start + 9 <= bits.Length)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bits[start..]) >> shift;
            return shift == 0 ? word : word | (ulong)bits[start + 8] << (64 - shift);
        }
        var tail = 0UL;
        for (var i = start; i < bits.Length; i++)
        {
            var at = (i - start) * 8 - shift;
            tail |= at < 0 ? (ulong)bits[i] >> -at : at < 64 ? (ulong)bits[i] << at : 0;
        }
        return tail;
    }

    internal static bool Get(ReadOnlySpan<byte> bits, int index) => (bits[index >> 3] >> (index & 7) & 1) != 0;

    internal static void Set(Span<byte> bits, int index) => bits[index >> 3] |= (byte)(1 << (index & 7));
}
