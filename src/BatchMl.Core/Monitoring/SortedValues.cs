using System.Numerics;
using BatchMl.Kernel;

namespace BatchMl.Monitoring;

/// <summary>Sorting of blocks of values, which is most of what a profile costs.</summary>
static class SortedValues
{
    const int DigitBits = 11;
    // Three passes decide by 33 bits; what they leave undecided is little as a rule, and if it is not, comparing takes over.
    const int Passes = 3;
    const int MovesPerValue = 8;
    // Below this, comparing is faster than counting digits.
    const int DigitsFrom = 256;

    [ThreadStatic] static ulong[]? scratch;

    /// <summary>Sorts values, none of which is NaN or -0.0, ascending.</summary>
    public static void Sort(Span<double> values)
    {
        if (IsSorted(values)) return;
        if (values.Length < DigitsFrom) values.Sort();
        else ByDigits(values);
    }

    /// <summary>Both, ascending; each is. One of them, if the other is empty.</summary>
    public static double[] Merge(double[] a, double[] b)
    {
        if (a.Length == 0) return b;
        if (b.Length == 0) return a;
        var merged = new double[a.Length + b.Length];
        int i = 0, j = 0, next = 0;
        while (i < a.Length && j < b.Length)
        {
            // No branch: which of them is less can't be foreseen.
            var (x, y) = (a[i], b[j]);
            var takesA = x <= y;
            merged[next++] = takesA ? x : y;
            i += takesA ? 1 : 0;
            j += takesA ? 0 : 1;
        }
        a.AsSpan(i).CopyTo(merged.AsSpan(next));
        b.AsSpan(j).CopyTo(merged.AsSpan(next + a.Length - i));
        return merged;
    }

    public static bool IsSorted(ReadOnlySpan<double> values)
    {
        for (var i = 1; i < values.Length; i++)
            if (values[i] < values[i - 1]) return false;
        return true;
    }

    static void ByDigits(Span<double> values)
    {
        if (scratch is null || scratch.Length < 2 * values.Length) scratch = new ulong[2 * values.Length];
        Span<ulong> from = scratch.AsSpan(0, values.Length), to = scratch.AsSpan(values.Length, values.Length);
        long min = long.MaxValue, max = long.MinValue;
        foreach (var value in values)
        {
            var code = SortableBits.Of(value);
            min = Math.Min(min, code);
            max = Math.Max(max, code);
        }
        // The difference as unsigned is right even where it overflows as signed.
        for (var i = 0; i < values.Length; i++) from[i] = (ulong)(SortableBits.Of(values[i]) - min);
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)(max - min));
        Span<int> counts = stackalloc int[1 << DigitBits];
        for (var shift = Math.Max(0, bits - Passes * DigitBits); shift < bits; shift += DigitBits)
        {
            Pass(from, to, counts, shift);
            var swap = from;
            from = to;
            to = swap;
        }
        for (var i = 0; i < values.Length; i++) values[i] = SortableBits.Back((long)from[i] + min);
        if (!Finish(values)) values.Sort();
    }

    static void Pass(ReadOnlySpan<ulong> from, Span<ulong> to, Span<int> counts, int shift)
    {
        const int mask = (1 << DigitBits) - 1;
        counts.Clear();
        foreach (var code in from) counts[(int)(code >> shift) & mask]++;
        var next = 0;
        for (var d = 0; d < counts.Length; d++) (counts[d], next) = (next, next + counts[d]);
        foreach (var code in from) to[counts[(int)(code >> shift) & mask]++] = code;
    }

    // Insertion; false if there is too much to be moved.
    static bool Finish(Span<double> values)
    {
        var moves = MovesPerValue * values.Length;
        for (var i = 1; i < values.Length; i++)
        {
            var value = values[i];
            var at = i;
            for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
            values[at] = value;
            if ((moves -= i - at) < 0) return false;
        }
        return true;
    }
}
