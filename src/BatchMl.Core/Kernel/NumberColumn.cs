using System.Numerics;
using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>How a key's numbers are summed exactly: the narrowest that holds every sum of them.</summary>
enum SumWidth
{
    /// <summary>Whole multiples of one power of two; every sum fits 63 bits, every sum of squares 126.</summary>
    Long,

    /// <summary>Whole multiples of one power of two; every sum fits 127 bits.</summary>
    Wide,

    /// <summary>Exponents too far apart, NaN or infinities: a superaccumulator.</summary>
    Exact,
}

/// <summary>
/// Numbers by position as whole multiples of one power of two, 2^<see cref="Exponent"/>, so that sums are exact in integers. Looked at key by key: whole numbers, money and measurements nearly always
/// take the narrow form. A null is 0 and not <see cref="Known"/>.
/// </summary>
sealed class NumberColumn(IArrowArray values) : FrameColumn
{
    // Beyond, the scaling factor itself would not be a normal double.
    const int MaxScale = 1000;

    double[] numbers = [];
    long[] scaled = [];
    Int128[] wide = [];
    byte[] known = [];

    public SumWidth Width { get; private set; }

    public int Exponent { get; private set; }

    /// <summary>The factor 2^<see cref="Exponent"/>.</summary>
    public double Unit { get; private set; }

    /// <summary>1 where not null, else 0.</summary>
    public byte[] Known => known;

    /// <summary>Multiples, where <see cref="Width"/> is Long, and integers whatever it is.</summary>
    public long[] Scaled => scaled;

    /// <summary>Multiples, where <see cref="Width"/> is Wide.</summary>
    public Int128[] Wide => wide;

    /// <summary>The numbers as they are; doubles only.</summary>
    public double[] Numbers => numbers;

    public bool IsInteger { get; } = values is Int64Array;

    protected override void Load(KeyFrame frame)
    {
        Reserve(ref scaled, frame.Count);
        Reserve(ref known, frame.Count);
        if (values is Int64Array integers) LoadIntegers(integers, frame.Rows);
        else LoadDoubles((DoubleArray)values, frame.Rows);
    }

    void LoadKnown(ReadOnlySpan<int> rows)
    {
        if (values.NullCount == 0)
        {
            known.AsSpan(0, rows.Length).Fill(1);
            return;
        }
        for (var i = 0; i < rows.Length; i++) known[i] = values.IsValid(rows[i]) ? (byte)1 : (byte)0;
    }

    void LoadIntegers(Int64Array array, ReadOnlySpan<int> rows)
    {
        LoadKnown(rows);
        var source = array.Values;
        var bits = 0UL;
        for (var i = 0; i < rows.Length; i++)
        {
            var value = known[i] == 0 ? 0 : source[rows[i]];
            scaled[i] = value;
            bits |= (ulong)(value ^ (value >> 63));
        }
        (Exponent, Unit) = (0, 1);
        // One more for the least of the negative ones, whose magnitude is a power of two.
        Width = 65 - BitOperations.LeadingZeroCount(bits) + Log2(rows.Length) <= 62 ? SumWidth.Long : SumWidth.Wide;
        if (Width == SumWidth.Long) return;
        Reserve(ref wide, rows.Length);
        for (var i = 0; i < rows.Length; i++) wide[i] = scaled[i];
    }

    void LoadDoubles(DoubleArray array, ReadOnlySpan<int> rows)
    {
        LoadKnown(rows);
        Reserve(ref numbers, rows.Length);
        var source = array.Values;
        for (var i = 0; i < rows.Length; i++) numbers[i] = known[i] == 0 ? 0 : source[rows[i]];
        var (least, top, finite) = Span(numbers.AsSpan(0, rows.Length));
        var bits = top - least + Log2(rows.Length);
        Width = !finite || Math.Abs(least) > MaxScale ? SumWidth.Exact : bits <= 62 ? SumWidth.Long : bits <= 126 ? SumWidth.Wide : SumWidth.Exact;
        if (Width == SumWidth.Exact) return;
        Exponent = least;
        Unit = Math.ScaleB(1, least);
        if (Width == SumWidth.Long)
        {
            // A power of two times a double is exact, and whole by the choice of the power.
            var factor = Math.ScaleB(1, -least);
            for (var i = 0; i < rows.Length; i++) scaled[i] = (long)(numbers[i] * factor);
            return;
        }
        Reserve(ref wide, rows.Length);
        for (var i = 0; i < rows.Length; i++) wide[i] = Multiple(numbers[i], least);
    }

    // Exponents of the last bit of any number and just above the first bit of any.
    static (int Least, int Top, bool Finite) Span(ReadOnlySpan<double> numbers)
    {
        int least = int.MaxValue, top = int.MinValue;
        foreach (var number in numbers)
        {
            if (number == 0) continue;
            if (!double.IsFinite(number)) return (0, 0, false);
            var (mantissa, exponent) = ExactSum.Split(number);
            least = Math.Min(least, exponent + BitOperations.TrailingZeroCount(mantissa));
            top = Math.Max(top, exponent + 64 - BitOperations.LeadingZeroCount(mantissa));
        }
        return least == int.MaxValue ? (0, 1, true) : (least, top, true);
    }

    static Int128 Multiple(double number, int least)
    {
        if (number == 0) return 0;
        var (mantissa, exponent) = ExactSum.Split(number);
        var shift = exponent - least;
        var magnitude = shift >= 0 ? (Int128)mantissa << shift : (Int128)(mantissa >> -shift);
        return number < 0 ? -magnitude : magnitude;
    }

    static int Log2(int count) => count <= 1 ? 0 : BitOperations.Log2((uint)count - 1) + 1;
}
