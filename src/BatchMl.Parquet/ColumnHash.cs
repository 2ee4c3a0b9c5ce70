using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Parquet;

/// <summary>
/// Hash of one column's values, batch after batch: a byte a row that says whether it is null, the length of each text or list, and the values (little endian; nothing for a null text or list, 0 for other
/// nulls). Nested columns hash their children alike.
/// </summary>
sealed class ColumnHash
{
    readonly XxHash128 validity = new(), lengths = new(), values = new();
    ColumnHash[]? children;
    byte[] scratch = [];

    /// <summary>What a type is widened to before it is hashed; null where widening could lose something, and the values are hashed as they are.</summary>
    public static ColumnType? Canonical(IArrowType type) => type switch
    {
        UInt64Type or Date64Type or TimestampType { Unit: not TimeUnit.Microsecond } => null,
        DictionaryType d => Canonical(d.ValueType),
        _ => Columns.TypeOf(type),
    };

    public void Add(IArrowArray array)
    {
        if (array is DictionaryArray dictionary) array = Decoded(dictionary);
        if (Canonical(array.Data.DataType) is not null) array = Columns.Normalize(array);
        AddValidity(array);
        switch (array)
        {
            case NullArray: break;
            case BooleanArray a: AddBooleans(a); break;
            case StringArray a: AddTexts(a, a.ValueOffsets, a.Values); break;
            case BinaryArray a: AddTexts(a, a.ValueOffsets, a.Values); break;
            case DoubleArray a: AddDoubles(a); break;
            case StructArray a: AddStruct(a); break;
            case FixedSizeListArray a: AddFixedLists(a); break;
            case ListArray a: AddLists(a); break;
            default: AddFixed(array); break;
        }
    }

    public void Finish(IncrementalHash hash)
    {
        hash.AppendData(validity.GetHashAndReset());
        hash.AppendData(lengths.GetHashAndReset());
        hash.AppendData(values.GetHashAndReset());
        foreach (var child in children ?? []) child.Finish(hash);
    }

    static IArrowArray Decoded(DictionaryArray array)
    {
        var indices = (Int64Array)Columns.Normalize(array.Indices);
        var rows = new int[array.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = indices.IsNull(i) ? -1 : (int)indices.Values[i];
        return Columns.Take(array.Dictionary, rows);
    }

    void AddValidity(IArrowArray array)
    {
        var bytes = Scratch(array.Length);
        if (array.NullCount == 0) bytes.Fill(1);
        else for (var i = 0; i < bytes.Length; i++) bytes[i] = array.IsNull(i) ? (byte)0 : (byte)1;
        validity.Append(bytes);
    }

    void AddBooleans(BooleanArray array)
    {
        var bytes = Scratch(array.Length);
        for (var i = 0; i < bytes.Length; i++) bytes[i] = array.GetValue(i) == true ? (byte)1 : (byte)0;
        values.Append(bytes);
    }

    void AddTexts(IArrowArray array, ReadOnlySpan<int> offsets, ReadOnlySpan<byte> bytes)
    {
        if (array.Length == 0) return;
        var sizes = MemoryMarshal.Cast<byte, int>(Scratch(array.Length * sizeof(int)));
        var garbage = false;
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = offsets[i + 1] - offsets[i];
            if (sizes[i] == 0 || array.NullCount == 0 || array.IsValid(i)) continue;
            sizes[i] = 0;
            garbage = true;
        }
        lengths.Append(MemoryMarshal.AsBytes(sizes));
        if (!garbage) values.Append(bytes[offsets[0]..offsets[array.Length]]);
        else for (var i = 0; i < sizes.Length; i++) values.Append(bytes.Slice(offsets[i], sizes[i]));
    }

    void AddDoubles(DoubleArray array)
    {
        var doubles = MemoryMarshal.Cast<byte, double>(Scratch(array.Length * sizeof(double)));
        array.Values.CopyTo(doubles);
        for (var i = 0; i < doubles.Length; i++)
        {
            // The assignment makes every NaN the same NaN.
            if (double.IsNaN(doubles[i])) doubles[i] = double.NaN;
        }
        AppendWithoutNulls(array, MemoryMarshal.AsBytes(doubles), sizeof(double));
    }

    void AddFixed(IArrowArray array)
    {
        if (array.Data.DataType is not FixedWidthType { BitWidth: >= 8 } type)
            throw new DataException($"A column of type {LineageTypes.Text(array.Data.DataType)} can not be written as Parquet here. Convert it, or leave it out.");
        var width = type.BitWidth / 8;
        var bytes = Scratch(array.Length * width);
        array.Data.Buffers[1].Span.Slice(array.Data.Offset * width, bytes.Length).CopyTo(bytes);
        AppendWithoutNulls(array, bytes, width);
    }

    void AppendWithoutNulls(IArrowArray array, Span<byte> bytes, int width)
    {
        for (var i = 0; array.NullCount > 0 && i < array.Length; i++)
        {
            if (array.IsNull(i)) bytes.Slice(i * width, width).Clear();
        }
        values.Append(bytes);
    }

    void AddStruct(StructArray array)
    {
        children ??= [.. array.Fields.Select(_ => new ColumnHash())];
        // What a null struct's fields hold is garbage.
        var rows = new int[array.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = array.IsNull(i) ? -1 : i;
        for (var f = 0; f < children.Length; f++) children[f].Add(array.NullCount == 0 ? array.Fields[f] : Columns.Take(array.Fields[f], rows));
    }

    void AddFixedLists(FixedSizeListArray array)
    {
        children ??= [new ColumnHash()];
        var size = ((FixedSizeListType)array.Data.DataType).ListSize;
        var rows = new int[array.Length * size];
        for (var i = 0; i < rows.Length; i++) rows[i] = array.IsNull(i / size) ? -1 : array.Offset * size + i;
        children[0].Add(Columns.Take(ArrowArrayFactory.BuildArray(array.Data.Children[0]), rows));
    }

    // A map is a list of its entries.
    void AddLists(ListArray array)
    {
        children ??= [new ColumnHash()];
        var sizes = MemoryMarshal.Cast<byte, int>(Scratch(array.Length * sizeof(int)));
        var items = new List<int>();
        for (var i = 0; i < sizes.Length; i++)
        {
            var (from, to) = array.IsNull(i) ? (0, 0) : (array.ValueOffsets[i], array.ValueOffsets[i + 1]);
            sizes[i] = to - from;
            for (var item = from; item < to; item++) items.Add(item);
        }
        lengths.Append(MemoryMarshal.AsBytes(sizes));
        children[0].Add(Columns.Take(ArrowArrayFactory.BuildArray(array.Data.Children[0]), CollectionsMarshal.AsSpan(items)));
    }

    Span<byte> Scratch(int length)
    {
        if (scratch.Length < length) scratch = new byte[length];
        return scratch.AsSpan(0, length);
    }
}
