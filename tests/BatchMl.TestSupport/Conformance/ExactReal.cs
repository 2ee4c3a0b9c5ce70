using System.Numerics;

namespace BatchMl.TestSupport.Conformance;

/// <summary>Exact arithmetic on doubles by big integers, each result rounded once to the nearest double, ties to even.</summary>
public static class ExactReal
{
    // Every finite double is a whole multiple of 2^-1074.
    const int Scale = 1074;

    /// <summary>The sum; NaN and infinities as IEEE has it; an exact zero is +0.</summary>
    public static double Sum(IEnumerable<double> values)
    {
        var list = values.ToList();
        return NonFinite(list) ?? Round(list.Aggregate(BigInteger.Zero, (s, v) => s + Scaled(v)), BigInteger.One << Scale);
    }

    /// <summary>The mean of integers or doubles: the sum, rounded once, over the count.</summary>
    public static double Mean(List<object> cells) =>
        (cells[0] is double ? Sum(cells.Cast<double>()) : Round(cells.Aggregate(BigInteger.Zero, (s, c) => s + (long)c), BigInteger.One)) / cells.Count;

    /// <summary>The root of the sample variance; its numerator is exact and rounded once.</summary>
    public static double Std(List<object> cells)
    {
        if (cells.Any(c => c is double d && !double.IsFinite(d)))
            return double.NaN;
        var scaled = cells.Select(c => c is double d ? Scaled(d) : (BigInteger)(long)c << Scale).ToList();
        BigInteger n = scaled.Count, sum = scaled.Aggregate(BigInteger.Add), squares = scaled.Aggregate(BigInteger.Zero, (s, v) => s + v * v);
        return Math.Sqrt(Round(n * squares - sum * sum, BigInteger.One << (2 * Scale)) / (double)(n * (n - 1)));
    }

    /// <summary>A fraction as the nearest double, ties to even; beyond the largest double an infinity.</summary>
    public static double Round(BigInteger numerator, BigInteger denominator)
    {
        if (numerator.IsZero)
            return 0;
        var negative = numerator.Sign < 0;
        numerator = BigInteger.Abs(numerator);
        // Units of 2^exponent such that the quotient has 53 bits, or fewer where the result is subnormal.
        var exponent = Math.Max((int)(numerator.GetBitLength() - denominator.GetBitLength()) - 53, -Scale);
        var quotient = Divide(exponent);
        if (quotient.GetBitLength() > 53)
            quotient = Divide(++exponent);
        // A carry to 2^53 is still exact; ScaleB is exact here because the quotient has the bits that the result has room for.
        var result = Math.ScaleB((double)quotient, exponent);
        return negative ? -result : result;

        BigInteger Divide(int e)
        {
            var (n, d) = e >= 0 ? (numerator, denominator << e) : (numerator << -e, denominator);
            var whole = BigInteger.DivRem(n, d, out var rest);
            var half = (rest << 1).CompareTo(d);
            return half > 0 || (half == 0 && !whole.IsEven) ? whole + 1 : whole;
        }
    }

    static double? NonFinite(List<double> values)
    {
        var (up, down) = (values.Contains(double.PositiveInfinity), values.Contains(double.NegativeInfinity));
        if (values.Any(double.IsNaN) || (up && down))
            return double.NaN;
        return up ? double.PositiveInfinity : down ? double.NegativeInfinity : null;
    }

    static BigInteger Scaled(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var (exponent, fraction) = ((int)((bits >> 52) & 0x7FF), bits & 0xFFFFFFFFFFFFF);
        var magnitude = exponent == 0 ? fraction : (BigInteger)(fraction | (1L << 52)) << (exponent - 1);
        return bits < 0 ? -magnitude : magnitude;
    }
}
