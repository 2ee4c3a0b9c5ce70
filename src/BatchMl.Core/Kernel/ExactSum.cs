using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>
/// An exact sum of doubles (or of their squares) that can also take values away again: the same multiset gives the same bits, whatever the order of additions and removals. NaN
/// and infinities are counted apart. A superaccumulator (Kulisch, 2011; Neal, "Fast exact summation using small and large superaccumulators", 2015): one long fixed-point number in 32-bit
/// digits that covers every double and every square of one; only the digits in use are touched. Not thread-safe.
/// </summary>
public sealed class ExactSum
{
    // Bit 0 of digit 0 is worth 2^-2148, the least square's last bit; the greatest square is below 2^2048, and 64 bits above hold carries.
    const int LeastExponent = -2148;
    const int Digits = (2048 - LeastExponent + 64) / 32 + 2;
    // Digits hold 32 bits plus pending carries; after this many additions of 34 bits at most they could overflow 63 bits.
    const int MaxPending = 1 << 28;

    readonly long[] digits = new long[Digits];
    int low = Digits, high = -1, pending;
    long nans, positiveInfinities, negativeInfinities;

    /// <summary>Adds a value.</summary>
    public void Add(double value) => Accumulate(value, 1);

    /// <summary>Takes away a value that was added before.</summary>
    public void Remove(double value) => Accumulate(value, -1);

    /// <summary>Adds an integer, exactly.</summary>
    public void Add(long value) => Accumulate(value, 1);

    /// <summary>Takes away an integer that was added before.</summary>
    public void Remove(long value) => Accumulate(value, -1);

    /// <summary>Adds the square of an integer, exactly.</summary>
    public void AddSquare(long value) => AccumulateSquare(value, 1);

    /// <summary>Takes away the square of an integer that was added before.</summary>
    public void RemoveSquare(long value) => AccumulateSquare(value, -1);

    /// <summary>Adds the square of a value.</summary>
    public void AddSquare(double value) => AccumulateSquare(value, 1);

    /// <summary>Takes away the square of a value that was added before.</summary>
    public void RemoveSquare(double value) => AccumulateSquare(value, -1);

    /// <summary>Back to zero.</summary>
    public void Clear()
    {
        if (high >= low) digits.AsSpan(low, high - low + 1).Clear();
        (low, high, pending, nans, positiveInfinities, negativeInfinities) = (Digits, -1, 0, 0, 0, 0);
    }

    /// <summary>The sum, rounded once to the nearest double, ties to even; as IEEE has it where NaN or infinities are in it.</summary>
    public double Value
    {
        get
        {
            if (Special is { } special) return special;
            Normalize();
            Span<uint> magnitude = stackalloc uint[Digits];
            var (negative, length) = Magnitude(magnitude);
            var value = Round(magnitude[..length], LeastExponent + 32 * low);
            return negative ? -value : value;
        }
    }

    double? Special =>
        nans > 0 || (positiveInfinities > 0 && negativeInfinities > 0) ? double.NaN
        : positiveInfinities > 0 ? double.PositiveInfinity
        : negativeInfinities > 0 ? double.NegativeInfinity
        : null;

    void Accumulate(double value, int sign)
    {
        if (!double.IsFinite(value))
        {
            CountSpecial(value, sign);
            return;
        }
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = (ulong)bits & 0xFFFFFFFFFFFFF;
        if (exponent > 0) mantissa |= 1UL << 52;
        else exponent = 1;
        if (mantissa != 0) Deposit(mantissa, exponent - 1075 - LeastExponent, bits < 0 ? -sign : sign);
    }

    void Accumulate(long value, int sign)
    {
        if (value != 0) Deposit(Magnitude(value), -LeastExponent, value < 0 ? -sign : sign);
    }

    void AccumulateSquare(long value, int sign)
    {
        if (value != 0) DepositSquare(Magnitude(value), -LeastExponent, sign);
    }

    static ulong Magnitude(long value) => value < 0 ? 0 - (ulong)value : (ulong)value;

    void AccumulateSquare(double value, int sign)
    {
        if (!double.IsFinite(value))
        {
            CountSpecial(value * value, sign);
            return;
        }
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = (ulong)bits & 0xFFFFFFFFFFFFF;
        if (exponent > 0) mantissa |= 1UL << 52;
        else exponent = 1;
        if (mantissa != 0) DepositSquare(mantissa, 2 * (exponent - 1075) - LeastExponent, sign);
    }

    void DepositSquare(ulong mantissa, int position, int sign)
    {
        var square = (UInt128)mantissa * mantissa;
        Deposit((ulong)square, position, sign);
        if (square >> 64 is var upper && upper != 0) Deposit((ulong)upper, position + 64, sign);
    }

    void CountSpecial(double value, int sign)
    {
        if (double.IsNaN(value)) nans += sign;
        else if (value > 0) positiveInfinities += sign;
        else negativeInfinities += sign;
    }

    void Deposit(ulong mantissa, int position, int sign)
    {
        var digit = position >> 5;
        var shifted = (UInt128)mantissa << (position & 31);
        var (d0, d1, d2) = ((long)(uint)shifted, (long)(uint)(shifted >> 32), (long)(uint)(shifted >> 64));
        if (sign < 0) (d0, d1, d2) = (-d0, -d1, -d2);
        digits[digit] += d0;
        digits[digit + 1] += d1;
        digits[digit + 2] += d2;
        if (digit < low) low = digit;
        if (digit + 2 > high) high = digit + 2;
        if (++pending == MaxPending) Normalize();
    }

    // Carries upwards, so that every digit but the highest is in [0, 2^32); the highest has the sign.
    void Normalize()
    {
        pending = 0;
        if (high < low) return;
        long carry = 0;
        for (var i = low; i < high; i++)
        {
            var digit = digits[i] + carry;
            digits[i] = digit & 0xFFFFFFFF;
            carry = digit >> 32;
        }
        digits[high] += carry;
        // The sign stays with the highest digit: only what it can not hold moves on, never a borrow.
        while (high < Digits - 1 && digits[high] is > uint.MaxValue or < -uint.MaxValue)
        {
            digits[high + 1] = digits[high] >> 32;
            digits[high++] &= 0xFFFFFFFF;
        }
    }

    // The absolute value from digit `low` on, after Normalize.
    (bool Negative, int Length) Magnitude(Span<uint> magnitude)
    {
        if (high < low) return (false, 0);
        var negative = digits[high] < 0;
        var length = high - low + 1;
        long carry = 0;
        for (var i = 0; i < length; i++)
        {
            var digit = (negative ? -digits[low + i] : digits[low + i]) + carry;
            magnitude[i] = (uint)digit;
            carry = digit >> 32;
        }
        if (carry != 0) magnitude[length++] = (uint)carry;
        while (length > 0 && magnitude[length - 1] == 0) length--;
        return (negative, length);
    }

    /// <summary>An unsigned number in 32-bit digits, least first, times 2^<paramref name="exponent"/>, rounded to nearest even.</summary>
    static double Round(ReadOnlySpan<uint> magnitude, int exponent)
    {
        if (magnitude.Length == 0) return 0;
        var top = magnitude.Length - 1;
        var bits = 32 * top + 32 - BitOperations.LeadingZeroCount(magnitude[top]);
        // 64 leading bits, the last of them sticky: enough to round correctly, also to a subnormal.
        var drop = bits - 64;
        ulong leading = 0;
        var sticky = false;
        if (drop <= 0)
        {
            for (var i = top; i >= 0; i--) leading = (leading << 32) | magnitude[i];
        }
        else
        {
            var digit = drop >> 5;
            var shift = drop & 31;
            UInt128 window = 0;
            for (var i = Math.Min(top, digit + 2); i >= digit; i--) window = (window << 32) | magnitude[i];
            leading = (ulong)(window >> shift);
            sticky = (magnitude[digit] & ((1u << shift) - 1)) != 0 || magnitude[..digit].ContainsAnyExcept(0u);
            exponent += drop;
        }
        return Assemble(leading, exponent, sticky);
    }

    static double Assemble(ulong leading, int exponent, bool sticky)
    {
        var lead = BitOperations.LeadingZeroCount(leading);
        leading <<= lead;
        exponent -= lead;
        // Value = leading * 2^exponent with the top bit set: its leading bit is worth 2^(exponent + 63).
        var unbiased = exponent + 63;
        if (unbiased > 1023) return double.PositiveInfinity;
        var kept = unbiased >= -1022 ? 53 : 53 - (-1022 - unbiased);
        if (kept < 0) return 0;
        var dropped = 64 - kept;
        var result = dropped == 64 ? 0 : leading >> dropped;
        var half = 1UL << (dropped - 1);
        var rest = leading & (half | (half - 1));
        if (rest > half || (rest == half && (sticky || (result & 1) == 1))) result++;
        // The carry into the exponent, subnormal to normal and normal to infinity is what the bits do by themselves.
        var biased = unbiased >= -1022 ? (ulong)(unbiased + 1022) << 52 : 0;
        return BitConverter.UInt64BitsToDouble(biased + result);
    }

    /// <summary>
    /// Sample variance (n-1) from the exact sums of values and of squares: <c>(n*Sxx - Sx^2) / (n (n-1))</c>, the numerator exact and rounded once.
    /// </summary>
    public static double Variance(ExactSum sum, ExactSum squares, long n)
    {
        if (sum.Special is not null || squares.Special is not null) return double.NaN;
        sum.Normalize();
        squares.Normalize();
        Span<uint> x = stackalloc uint[Digits];
        Span<uint> xx = stackalloc uint[Digits];
        var (_, xLength) = sum.Magnitude(x);
        var (_, xxLength) = squares.Magnitude(xx);
        Span<uint> scaled = stackalloc uint[Digits + 2];
        var scaledLength = Multiply(xx[..xxLength], [(uint)n, (uint)(n >> 32)], scaled);
        Span<uint> square = stackalloc uint[2 * Digits];
        var squareLength = Multiply(x[..xLength], x[..xLength], square);

        // Both as digits from a common exponent: n*Sxx starts at digit squares.low, Sx^2 at 2*sum.low, whose unit is 2^(2*LeastExponent).
        var scaledExponent = LeastExponent + 32 * squares.low;
        var squareExponent = 2 * (LeastExponent + 32 * sum.low);
        if (squareLength == 0) return Round(scaled[..scaledLength], scaledExponent) / ((double)n * (n - 1));
        var common = Math.Min(scaledExponent, squareExponent);
        Span<uint> numerator = stackalloc uint[3 * Digits + 8];
        numerator.Clear();
        Place(scaled[..scaledLength], scaledExponent - common, numerator);
        Subtract(square[..squareLength], squareExponent - common, numerator);
        var length = numerator.Length;
        while (length > 0 && numerator[length - 1] == 0) length--;
        return Round(numerator[..length], common) / ((double)n * (n - 1));
    }

    static int Multiply(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, Span<uint> result)
    {
        var length = a.Length + b.Length;
        result[..length].Clear();
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
        while (length > 0 && result[length - 1] == 0) length--;
        return length;
    }

    static void Place(ReadOnlySpan<uint> value, int bits, Span<uint> into)
    {
        var (digit, shift) = (bits >> 5, bits & 31);
        ulong carry = 0;
        for (var i = 0; i < value.Length; i++)
        {
            var shifted = ((ulong)value[i] << shift) | carry;
            into[digit + i] = (uint)shifted;
            carry = shifted >> 32;
        }
        if (carry != 0) into[digit + value.Length] = (uint)carry;
    }

    // The difference is never negative: n*Sxx >= Sx^2 (Cauchy-Schwarz).
    static void Subtract(ReadOnlySpan<uint> value, int bits, Span<uint> from)
    {
        var (digit, shift) = (bits >> 5, bits & 31);
        ulong carry = 0;
        long borrow = 0;
        for (var i = 0; digit + i < from.Length; i++)
        {
            var shifted = i < value.Length ? ((ulong)value[i] << shift) | carry : carry;
            carry = shifted >> 32;
            var difference = from[digit + i] - (long)(uint)shifted + borrow;
            from[digit + i] = (uint)difference;
            borrow = difference >> 32;
            if (i >= value.Length && carry == 0 && borrow == 0) break;
        }
    }
}
