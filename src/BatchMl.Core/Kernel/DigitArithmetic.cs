namespace BatchMl.Kernel;

/// <summary>Unsigned numbers of 32-bit digits, least first.</summary>
static class DigitArithmetic
{
    /// <summary>The product, in as much of <paramref name="result"/> as it needs.</summary>
    public static Span<uint> Multiply(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, Span<uint> result)
    {
        result = result[..(a.Length + b.Length)];
        result.Clear();
        for (var i = 0; i < a.Length; i++)
        {
            ulong carry = 0;
            for (var j = 0; j < b.Length; j++)
            {
                var product = (ulong)a[i] * b[j] + result[i + j] + carry;
                result[i + j] = (uint)product;
                carry = product >> 32;
            }
            result[i + b.Length] = (uint)carry;
        }
        while (result.Length > 0 && result[^1] == 0) result = result[..^1];
        return result;
    }

    /// <summary>Adds <paramref name="value"/> times 2^<paramref name="bits"/>; the sum must fit.</summary>
    public static void Add(Span<uint> sum, ReadOnlySpan<uint> value, int bits)
    {
        ulong carry = 0;
        for (var (i, at) = (0, bits >> 5); i <= value.Length || carry != 0; i++, at++)
        {
            var digit = Shifted(value, i, bits & 31);
            if (digit == 0 && carry == 0) continue;
            carry += (ulong)sum[at] + digit;
            sum[at] = (uint)carry;
            carry >>= 32;
        }
    }

    /// <summary>Takes away <paramref name="value"/> times 2^<paramref name="bits"/>, which is not more than there is.</summary>
    public static void Subtract(Span<uint> difference, ReadOnlySpan<uint> value, int bits)
    {
        long borrow = 0;
        for (var (i, at) = (0, bits >> 5); i <= value.Length || borrow != 0; i++, at++)
        {
            var digit = Shifted(value, i, bits & 31);
            if (digit == 0 && borrow == 0) continue;
            borrow += difference[at] - (long)digit;
            difference[at] = (uint)borrow;
            borrow >>= 32;
        }
    }

    // Digit i of the value moved up by less than a digit.
    static uint Shifted(ReadOnlySpan<uint> value, int i, int shift)
    {
        var own = i < value.Length ? value[i] << shift : 0;
        return shift == 0 || i == 0 || i > value.Length ? own : own | value[i - 1] >> (32 - shift);
    }
}
