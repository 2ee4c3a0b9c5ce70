using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Data;

/// <summary>Gathers rows of Arrow data of any type, nested ones by recursion into their children.</summary>
static class Gathering
{
    internal static ArrayData Take(ArrayData data, ReadOnlySpan<int> rows) => data.DataType switch
    {
        NullType => new ArrayData(data.DataType, rows.Length, rows.Length, 0, System.Array.Empty<ArrowBuffer>(), null),
        BooleanType => With(data, rows, [Bits(data, rows)]),
        StringType or BinaryType => Text(data, rows),
        LargeStringType or LargeBinaryType => LargeText(data, rows),
        StringViewType or BinaryViewType => With(data, rows, [Fixed(data, rows, 16), .. data.Buffers.Skip(2)]),
        DictionaryType dictionary => With(data, rows, [Fixed(data, rows, ((FixedWidthType)dictionary.IndexType).BitWidth / 8)]),
        FixedWidthType type => With(data, rows, [Fixed(data, rows, type.BitWidth / 8)]),
        StructType => With(data, rows, [], Fields(data, rows)),
        FixedSizeListType list => With(data, rows, [], [Take(data.Children[0], FixedItems(data.Offset, list.ListSize, rows))]),
        ListType or MapType => Lists(data, rows),
        ExtensionType extension => As(Take(As(data, extension.StorageType), rows), extension),
        var type => throw new DataException($"Rows of a column of Arrow type {type.Name} can not be gathered; leave the column out or convert it in the source."),
    };

    static ArrayData[] Fields(ArrayData data, ReadOnlySpan<int> rows)
    {
        var fields = new ArrayData[data.Children.Length];
        for (var i = 0; i < fields.Length; i++)
            fields[i] = Take(data.Offset == 0 ? data.Children[i] : data.Children[i].Slice(data.Offset, data.Length), rows);
        return fields;
    }

    static ArrayData As(ArrayData data, IArrowType type) =>
        new(type, data.Length, data.NullCount, data.Offset, data.Buffers, data.Children, data.Dictionary);

    static ArrayData With(ArrayData data, ReadOnlySpan<int> rows, ReadOnlySpan<ArrowBuffer> buffers, ArrayData[]? children = null)
    {
        var (validity, nulls) = Validity(data, rows);
        return new ArrayData(data.DataType, rows.Length, nulls, 0, [validity, .. buffers], children, data.Dictionary);
    }

    static (ArrowBuffer Bits, int Nulls) Validity(ArrayData data, ReadOnlySpan<int> rows)
    {
        var source = data.NullCount == 0 ? [] : data.Buffers[0].Span;
        var bits = new byte[(rows.Length + 7) / 8];
        var nulls = 0;
        for (var i = 0; i < rows.Length; i++)
            if (rows[i] >= 0 && (source.IsEmpty || Bitmap.Get(source, data.Offset + rows[i]))) Bitmap.Set(bits, i);
            else nulls++;
        return (nulls == 0 ? ArrowBuffer.Empty : new ArrowBuffer(bits), nulls);
    }

    static ArrowBuffer Bits(ArrayData data, ReadOnlySpan<int> rows)
    {
        var source = data.Buffers[1].Span;
        var bits = new byte[(rows.Length + 7) / 8];
        for (var i = 0; i < rows.Length; i++)
            if (rows[i] >= 0 && Bitmap.Get(source, data.Offset + rows[i])) Bitmap.Set(bits, i);
        return new ArrowBuffer(bits);
    }

    static ArrowBuffer Fixed(ArrayData data, ReadOnlySpan<int> rows, int width)
    {
        var result = new byte[rows.Length * (long)width];
        var source = data.Buffers[1].Span[(data.Offset * width)..];
        switch (width)
        {
            case 8: Fixed<long>(source, rows, result); break;
            case 4: Fixed<int>(source, rows, result); break;
            default:
                for (var i = 0; i < rows.Length; i++)
                    if (rows[i] >= 0) source.Slice(rows[i] * width, width).CopyTo(result.AsSpan(i * width));
                break;
        }
        return new ArrowBuffer(result);
    }

    static void Fixed<T>(ReadOnlySpan<byte> source, ReadOnlySpan<int> rows, Span<byte> result) where T : unmanaged
    {
        var from = MemoryMarshal.Cast<byte, T>(source);
        var to = MemoryMarshal.Cast<byte, T>(result);
        for (var i = 0; i < rows.Length; i++)
            if (rows[i] >= 0) to[i] = from[rows[i]];
    }

    static ArrayData Text(ArrayData data, ReadOnlySpan<int> rows)
    {
        var (validity, nulls) = Validity(data, rows);
        var from = Offsets<int>(data);
        var offsetBytes = new byte[4 * (rows.Length + 1)];
        var offsets = MemoryMarshal.Cast<byte, int>(offsetBytes.AsSpan());
        var total = 0L;
        for (var i = 0; i < rows.Length; i++)
        {
            if (IsValid(validity, i)) total += from[rows[i] + 1] - from[rows[i]];
            if (total > System.Array.MaxLength)
                throw new DataException($"the texts of {rows.Length} gathered rows exceed {System.Array.MaxLength} bytes at row {i}; use smaller batches");
            offsets[i + 1] = (int)total;
        }
        var bytes = new byte[total];
        var source = data.Buffers[2].Span;
        for (var i = 0; i < rows.Length; i++)
            if (offsets[i + 1] > offsets[i]) source.Slice(from[rows[i]], offsets[i + 1] - offsets[i]).CopyTo(bytes.AsSpan(offsets[i]));
        return new ArrayData(data.DataType, rows.Length, nulls, 0, [validity, new ArrowBuffer(offsetBytes), new ArrowBuffer(bytes)], null);
    }

    static ArrayData LargeText(ArrayData data, ReadOnlySpan<int> rows)
    {
        var (validity, nulls) = Validity(data, rows);
        var from = Offsets<long>(data);
        var offsetBytes = new byte[8 * (rows.Length + 1)];
        var offsets = MemoryMarshal.Cast<byte, long>(offsetBytes.AsSpan());
        for (var i = 0; i < rows.Length; i++)
            offsets[i + 1] = offsets[i] + (IsValid(validity, i) ? from[rows[i] + 1] - from[rows[i]] : 0);
        var bytes = new byte[offsets[rows.Length]];
        var source = data.Buffers[2].Span;
        for (var i = 0; i < rows.Length; i++)
            if (offsets[i + 1] > offsets[i])
                source.Slice((int)from[rows[i]], (int)(offsets[i + 1] - offsets[i])).CopyTo(bytes.AsSpan((int)offsets[i]));
        return new ArrayData(data.DataType, rows.Length, nulls, 0, [validity, new ArrowBuffer(offsetBytes), new ArrowBuffer(bytes)], null);
    }

    static ArrayData Lists(ArrayData data, ReadOnlySpan<int> rows)
    {
        var (validity, nulls) = Validity(data, rows);
        var from = Offsets<int>(data);
        var offsetBytes = new byte[4 * (rows.Length + 1)];
        var offsets = MemoryMarshal.Cast<byte, int>(offsetBytes.AsSpan());
        var items = new List<int>();
        for (var i = 0; i < rows.Length; i++)
        {
            if (IsValid(validity, i))
                for (var item = from[rows[i]]; item < from[rows[i] + 1]; item++) items.Add(item);
            offsets[i + 1] = items.Count;
        }
        return new ArrayData(data.DataType, rows.Length, nulls, 0, [validity, new ArrowBuffer(offsetBytes)],
            [Take(data.Children[0], CollectionsMarshal.AsSpan(items))]);
    }

    static int[] FixedItems(int offset, int size, ReadOnlySpan<int> rows)
    {
        var items = new int[rows.Length * size];
        for (var i = 0; i < items.Length; i++) items[i] = rows[i / size] < 0 ? -1 : (offset + rows[i / size]) * size + i % size;
        return items;
    }

    static ReadOnlySpan<T> Offsets<T>(ArrayData data) where T : unmanaged =>
        data.Length == 0 ? [] : MemoryMarshal.Cast<byte, T>(data.Buffers[1].Span).Slice(data.Offset, data.Length + 1);

    static bool IsValid(ArrowBuffer validity, int row) => validity.IsEmpty || Bitmap.Get(validity.Span, row);
}
