using System.IO.Hashing;
using System.Runtime.InteropServices;
using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Gives typed, composite keys dense codes 0, 1, …: component by component, then pairs of codes, so that keys are tuples and never joined text. Events are
/// encoded first; spine keys are only looked up (-1: no event has that key). A null component gives -1.
/// </summary>
sealed class KeyEncoder
{
    readonly ComponentEncoder[] components;
    readonly CodeTable[] pairs;

    public KeyEncoder(IReadOnlyList<IArrowArray> keys)
    {
        components = [.. keys.Select(k => ComponentEncoder.For(k))];
        pairs = [.. Enumerable.Range(0, Math.Max(0, keys.Count - 1)).Select(_ => new CodeTable())];
        Count = keys.Count == 0 ? 1 : 0;
    }

    /// <summary>Number of distinct keys.</summary>
    public int Count { get; private set; }

    public int[] Encode(IReadOnlyList<IArrowArray> keys, int rows, bool add)
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
            {
                codes[i] = codes[i] < 0 || next[i] < 0 ? -1 : table.Code(((long)codes[i] << 32) | (uint)next[i], add);
            }
        }
        if (add) Count = keys.Count > 1 ? pairs[^1].Count : components[0].Count;
        return codes;
    }
}

/// <summary>Codes of one key component, by type.</summary>
abstract class ComponentEncoder
{
    public abstract int Count { get; }

    public abstract void Encode(IArrowArray array, int[] codes, bool add);

    public static ComponentEncoder For(IArrowArray array) => array is StringArray ? new TextEncoder() : new NumberEncoder();

    sealed class NumberEncoder : ComponentEncoder
    {
        readonly CodeTable table = new();

        public override int Count => table.Count;

        public override void Encode(IArrowArray array, int[] codes, bool add)
        {
            switch (array)
            {
                case Int64Array a: Encode(a, a.Values, codes, add); break;
                case TimestampArray a: Encode(a, a.Values, codes, add); break;
                case Date32Array a:
                    var days = a.Values;
                    for (var i = 0; i < codes.Length; i++) codes[i] = a.IsNull(i) ? -1 : table.Code(days[i], add);
                    break;
                case BooleanArray a:
                    for (var i = 0; i < codes.Length; i++) codes[i] = a.GetValue(i) is { } flag ? table.Code(flag ? 1 : 0, add) : -1;
                    break;
                case DoubleArray a:
                    var numbers = a.Values;
                    for (var i = 0; i < codes.Length; i++) codes[i] = a.IsNull(i) ? -1 : table.Code(SortableBits.OfKey(numbers[i]), add);
                    break;
                default: throw new ArgumentException($"A key of type {array.Data.DataType.Name} is not canonical.", nameof(array));
            }
        }

        void Encode(IArrowArray array, ReadOnlySpan<long> values, int[] codes, bool add)
        {
            var hasNulls = array.NullCount > 0;
            for (var i = 0; i < codes.Length; i++) codes[i] = hasNulls && array.IsNull(i) ? -1 : table.Code(values[i], add);
        }
    }

    sealed class TextEncoder : ComponentEncoder
    {
        readonly TextTable table = new();

        public override int Count => table.Count;

        public override void Encode(IArrowArray array, int[] codes, bool add)
        {
            var texts = (StringArray)array;
            var hasNulls = texts.NullCount > 0;
            var offsets = texts.ValueOffsets;
            var values = texts.Values;
            for (var i = 0; i < codes.Length; i++)
            {
                codes[i] = hasNulls && texts.IsNull(i) ? -1 : table.Code(values[offsets[i]..offsets[i + 1]], add);
            }
        }
    }
}

/// <summary>Dense codes of 64-bit values: open addressing, no allocation per row.</summary>
sealed class CodeTable
{
    long[] keys = new long[1024];
    int[] codes = Filled(1024);

    public int Count { get; private set; }

    public int Code(long key, bool add)
    {
        var mask = keys.Length - 1;
        var slot = (int)((ulong)(key * unchecked((long)0x9E3779B97F4A7C15)) >> 32) & mask;
        while (codes[slot] >= 0)
        {
            if (keys[slot] == key) return codes[slot];
            slot = (slot + 1) & mask;
        }
        if (!add) return -1;
        keys[slot] = key;
        codes[slot] = Count;
        if (++Count * 2 > keys.Length) Grow();
        return Count - 1;
    }

    void Grow()
    {
        var (oldKeys, oldCodes) = (keys, codes);
        keys = new long[oldKeys.Length * 2];
        codes = Filled(keys.Length);
        var mask = keys.Length - 1;
        for (var i = 0; i < oldKeys.Length; i++)
        {
            if (oldCodes[i] < 0) continue;
            var slot = (int)((ulong)(oldKeys[i] * unchecked((long)0x9E3779B97F4A7C15)) >> 32) & mask;
            while (codes[slot] >= 0) slot = (slot + 1) & mask;
            (keys[slot], codes[slot]) = (oldKeys[i], oldCodes[i]);
        }
    }

    internal static int[] Filled(int length)
    {
        var array = new int[length];
        array.AsSpan().Fill(-1);
        return array;
    }
}

/// <summary>Dense codes of UTF-8 texts: open addressing over one growing arena of bytes.</summary>
sealed class TextTable
{
    ulong[] hashes = new ulong[1024];
    int[] codes = CodeTable.Filled(1024);
    readonly List<int> ends = [0];
    readonly List<byte> arena = [];

    public int Count => ends.Count - 1;

    public ReadOnlySpan<byte> Text(int code) => CollectionsMarshal.AsSpan(arena)[ends[code]..ends[code + 1]];

    public int Code(ReadOnlySpan<byte> text, bool add)
    {
        var hash = XxHash3.HashToUInt64(text);
        var mask = hashes.Length - 1;
        var slot = (int)(hash >> 32) & mask;
        while (codes[slot] >= 0)
        {
            if (hashes[slot] == hash && Text(codes[slot]).SequenceEqual(text)) return codes[slot];
            slot = (slot + 1) & mask;
        }
        if (!add) return -1;
        hashes[slot] = hash;
        codes[slot] = Count;
        arena.AddRange(text);
        ends.Add(arena.Count);
        if (Count * 2 > hashes.Length) Grow();
        return Count - 1;
    }

    void Grow()
    {
        var (oldHashes, oldCodes) = (hashes, codes);
        hashes = new ulong[oldHashes.Length * 2];
        codes = CodeTable.Filled(hashes.Length);
        var mask = hashes.Length - 1;
        for (var i = 0; i < oldHashes.Length; i++)
        {
            if (oldCodes[i] < 0) continue;
            var slot = (int)(oldHashes[i] >> 32) & mask;
            while (codes[slot] >= 0) slot = (slot + 1) & mask;
            (hashes[slot], codes[slot]) = (oldHashes[i], oldCodes[i]);
        }
    }
}

/// <summary>Doubles as integers of the same order.</summary>
static class SortableBits
{
    /// <summary>Order of values: NaN greatest, -0.0 just below 0.0 (they are equal as keys, but a minimum must be one of them).</summary>
    public static long Of(double value)
    {
        if (double.IsNaN(value)) return long.MaxValue;
        var bits = BitConverter.DoubleToInt64Bits(value);
        return bits < 0 ? long.MinValue - bits - 1 : bits;
    }

    /// <summary>Identity of values: NaN equals itself, -0.0 equals 0.0.</summary>
    public static long OfKey(double value) => double.IsNaN(value) ? long.MaxValue : BitConverter.DoubleToInt64Bits(value + 0.0);
}
