using System.Linq.Expressions;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Benchmarks.Expressions;

/// <summary>The arrays of a batch.</summary>
sealed record Arrays(DoubleArray Delay, DoubleArray Other, DoubleArray AirTime, DoubleArray Distance, Int64Array Minute, TimestampArray Time)
{
    public static Arrays Of(RecordBatch b) =>
        new((DoubleArray)b.Column(0), (DoubleArray)b.Column(1), (DoubleArray)b.Column(2), (DoubleArray)b.Column(3), (Int64Array)b.Column(4), (TimestampArray)b.Column(5));
}

/// <summary>
/// Twenty columns, each as a lambda and as somebody would write it who knows Arrow and takes care: one pass, validity bits read and written, nothing allocated but the result. The operations are types, which the
/// compiler puts into the loop as if they had been written there.
/// </summary>
static class HandWritten
{
    public static readonly IReadOnlyList<(string Name, LambdaExpression Lambda, Func<Arrays, IArrowArray> Loop)> Columns =
    [
        Of("late", t => t.Delay > 15, a => Test<Late>(a.Delay)),
        Of("early", t => t.Other < 0, a => Test<Early>(a.Other)),
        Of("long_haul", t => t.Distance >= 1500, a => Test<LongHaul>(a.Distance)),
        Of("is_missing", t => t.Delay == null, a => IsMissing(a.Delay)),
        Of("both_late", t => t.Delay > 15 & t.Other > 15, a => BothLate(a.Delay, a.Other)),
        Of("either_late", t => t.Delay > 60 | t.Other > 60, a => EitherLate(a.Delay, a.Other)),
        Of("sum", t => t.Delay + t.Other, a => Number<Sum>(a.Delay, a.Other)),
        Of("gained", t => t.Other - t.Delay, a => Number<Difference>(a.Other, a.Delay)),
        Of("speed", t => t.Distance / t.AirTime * 60, a => Number<Speed>(a.Distance, a.AirTime)),
        Of("share", t => t.Delay / (t.Delay + t.AirTime), a => Number<Share>(a.Delay, a.AirTime)),
        Of("polynomial", t => t.Delay * t.Delay * 0.5 + t.Delay * 2 + 1, a => Number<Polynomial>(a.Delay, a.Delay)),
        Of("magnitude", t => Math.Abs(t.Distance - 700), a => Number<Magnitude>(a.Distance, a.Distance)),
        Of("root", t => Math.Sqrt(t.Distance), a => Number<Root>(a.Distance, a.Distance)),
        Of("log", t => Math.Log(t.Distance + 1), a => Number<Logarithm>(a.Distance, a.Distance)),
        Of("delay_or_zero", t => t.Delay ?? 0, a => OrZero(a.Delay)),
        Of("either", t => t.Delay ?? t.Other, a => Either(a.Delay, a.Other)),
        Of("positive", t => t.Delay > 0 ? t.Delay : 0, a => Positive(a.Delay)),
        Of("seconds", t => t.Minute * 60, a => Integer<Seconds>(a.Minute)),
        Of("half_hour", t => t.Minute % 30, a => Integer<HalfHour>(a.Minute)),
        Of("departed", t => t.Time.AddMinutes(t.Minute), a => Departed(a.Time, a.Minute)),
    ];

    static (string, LambdaExpression, Func<Arrays, IArrowArray>) Of<T>(string name, Expression<Func<Trip, T>> lambda, Func<Arrays, IArrowArray> loop) => (name, lambda, loop);

    interface IBinary { static abstract double Of(double x, double y); }
    readonly struct Sum : IBinary { public static double Of(double x, double y) => x + y; }
    readonly struct Difference : IBinary { public static double Of(double x, double y) => x - y; }
    readonly struct Speed : IBinary { public static double Of(double x, double y) => x / y * 60; }
    readonly struct Share : IBinary { public static double Of(double x, double y) => x / (x + y); }
    readonly struct Polynomial : IBinary { public static double Of(double x, double y) => x * x * 0.5 + x * 2 + 1; }
    readonly struct Magnitude : IBinary { public static double Of(double x, double y) => Math.Abs(x - 700); }
    readonly struct Root : IBinary { public static double Of(double x, double y) => Math.Sqrt(x); }
    readonly struct Logarithm : IBinary { public static double Of(double x, double y) => Math.Log(x + 1); }

    interface ITest { static abstract bool Of(double x); }
    readonly struct Late : ITest { public static bool Of(double x) => x > 15; }
    readonly struct Early : ITest { public static bool Of(double x) => x < 0; }
    readonly struct LongHaul : ITest { public static bool Of(double x) => x >= 1500; }

    interface IInteger { static abstract long Of(long x); }
    readonly struct Seconds : IInteger { public static long Of(long x) => checked(x * 60); }
    readonly struct HalfHour : IInteger { public static long Of(long x) => x % 30; }

    static bool IsValid(ReadOnlySpan<byte> bits, int row) => bits.IsEmpty || (bits[row >> 3] >> (row & 7) & 1) != 0;

    static void Set(byte[] bits, int row) => bits[row >> 3] |= (byte)(1 << (row & 7));

    static IArrowArray Doubles(byte[] values, byte[] valid, int rows, int nulls) => new DoubleArray(new ArrayData(DoubleType.Default, rows, nulls, 0, [new ArrowBuffer(valid), new ArrowBuffer(values)]));

    static IArrowArray Flags(byte[] values, byte[] valid, int rows, int nulls) => new BooleanArray(new ArrayData(BooleanType.Default, rows, nulls, 0, [new ArrowBuffer(valid), new ArrowBuffer(values)]));

    static IArrowArray Number<TOperation>(DoubleArray a, DoubleArray b) where TOperation : IBinary
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<double> y = b.Values;
        ReadOnlySpan<byte> xBits = a.NullBitmapBuffer.Span;
        ReadOnlySpan<byte> yBits = b.NullBitmapBuffer.Span;
        byte[] bytes = new byte[8 * x.Length], valid = new byte[(x.Length + 7) / 8];
        var values = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            if (IsValid(xBits, i) && IsValid(yBits, i))
            {
                values[i] = TOperation.Of(x[i], y[i]);
                Set(valid, i);
            }
            else
            {
                nulls++;
            }
        }
        return Doubles(bytes, valid, x.Length, nulls);
    }

    static IArrowArray Test<TTest>(DoubleArray a) where TTest : ITest
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<byte> bits = a.NullBitmapBuffer.Span;
        byte[] values = new byte[(x.Length + 7) / 8], valid = new byte[(x.Length + 7) / 8];
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            if (!IsValid(bits, i))
            {
                nulls++;
                continue;
            }
            Set(valid, i);
            if (TTest.Of(x[i])) Set(values, i);
        }
        return Flags(values, valid, x.Length, nulls);
    }

    static IArrowArray IsMissing(DoubleArray a)
    {
        var bits = a.NullBitmapBuffer.Span;
        var values = new byte[(a.Length + 7) / 8];
        for (var i = 0; i < a.Length; i++)
            if (!IsValid(bits, i)) Set(values, i);
        return new BooleanArray(new ArrayData(BooleanType.Default, a.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(values)]));
    }

    static IArrowArray BothLate(DoubleArray a, DoubleArray b)
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<double> y = b.Values;
        ReadOnlySpan<byte> xBits = a.NullBitmapBuffer.Span;
        ReadOnlySpan<byte> yBits = b.NullBitmapBuffer.Span;
        byte[] values = new byte[(x.Length + 7) / 8], valid = new byte[(x.Length + 7) / 8];
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var (xKnown, yKnown) = (IsValid(xBits, i), IsValid(yBits, i));
            var (isNo, isYes) = ((xKnown && !(x[i] > 15)) || (yKnown && !(y[i] > 15)), xKnown && yKnown && x[i] > 15 && y[i] > 15);
            if (isYes) Set(values, i);
            if (isYes || isNo) Set(valid, i);
            else nulls++;
        }
        return Flags(values, valid, x.Length, nulls);
    }

    static IArrowArray EitherLate(DoubleArray a, DoubleArray b)
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<double> y = b.Values;
        ReadOnlySpan<byte> xBits = a.NullBitmapBuffer.Span;
        ReadOnlySpan<byte> yBits = b.NullBitmapBuffer.Span;
        byte[] values = new byte[(x.Length + 7) / 8], valid = new byte[(x.Length + 7) / 8];
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var (xKnown, yKnown) = (IsValid(xBits, i), IsValid(yBits, i));
            var (isYes, isNo) = ((xKnown && x[i] > 60) || (yKnown && y[i] > 60), xKnown && yKnown && !(x[i] > 60) && !(y[i] > 60));
            if (isYes) Set(values, i);
            if (isYes || isNo) Set(valid, i);
            else nulls++;
        }
        return Flags(values, valid, x.Length, nulls);
    }

    static IArrowArray OrZero(DoubleArray a)
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<byte> bits = a.NullBitmapBuffer.Span;
        var bytes = new byte[8 * x.Length];
        var values = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
        for (var i = 0; i < x.Length; i++) values[i] = IsValid(bits, i) ? x[i] : 0;
        return new DoubleArray(new ArrayData(DoubleType.Default, x.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(bytes)]));
    }

    static IArrowArray Either(DoubleArray a, DoubleArray b)
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<double> y = b.Values;
        ReadOnlySpan<byte> xBits = a.NullBitmapBuffer.Span;
        ReadOnlySpan<byte> yBits = b.NullBitmapBuffer.Span;
        byte[] bytes = new byte[8 * x.Length], valid = new byte[(x.Length + 7) / 8];
        var values = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            if (IsValid(xBits, i)) values[i] = x[i];
            else if (IsValid(yBits, i)) values[i] = y[i];
            else
            {
                nulls++;
                continue;
            }
            Set(valid, i);
        }
        return Doubles(bytes, valid, x.Length, nulls);
    }

    // A condition that is null is not met.
    static IArrowArray Positive(DoubleArray a)
    {
        ReadOnlySpan<double> x = a.Values;
        ReadOnlySpan<byte> bits = a.NullBitmapBuffer.Span;
        var bytes = new byte[8 * x.Length];
        var values = MemoryMarshal.Cast<byte, double>(bytes.AsSpan());
        for (var i = 0; i < x.Length; i++) values[i] = IsValid(bits, i) && x[i] > 0 ? x[i] : 0;
        return new DoubleArray(new ArrayData(DoubleType.Default, x.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(bytes)]));
    }

    static IArrowArray Integer<TOperation>(Int64Array a) where TOperation : IInteger
    {
        ReadOnlySpan<long> x = a.Values;
        ReadOnlySpan<byte> bits = a.NullBitmapBuffer.Span;
        byte[] bytes = new byte[8 * x.Length], valid = new byte[(x.Length + 7) / 8];
        var values = MemoryMarshal.Cast<byte, long>(bytes.AsSpan());
        var nulls = 0;
        for (var i = 0; i < x.Length; i++)
        {
            if (!IsValid(bits, i))
            {
                nulls++;
                continue;
            }
            values[i] = TOperation.Of(x[i]);
            Set(valid, i);
        }
        return new Int64Array(new ArrayData(Int64Type.Default, x.Length, nulls, 0, [new ArrowBuffer(valid), new ArrowBuffer(bytes)]));
    }

    static IArrowArray Departed(TimestampArray a, Int64Array b)
    {
        ReadOnlySpan<long> time = a.Values;
        ReadOnlySpan<long> minute = b.Values;
        ReadOnlySpan<byte> timeBits = a.NullBitmapBuffer.Span;
        ReadOnlySpan<byte> minuteBits = b.NullBitmapBuffer.Span;
        byte[] bytes = new byte[8 * time.Length], valid = new byte[(time.Length + 7) / 8];
        var values = MemoryMarshal.Cast<byte, long>(bytes.AsSpan());
        var nulls = 0;
        for (var i = 0; i < time.Length; i++)
        {
            if (!IsValid(timeBits, i) || !IsValid(minuteBits, i))
            {
                nulls++;
                continue;
            }
            values[i] = checked(time[i] + minute[i] * 60_000_000);
            Set(valid, i);
        }
        return new TimestampArray(new ArrayData(BatchMl.Data.Columns.UtcMicroseconds, time.Length, nulls, 0, [new ArrowBuffer(valid), new ArrowBuffer(bytes)]));
    }
}
