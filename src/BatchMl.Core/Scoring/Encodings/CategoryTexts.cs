using System.Buffers.Text;
using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Reads a String, Int64 or Boolean column as UTF-8 categories without decoding or allocating.</summary>
readonly ref struct CategoryTexts
{
    readonly ReadOnlySpan<byte> validity;
    readonly ReadOnlySpan<int> offsets;
    readonly ReadOnlySpan<byte> bytes;
    readonly ReadOnlySpan<long> integers;
    readonly int offset;
    readonly Span<byte> scratch;

    /// <summary>Over a column; <paramref name="scratch"/> has room for 20 bytes.</summary>
    internal CategoryTexts(IArrowArray column, Span<byte> scratch)
    {
        this.scratch = scratch;
        if (column.NullCount > 0) validity = Bitmap.Validity(column.Data).Span;
        switch (column)
        {
            case StringArray text:
                offsets = text.ValueOffsets;
                bytes = text.ValueBuffer.Span;
                break;
            case Int64Array numbers:
                integers = numbers.Values;
                break;
            case BooleanArray booleans:
                bytes = booleans.ValueBuffer.Span;
                offset = booleans.Offset;
                break;
            default:
                throw new ArgumentException($"A {column.Data.DataType.Name} column has no categories.", nameof(column));
        }
    }

    internal static bool CanRead(ColumnType type) => type is ColumnType.String or ColumnType.Int64 or ColumnType.Boolean;

    internal bool IsNull(int row) => !validity.IsEmpty && !Bitmap.Get(validity, row);

    /// <summary>The category of a row that is not null; valid until the next call.</summary>
    internal ReadOnlySpan<byte> this[int row]
    {
        get
        {
            if (!offsets.IsEmpty) return bytes[offsets[row]..offsets[row + 1]];
            if (integers.IsEmpty) return Bitmap.Get(bytes, offset + row) ? "true"u8 : "false"u8;
            Utf8Formatter.TryFormat(integers[row], scratch, out var length);
            return scratch[..length];
        }
    }
}
