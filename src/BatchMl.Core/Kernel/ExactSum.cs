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
    // Digits hold 32 bits plus pending carries: a deposit adds less than 2^32 to a digit, so that after this many there is room to spare in 63 bits.
    const int MaxPending = 1 << 28;

    readonly long[] digits = new long[Digits];
    int low = Digits, high = -1, pending;
    long nans, positiveInfinities, negativeInfinities;

    /// <summary>Adds a value.</summary>
    public void Add(double value) => Count(value, 1);

    /// <summary>Takes away a value that was added before.</summary>
    public void Remove(double value) => Count(value, -1);

    /// <summary>Adds an integer, exactly.</summary>
    public void Add(long value) => Count(value, 1);

    /// <summary>Takes away an integer that was added before.</summary>
    public void Remove(long value) => Count(value, -1);

    /// <summary>Adds the square of an integer, exactly.</summary>
    public void AddSquare(long value) => CountSquare(value, 1);

    /// <summary>Takes away the square of an integer that was added before.</summary>
    public void RemoveSquare(long value) => CountSquare(value, -1);

    /// <summary>Adds the square of a value.</summary>
    public void AddSquare(double value) => CountSquare(value, 1);

    /// <summary>Takes away the square of a value that was added before.</summary>
    public void RemoveSquare(double value) => CountSquare(value, -1);

    /// <summary>Adds values; the same as one by one, and several times as fast.</summary>
    public void Add(ReadOnlySpan<double> values)
    {
        var sums = ByExponent.Sums;
        for (var from = 0; from < values.Length; from += ByExponent.MaxValues)
        {
            var (least, greatest) = (ByExponent.Count, -1);
            foreach (var value in values[from..Math.Min(from + ByExponent.MaxValues, values.Length)])
            {
                var bits = BitConverter.DoubleToInt64Bits(value);
                var exponent = (int)(bits >> 52) & 0x7FF;
                if (exponent == 0x7FF)
                {
                    CountSpecial(value, 1);
                    continue;
                }
                var mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent > 0 ? 1L << 52 : 0);
                var sign = bits >> 63;
                sums[exponent] += (mantissa ^ sign) - sign;
                least = Math.Min(least, exponent);
                greatest = Math.Max(greatest, exponent);
            }
            for (var exponent = least; exponent <= greatest; exponent++)
            {
                if (sums[exponent] != 0) Deposit(Magnitude(sums[exponent]), Math.Max(exponent, 1) - 1075 - LeastExponent, Math.Sign(sums[exponent]));
                sums[exponent] = 0;
            }
        }
    }

    /// <summary>Adds the squares of values; the same as one by one, and several times as fast.</summary>
    public void AddSquares(ReadOnlySpan<double> values)
    {
        var sums = ByExponent.Squares;
        for (var from = 0; from < values.Length; from += ByExponent.MaxValues)
        {
            var (least, greatest) = (ByExponent.Count, -1);
            foreach (var value in values[from..Math.Min(from + ByExponent.MaxValues, values.Length)])
            {
                var bits = BitConverter.DoubleToInt64Bits(value);
                var exponent = (int)(bits >> 52) & 0x7FF;
                if (exponent == 0x7FF)
                {
                    CountSpecial(value * value, 1);
                    continue;
                }
                var mantissa = (ulong)(bits & 0xFFFFFFFFFFFFF) | (exponent > 0 ? 1UL << 52 : 0);
                var upper = Math.BigMul(mantissa, mantissa, out ulong lower);
                sums[exponent] += new UInt128(upper, lower);
                least = Math.Min(least, exponent);
                greatest = Math.Max(greatest, exponent);
            }
            for (var exponent = least; exponent <= greatest; exponent++)
            {
                var position = 2 * (Math.Max(exponent, 1) - 1075) - LeastExponent;
                Deposit((ulong)sums[exponent], position, 1);
                Deposit((ulong)(sums[exponent] >> 64), position + 64, 1);
                sums[exponent] = 0;
            }
        }
    }

    // Sums of mantissas by exponent (the "large superaccumulator" of Neal, 2015): one addition per value. Zero between uses; a thread has one set for all its sums.
    static class ByExponent
    {
        public const int Count = 2048;

        // Mantissas have 53 bits: so many of them fit 64, and their squares fit 128.
        public const int MaxValues = 1024;

        [ThreadStatic] static long[]? sums;
        [ThreadStatic] static UInt128[]? squares;

        public static long[] Sums => sums ??= new long[Count];
        public static UInt128[] Squares => squares ??= new UInt128[Count];
    }

    /// <summary>Back to zero.</summary>
    public void Clear()
    {
        if (high >= low) digits.AsSpan(low, high - low + 1).Clear();
        (low, high, pending, nans, positiveInfinities, negativeInfinities) = (Digits, -1, 0, 0, 0, 0);
    }

    /// <summary>The sum, rounded once to the nearest double, ties to even; as IEEE has it where NaN or infinities are in it. A sum that is exactly zero is 0.0, never -0.0.</summary>
    public double Value
    {
        get
        {
            if (Special is { } special) return special;
            Span<uint> magnitude = stackalloc uint[Digits + 1];
            var isNegative = Magnitude(ref magnitude);
            var value = Rounding.Nearest(magnitude, LeastExponent + 32 * low);
            return isNegative ? -value : value;
        }
    }

    double? Special =>
        nans > 0 || (positiveInfinities > 0 && negativeInfinities > 0) ? double.NaN
        : positiveInfinities > 0 ? double.PositiveInfinity
        : negativeInfinities > 0 ? double.NegativeInfinity
        : null;

    /// <summary>A finite double that is not zero: its magnitude is mantissa times 2^exponent.</summary>
    internal static (ulong Mantissa, int Exponent) Split(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var fraction = (ulong)bits & 0xFFFFFFFFFFFFF;
        return exponent > 0 ? (fraction | (1UL << 52), exponent - 1075) : (fraction, -1074);
    }

    /// <summary>Adds a value (<paramref name="sign"/> 1) or takes it away (-1).</summary>
    internal void Count(double value, int sign)
    {
        if (!double.IsFinite(value))
        {
            CountSpecial(value, sign);
            return;
        }
        var (mantissa, exponent) = Split(value);
        Deposit(mantissa, exponent - LeastExponent, double.IsNegative(value) ? -sign : sign);
    }

    /// <summary>Adds an integer or takes it away.</summary>
    internal void Count(long value, int sign) => Deposit(Magnitude(value), -LeastExponent, value < 0 ? -sign : sign);

    /// <summary>Adds a square or takes it away.</summary>
    internal void CountSquare(double value, int sign)
    {
        if (!double.IsFinite(value))
        {
            CountSpecial(value * value, sign);
            return;
        }
        var (mantissa, exponent) = Split(value);
        DepositSquare(mantissa, 2 * exponent - LeastExponent, sign);
    }

    /// <summary>Adds the square of an integer or takes it away.</summary>
    internal void CountSquare(long value, int sign) => DepositSquare(Magnitude(value), -LeastExponent, sign);

    static ulong Magnitude(long value) => value < 0 ? 0 - (ulong)value : (ulong)value;

    void CountSpecial(double value, int sign)
    {
        if (double.IsNaN(value)) nans += sign;
        else if (value > 0) positiveInfinities += sign;
        else negativeInfinities += sign;
    }

    void DepositSquare(ulong mantissa, int position, int sign)
    {
        var upper = Math.BigMul(mantissa, mantissa, out ulong lower);
        Deposit(lower, position, sign);
        Deposit(upper, position + 64, sign);
    }

    void Deposit(ulong mantissa, int position, int sign)
    {
        if (mantissa == 0) return;
        var digit = position >> 5;
        var shifted = (UInt128)mantissa << (position & 31);
        digits[digit] += sign * (long)(uint)shifted;
        digits[digit + 1] += sign * (long)(uint)(shifted >> 32);
        digits[digit + 2] += sign * (long)(uint)(shifted >> 64);
        if (digit < low) low = digit;
        if (digit + 2 > high) high = digit + 2;
        if (++pending == MaxPending) Carry();
    }

    // Carries upwards, so that every digit but the highest is in [0, 2^32); the highest has the sign.
    void Carry()
    {
        pending = 0;
        if (high < low) return;
        long carry = 0;
        for (var i = low; i < high; i++)
        {
            var digit = digits[i] + carry;
            digits[i] = digit & uint.MaxValue;
            carry = digit >> 32;
        }
        digits[high] += carry;
        while (digits[high] is > uint.MaxValue or < -uint.MaxValue)
        {
            digits[high + 1] = digits[high] >> 32;
            digits[high] &= uint.MaxValue;
            high++;
        }
    }

    // The absolute value from digit `low` on, and whether the sum is negative.
    bool Magnitude(ref Span<uint> magnitude)
    {
        Carry();
        if (high < low)
        {
            magnitude = [];
            return false;
        }
        var isNegative = digits[high] < 0;
        var length = high - low + 1;
        long carry = 0;
        for (var i = 0; i < length; i++)
        {
            var digit = (isNegative ? -digits[low + i] : digits[low + i]) + carry;
            magnitude[i] = (uint)digit;
            carry = digit >> 32;
        }
        if (carry != 0) magnitude[length++] = (uint)carry;
        magnitude = magnitude[..length];
        return isNegative;
    }

    /// <summary>
    /// Sample variance (n-1) from the exact sums of values and of squares: <c>(n*Sxx - Sx^2) / (n (n-1))</c>, the numerator exact and rounded once.
    /// </summary>
    public static double Variance(ExactSum sum, ExactSum squares, long n)
    {
        if (sum.Special is not null || squares.Special is not null) return double.NaN;
        Span<uint> x = stackalloc uint[Digits + 1], xx = stackalloc uint[Digits + 1];
        sum.Magnitude(ref x);
        squares.Magnitude(ref xx);
        Span<uint> scaled = stackalloc uint[Digits + 3], square = stackalloc uint[2 * Digits + 2];
        scaled = DigitArithmetic.Multiply(xx, [(uint)n, (uint)(n >> 32)], scaled);
        square = DigitArithmetic.Multiply(x, x, square);
        // Bits from the least one of either: squares begin at digit `low` of theirs, the square of the sum at twice the exponent of the sum's.
        var (scaledExponent, squareExponent) = (LeastExponent + 32 * squares.low, 2 * (LeastExponent + 32 * sum.low));
        var least = square.Length == 0 ? scaledExponent : Math.Min(scaledExponent, squareExponent);
        Span<uint> numerator = stackalloc uint[3 * Digits + 8];
        numerator.Clear();
        DigitArithmetic.Add(numerator, scaled, scaledExponent - least);
        DigitArithmetic.Subtract(numerator, square, squareExponent - least);
        return Rounding.Nearest(numerator, least) / ((double)n * (n - 1));
    }
}
