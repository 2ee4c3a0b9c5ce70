using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Gives typed, composite keys dense codes 0, 1, …: component by component, then pairs of codes, so that keys are tuples and never joined text. Events are encoded first; spine keys
/// are only looked up (-1: no event has that key). A null component gives -1.
/// </summary>
sealed class KeyEncoder
{
    readonly ComponentEncoder[] components;
    readonly CodeTable[] pairs;
    readonly IReadOnlyList<IArrowArray> events;

    public KeyEncoder(IReadOnlyList<IArrowArray> events)
    {
        this.events = events;
        components = [.. events.Select(k => new ComponentEncoder(k is StringArray))];
        pairs = [.. events.Skip(1).Select(_ => new CodeTable())];
        Count = events.Count == 0 ? 1 : 0;
    }

    /// <summary>Number of different keys of the events.</summary>
    public int Count { get; private set; }

    /// <summary>Codes of the events, which say what keys there are.</summary>
    public int[] EncodeEvents(int rows)
    {
        var codes = Encode(events, rows, add: true);
        Count = pairs.Length > 0 ? pairs[^1].Count : components.Length > 0 ? components[0].Count : 1;
        return codes;
    }

    /// <summary>Codes of other rows; -1 where no event has the key.</summary>
    /// <exception cref="ArgumentException">The keys are not those of the events in number or type.</exception>
    public int[] Find(IReadOnlyList<IArrowArray> keys, int rows)
    {
        string expected = Types(events), got = Types(keys);
        if (expected != got) throw new ArgumentException($"The spine's keys are ({got}), the events' ({expected}); both must be of the same types in the same order.", nameof(keys));
        return Encode(keys, rows, add: false);
    }

    static string Types(IReadOnlyList<IArrowArray> keys) => string.Join(", ", keys.Select(k => k.Data.DataType.Name));

    int[] Encode(IReadOnlyList<IArrowArray> keys, int rows, bool add)
    {
        var codes = new int[rows];
        if (keys.Count == 0) return codes;
        components[0].Encode(keys[0], codes, add);
        var next = keys.Count > 1 ? new int[rows] : [];
        for (var c = 1; c < keys.Count; c++)
        {
            components[c].Encode(keys[c], next, add);
            var table = pairs[c - 1];
            for (var i = 0; i < rows; i++)
                codes[i] = codes[i] < 0 || next[i] < 0 ? -1 : table.Code(((long)codes[i] << 32) | (uint)next[i], add);
        }
        return codes;
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

    public void Encode(IArrowArray array, Span<int> codes, bool add)
    {
        switch (array)
        {
            case StringArray a: Encode(a, codes, add); break;
            case Int64Array a: Encode(a.Values, codes, add); break;
            case TimestampArray a: Encode(a.Values, codes, add); break;
            case Date32Array a:
                var days = a.Values;
                for (var i = 0; i < codes.Length; i++) codes[i] = numbers.Code(days[i], add && a.IsValid(i));
                break;
            case BooleanArray a:
                for (var i = 0; i < codes.Length; i++) codes[i] = a.GetValue(i) is { } flag ? numbers.Code(flag ? 1 : 0, add) : -1;
                return;
            case DoubleArray a:
                var values = a.Values;
                for (var i = 0; i < codes.Length; i++) codes[i] = numbers.Code(SortableBits.OfKey(values[i]), add && a.IsValid(i));
                break;
            default: throw NotCanonical(array);
        }
        if (array.NullCount == 0) return;
        for (var i = 0; i < codes.Length; i++)
            if (array.IsNull(i)) codes[i] = -1;
    }

    void Encode(ReadOnlySpan<long> values, Span<int> codes, bool add)
    {
        for (var i = 0; i < codes.Length; i++) codes[i] = numbers.Code(values[i], add);
    }

    void Encode(StringArray array, Span<int> codes, bool add)
    {
        var offsets = array.ValueOffsets;
        var values = array.Values;
        for (var i = 0; i < codes.Length; i++) codes[i] = texts.Code(values[offsets[i]..offsets[i + 1]], add);
    }

    public static ArgumentException NotCanonical(IArrowArray array) =>
        new($"Got a column of Arrow type {array.Data.DataType.Name}; the kernel takes the canonical types only (Columns.Normalize).");
}
