using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Gives typed, composite keys dense codes 0, 1, …: component by component, then pairs of codes, so that keys are tuples and never joined text. The rows of one side say what keys there are; keys of the other
/// side are only looked up (-1: none of the first has that key), on any number of threads. A null component gives -1.
/// </summary>
sealed class KeyEncoder
{
    readonly ComponentEncoder[] components;
    readonly CodeTable[] pairs;

    /// <param name="keys">Arrays of the components' types.</param>
    public KeyEncoder(IReadOnlyList<IArrowArray> keys)
    {
        components = [.. keys.Select(k => new ComponentEncoder(k is StringArray))];
        pairs = [.. keys.Skip(1).Select(_ => new CodeTable())];
    }

    /// <summary>Number of different keys.</summary>
    public int Count => pairs.Length > 0 ? pairs[^1].Count : components.Length > 0 ? components[0].Count : 1;

    /// <summary>Codes of rows, which say what keys there are.</summary>
    public int[] Add(IReadOnlyList<IArrowArray> keys, int rows)
    {
        var codes = new int[rows];
        Encode(keys, 0, codes, add: true);
        return codes;
    }

    /// <summary>Codes of other rows; -1 where no row that was added has the key.</summary>
    public int[] Find(IReadOnlyList<IArrowArray> keys, int rows, int threads)
    {
        var codes = new int[rows];
        RowRanges.ForEach(rows, threads, (from, to) => Encode(keys, from, codes.AsSpan(from..to), add: false));
        return codes;
    }

    void Encode(IReadOnlyList<IArrowArray> keys, int from, Span<int> codes, bool add)
    {
        if (keys.Count == 0) return;
        components[0].Encode(keys[0], from, codes, add);
        var next = keys.Count > 1 ? new int[codes.Length] : [];
        for (var c = 1; c < keys.Count; c++)
        {
            components[c].Encode(keys[c], from, next, add);
            var table = pairs[c - 1];
            for (var i = 0; i < codes.Length; i++)
                codes[i] = codes[i] < 0 || next[i] < 0 ? -1 : table.Code(((long)codes[i] << 32) | (uint)next[i], add);
        }
    }
}

/// <summary>Codes of one key component; -1 for null.</summary>
sealed class ComponentEncoder(bool isText)
{
    readonly CodeTable numbers = new();
    readonly TextTable texts = new();

    public int Count => isText ? texts.Count : numbers.Count;

    /// <summary>The text of a code, where the component is text.</summary>
    public ReadOnlySpan<byte> Text(int code) => texts.Text(code);

    /// <summary>Codes of the rows from <paramref name="from"/> on, as many as <paramref name="codes"/> holds.</summary>
    public void Encode(IArrowArray array, int from, Span<int> codes, bool add)
    {
        switch (array)
        {
            case StringArray a: texts.Codes(a.ValueOffsets[from..], a.Values, codes, add); break;
            case Int64Array a: numbers.Codes(a.Values[from..], codes, add); break;
            case TimestampArray a: numbers.Codes(a.Values[from..], codes, add); break;
            case Date32Array a:
                var days = a.Values[from..];
                for (var i = 0; i < codes.Length; i++) codes[i] = numbers.Code(days[i], add && a.IsValid(from + i));
                break;
            case BooleanArray a:
                for (var i = 0; i < codes.Length; i++) codes[i] = a.GetValue(from + i) is { } flag ? numbers.Code(flag ? 1 : 0, add) : -1;
                return;
            case DoubleArray a:
                var values = a.Values[from..];
                for (var i = 0; i < codes.Length; i++) codes[i] = numbers.Code(SortableBits.OfKey(values[i]), add && a.IsValid(from + i));
                break;
            default: throw NotCanonical(array);
        }
        if (array.NullCount == 0) return;
        for (var i = 0; i < codes.Length; i++)
            if (array.IsNull(from + i)) codes[i] = -1;
    }

    public static ArgumentException NotCanonical(IArrowArray array) =>
        new($"Got a column of Arrow type {array.Data.DataType.Name}; the kernel takes the canonical types only (Columns.Normalize).");
}
