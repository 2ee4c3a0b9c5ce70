namespace BatchMl.Kernel;

/// <summary>Doubles as integers of the same order.</summary>
static class SortableBits
{
    /// <summary>Order of values: NaN greatest, -0.0 just below 0.0 (they are equal as keys, but a minimum must be one of them).</summary>
    public static long Of(double value)
    {
        if (double.IsNaN(value)) return long.MaxValue;
        var bits = BitConverter.DoubleToInt64Bits(value);
        return bits ^ ((bits >> 63) & long.MaxValue);
    }

    /// <summary>The double of <see cref="Of"/>.</summary>
    public static double Back(long code) => BitConverter.Int64BitsToDouble(code ^ ((code >> 63) & long.MaxValue));

    /// <summary>Identity of values: NaN equals itself, -0.0 equals 0.0.</summary>
    public static long OfKey(double value) => double.IsNaN(value) ? long.MaxValue : BitConverter.DoubleToInt64Bits(value + 0.0);
}
