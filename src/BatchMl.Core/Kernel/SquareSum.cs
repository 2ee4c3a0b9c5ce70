namespace BatchMl.Kernel;

/// <summary>An exact sum of squares of integers below 2^126 in magnitude, 256 bits wide: what <see cref="SumWidth.Wide"/> is to sums. Squares can be taken away again.</summary>
struct SquareSum
{
    UInt128 low, high;

    public void Add(Int128 value)
    {
        var (squareLow, squareHigh) = Square(value);
        low += squareLow;
        high += squareHigh + (low < squareLow ? UInt128.One : UInt128.Zero);
    }

    public void Remove(Int128 value)
    {
        var (squareLow, squareHigh) = Square(value);
        high -= squareHigh + (low < squareLow ? UInt128.One : UInt128.Zero);
        low -= squareLow;
    }

    /// <summary><c>count·Σx² − sum²</c>, in units of 2^<paramref name="exponent"/>, rounded once to the nearest double. It is never negative (Cauchy-Schwarz) and must be below 2^256.</summary>
    public readonly double Spread(long count, Int128 sum, int exponent)
    {
        var (scaledLow, scaledHigh) = Multiply((ulong)count);
        var (squareLow, squareHigh) = Square(sum);
        var spreadHigh = scaledHigh - squareHigh - (scaledLow < squareLow ? UInt128.One : UInt128.Zero);
        var spreadLow = scaledLow - squareLow;
        Span<uint> digits = stackalloc uint[8];
        for (var i = 0; i < 4; i++)
        {
            digits[i] = (uint)(spreadLow >> (32 * i));
            digits[4 + i] = (uint)(spreadHigh >> (32 * i));
        }
        return Rounding.Nearest(digits, exponent);
    }

    static (UInt128 Low, UInt128 High) Square(Int128 value)
    {
        var magnitude = (UInt128)(value < 0 ? -value : value);
        var (a0, a1) = ((ulong)magnitude, (ulong)(magnitude >> 64));
        // (a1·2^64 + a0)² = a1²·2^128 + 2·a0·a1·2^64 + a0²; the middle part straddles both halves.
        var cross = (UInt128)a0 * a1;
        var doubled = cross << 1;
        var carry = cross >> 127;
        var square = (UInt128)a0 * a0;
        var lowHalf = square + (doubled << 64);
        var highHalf = (UInt128)a1 * a1 + (doubled >> 64) + (carry << 64) + (lowHalf < square ? UInt128.One : UInt128.Zero);
        return (lowHalf, highHalf);
    }

    readonly (UInt128 Low, UInt128 High) Multiply(ulong factor)
    {
        var first = (UInt128)(ulong)low * factor;
        var second = (UInt128)(ulong)(low >> 64) * factor + (first >> 64);
        return ((second << 64) | (ulong)first, high * factor + (second >> 64));
    }
}
