using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>Sums, products and functions of intervals. A bound that 64 bits can not hold is dropped: the rows beyond it fail.</summary>
static class IntervalArithmetic
{
    internal static Interval Integers(Interval a, Interval b, BinaryOperator operation) => operation switch
    {
        BinaryOperator.Add => new Interval(Sum(a.Min, b.Min), Sum(a.Max, b.Max), false),
        BinaryOperator.Subtract => new Interval(Sum(a.Min, b.Max, -1), Sum(a.Max, b.Min, -1), false),
        BinaryOperator.Multiply when a is { Min: long p, Max: long q } && b is { Min: long r, Max: long s } =>
            Span((Int128)p * r, (Int128)p * s, (Int128)q * r, (Int128)q * s),
        _ => Interval.Unknown(ColumnType.Int64),
    };

    internal static Interval Doubles(Interval a, Interval b, BinaryOperator operation)
    {
        var (p, q) = ((double)(a.Min ?? double.NegativeInfinity), (double)(a.Max ?? double.PositiveInfinity));
        var (r, s) = ((double)(b.Min ?? double.NegativeInfinity), (double)(b.Max ?? double.PositiveInfinity));
        var mayBeNaN = a.MayBeNaN || b.MayBeNaN;
        switch (operation)
        {
            // Rounding keeps order, so sums of bounds bound the sums. Infinities of unlike signs make NaN.
            case BinaryOperator.Add:
                return Interval.Doubles(p + r, q + s, mayBeNaN || Unlike(p, s) || Unlike(r, q));
            case BinaryOperator.Subtract:
                return Interval.Doubles(p - s, q - r, mayBeNaN || Unlike(p, -r) || Unlike(-s, q));
            case BinaryOperator.Multiply:
                double[] products = [p * r, p * s, q * r, q * s];
                return products.All(double.IsFinite) ? Interval.Doubles(products.Min(), products.Max(), mayBeNaN) : Interval.Unknown(ColumnType.Double);
            default:
                return Interval.Unknown(ColumnType.Double);
        }

        static bool Unlike(double low, double high) => double.IsNegativeInfinity(low) && double.IsPositiveInfinity(high);
    }

    internal static Interval Call(CallExpr e, Interval[] x)
    {
        switch (e.Function)
        {
            case Function.AddSeconds:
                return AddTime(x[0], x[1], 1e6);
            case Function.AddMinutes:
                return AddTime(x[0], x[1], 6e7);
            case Function.AddHours:
                return AddTime(x[0], x[1], 3.6e9);
            case Function.AddDays when e.Type == ColumnType.Timestamp:
                return AddTime(x[0], x[1], 8.64e10);
            case Function.AddDays:
                return new Interval(Day(Sum(Wide(x[0].Min), x[1].Min)), Day(Sum(Wide(x[0].Max), x[1].Max)), false);
            case Function.DateIn:
                return new Interval(LocalDay(e, x[0].Min, +1), LocalDay(e, x[0].Max, -1), false);
            case Function.StartOfDay:
                return new Interval(Instant(x[0].Min, -1), Instant(x[0].Max, 2), false);
            case Function.MinutesBetween:
                return Between(x, 6e7);
            case Function.HoursBetween:
                return Between(x, 3.6e9);
            case Function.DaysBetween:
                return Between(x, 8.64e10);
            case Function.Floor:
                return Interval.Doubles(Of(x[0].Min, Math.Floor), Of(x[0].Max, Math.Floor), x[0].MayBeNaN);
            case Function.Ceiling:
                return Interval.Doubles(Of(x[0].Min, Math.Ceiling), Of(x[0].Max, Math.Ceiling), x[0].MayBeNaN);
            case Function.Round:
                return Interval.Doubles(Of(x[0].Min, Math.Round), Of(x[0].Max, Math.Round), x[0].MayBeNaN);
            case Function.Abs when e.Type == ColumnType.Int64:
                return new Interval(0L, null, false);
            case Function.Abs:
                return Interval.Doubles(0, null, x[0].MayBeNaN);
            case Function.Length:
                return new Interval(0L, null, false);
            case Function.HourIn:
                return new Interval(0L, 23L, false);
            case Function.MinuteIn:
                return new Interval(0L, 59L, false);
            case Function.Day:
                return new Interval(1L, 31L, false);
            case Function.Month:
                return new Interval(1L, 12L, false);
            case Function.DayOfWeek:
                return new Interval(0L, 6L, false);
            case Function.DayOfYear:
                return new Interval(1L, 366L, false);
            default:
                return Interval.Unknown(e.Type);
        }
    }

    /// <summary>
    /// The least local date from an instant on (direction +1), or the greatest up to it (-1). A local date goes back only where clocks do, by at most three hours since 1972, so
    /// the instants within that of the bound decide; before, a day is taken off. Tight bounds matter: one day too many makes an appended day look like a change of the day before.
    /// </summary>
    static object? LocalDay(CallExpr e, object? bound, int direction)
    {
        const long halfHour = 1_800_000_000, year1972 = 63_072_000_000_000, ends = 253_402_300_799_000_000;
        if (bound is not long instant || e.Arguments[1] is not ConstantExpr { Value: string } zone) return null;
        if (instant < year1972 || instant > ends - 7 * halfHour) return DayOf(bound, -direction);
        var days = Enumerable.Range(0, 7).Select(k => (int)Interpreter.Evaluate(
            e with { Arguments = [new ConstantExpr(instant + direction * k * halfHour, ColumnType.Timestamp), zone] }, _ => null)!);
        return direction > 0 ? days.Min() : days.Max();
    }

    /// <summary>An amount that is NaN or infinite fails the row, so it does not unbound the others.</summary>
    static Interval AddTime(Interval time, Interval amount, double unit)
    {
        return new Interval(Sum(time.Min, Amount(amount.Min)), Sum(time.Max, Amount(amount.Max)), false);

        object? Amount(object? bound) => bound is double v && Clock.TryAmount(v, unit, out var micros) ? micros : null;
    }

    static Interval Between(Interval[] x, double unit)
    {
        var span = Integers(x[0], x[1], BinaryOperator.Subtract);
        return Interval.Doubles((long?)span.Min / unit, (long?)span.Max / unit, false);
    }

    static double? Of(object? bound, Func<double, double> function) => bound is double v ? function(v) : null;

    static object? Wide(object? day) => day is int v ? (long)v : null;

    static object? Day(object? day) => day is long v && RowOps.Fits32(v) ? (int)v : null;

    static object? DayOf(object? time, int days) => time is long v && Clock.IsDateTime(v) ? RowOps.DateOf(v) + days : null;

    static object? Instant(object? day, int days) => day is int v && Clock.IsDate(v) ? (v + days) * Clock.DayMicroseconds : null;

    static object? Sum(object? a, object? b, int sign = 1) => a is long x && b is long y ? Bound(x + (Int128)sign * y) : null;

    static Interval Span(params Int128[] products) => new(Bound(products.Min()), Bound(products.Max()), false);

    static object? Bound(Int128 value) => value >= long.MinValue && value <= long.MaxValue ? (long)value : null;
}
