using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>Sorts 64-bit keys ascending and carries an ordinal with each. Stable where it sorts by digits; nothing in the kernel depends on the order of equals. Not thread-safe: it keeps its scratch.</summary>
sealed class TimeSort
{
    // Below this, comparing is faster than counting digits.
    const int DigitsFrom = 512;
    const int DigitBits = 11;

    long[] keyScratch = [];
    int[] itemScratch = [];
    readonly int[] counts = new int[1 << DigitBits];

    /// <summary>Sorts both by <paramref name="keys"/>, unless they are sorted.</summary>
    public void Sort(Span<long> keys, Span<int> items)
    {
        if (IsSorted(keys)) return;
        if (keys.Length < DigitsFrom) keys.Sort(items);
        else ByDigits(keys, items);
    }

    public static bool IsSorted(ReadOnlySpan<long> keys)
    {
        for (var i = 1; i < keys.Length; i++)
            if (keys[i] < keys[i - 1]) return false;
        return true;
    }

    void ByDigits(Span<long> keys, Span<int> items)
    {
        if (keyScratch.Length < keys.Length) (keyScratch, itemScratch) = (new long[keys.Length], new int[keys.Length]);
        long min = keys[0], max = keys[0];
        foreach (var key in keys)
        {
            min = Math.Min(min, key);
            max = Math.Max(max, key);
        }
        // The difference as unsigned is right even where it overflows as signed.
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)(max - min));
        var keysFrom = keys;
        var itemsFrom = items;
        Span<long> keysTo = keyScratch.AsSpan(0, keys.Length);
        Span<int> itemsTo = itemScratch.AsSpan(0, keys.Length);
        for (var shift = 0; shift < bits; shift += DigitBits)
        {
            Pass(keysFrom, itemsFrom, keysTo, itemsTo, min, shift);
            var swap = keysFrom;
            keysFrom = keysTo;
            keysTo = swap;
            var swapItems = itemsFrom;
            itemsFrom = itemsTo;
            itemsTo = swapItems;
        }
        if (keysFrom == keys) return;
        keysFrom.CopyTo(keys);
        itemsFrom.CopyTo(items);
    }

    void Pass(ReadOnlySpan<long> keys, ReadOnlySpan<int> items, Span<long> keysTo, Span<int> itemsTo, long min, int shift)
    {
        const int mask = (1 << DigitBits) - 1;
        counts.AsSpan().Clear();
        foreach (var key in keys) counts[(int)((ulong)(key - min) >> shift) & mask]++;
        var next = 0;
        for (var d = 0; d < counts.Length; d++) (counts[d], next) = (next, next + counts[d]);
        for (var i = 0; i < keys.Length; i++)
        {
            var to = counts[(int)((ulong)(keys[i] - min) >> shift) & mask]++;
            keysTo[to] = keys[i];
            itemsTo[to] = items[i];
        }
    }
}
