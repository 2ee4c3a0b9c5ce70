using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>Exact numbers to the nearest double, ties to even; rounded once, to subnormals too.</summary>
static class Rounding
{
    /// <summary>A whole number times 2^<paramref name="exponent"/>.</summary>
    public static double Nearest(Int128 value, int exponent)
    {
        var magnitude = (UInt128)(value < 0 ? -value : value);
        var (high, low) = ((ulong)(magnitude >> 64), (ulong)magnitude);
        double result;
        if (high == 0)
        {
            if (low == 0) return 0;
            result = Assemble(low, exponent, sticky: false);
        }
        else
        {
            var drop = 64 - BitOperations.LeadingZeroCount(high);
            result = Assemble((ulong)(magnitude >> drop), exponent + drop, (low << (64 - drop)) != 0);
        }
        return value < 0 ? -result : result;
    }

    /// <summary>An unsigned number in 32-bit digits, least first, times 2^<paramref name="exponent"/>.</summary>
    public static double Nearest(ReadOnlySpan<uint> digits, int exponent)
    {
        while (digits.Length > 0 && digits[^1] == 0) digits = digits[..^1];
        if (digits.Length == 0) return 0;
        // 64 leading bits at least, and whether anything was left behind: enough to round correctly.
        var top = digits.Length - 1;
        var drop = 32 * top + 32 - BitOperations.LeadingZeroCount(digits[top]) - 64;
        if (drop <= 0) return Assemble(top > 0 ? (ulong)digits[1] << 32 | digits[0] : digits[0], exponent, sticky: false);
        var (digit, shift) = (drop >> 5, drop & 31);
        UInt128 window = 0;
        for (var i = Math.Min(top, digit + 2); i >= digit; i--) window = (window << 32) | digits[i];
        var sticky = (digits[digit] & ((1u << shift) - 1)) != 0 || digits[..digit].ContainsAnyExcept(0u);
        return Assemble((ulong)(window >> shift), exponent + drop, sticky);
    }

    // `leading` is not 0; `sticky` says whether there is anything below it.
    static double Assemble(ulong leading, int exponent, bool sticky)
    {
        var lead = BitOperations.LeadingZeroCount(leading);
        leading <<= lead;
        // Now the top bit is set and worth 2^unbiased.
        var unbiased = exponent - lead + 63;
        if (unbiased > 1023) return double.PositiveInfinity;
        var kept = unbiased >= -1022 ? 53 : 53 - (-1022 - unbiased);
        if (kept < 0) return 0;
        var dropped = 64 - kept;
        var result = dropped == 64 ? 0 : leading >> dropped;
        var half = 1UL << (dropped - 1);
        var rest = leading & (half | (half - 1));
        if (rest > half || (rest == half && (sticky || (result & 1) == 1))) result++;
        // A carry into the exponent, from subnormal to normal and from normal to infinity, is what the bits do by themselves.
        var biased = unbiased >= -1022 ? (ulong)(unbiased + 1022) << 52 : 0;
        return BitConverter.UInt64BitsToDouble(biased + result);
    }
}
