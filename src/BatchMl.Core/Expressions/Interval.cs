using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// Bounds with NaN kept apart: an upper bound on the numbers is worth keeping where NaN, possible by the statistics, would fail the row anyway (times).
/// </summary>
/// <param name="Min">Lower bound of the values that are not NaN; null is unbounded.</param>
/// <param name="Max">Upper bound of the values that are not NaN; null is unbounded.</param>
/// <param name="MayBeNull">Whether null is possible.</param>
/// <param name="MayBeNaN">Whether NaN is possible.</param>
/// <param name="Empty">No non-null value is possible.</param>
readonly record struct Interval(object? Min, object? Max, bool MayBeNull, bool MayBeNaN = false, bool Empty = false)
{
    internal static Interval Unknown(ColumnType type, bool mayBeNull = true) => new(null, null, mayBeNull, type == ColumnType.Double);

    static readonly Interval onlyNull = new(null, null, true, Empty: true);

    /// <summary>The upper bound in the order in which NaN is greatest.</summary>
    object? Top => MayBeNaN ? null : Max;

    bool CanBeTrue => !Empty && Max is not false;

    bool CanBeFalse => !Empty && Min is not true;

    internal static Interval Of(Expr expr, IReadOnlyDictionary<string, ColumnStatistics> statistics)
    {
        Interval In(Expr e) => Of(e, statistics);
        switch (expr)
        {
            case ColumnExpr e:
                return statistics.TryGetValue(e.Name, out var known) ? Column(e.Type, known) : Unknown(e.Type);
            case ConstantExpr { Value: null }:
                return onlyNull;
            case ConstantExpr { Value: double.NaN }:
                return Unknown(expr.Type, false);
            case ConstantExpr e:
                return new Interval(e.Value, e.Value, false);
            case UnaryExpr { Operator: UnaryOperator.IsNull } e:
                return In(e.Operand) is var operand && operand.Empty ? Flags(true, false, false) : Flags(operand.MayBeNull, true, false);
            case UnaryExpr { Operator: UnaryOperator.IsNotNull } e:
                return In(e.Operand) is var tested && tested.Empty ? Flags(false, true, false) : Flags(true, tested.MayBeNull, false);
            case BinaryExpr { Operator: BinaryOperator.And or BinaryOperator.Or } e:
                return Logic(e.Operator, In(e.Left), In(e.Right));
            case ConditionalExpr e:
                var test = In(e.Test);
                return !test.CanBeTrue ? In(e.Else) : !test.CanBeFalse && !test.MayBeNull ? In(e.Then) : Union(In(e.Then), In(e.Else));
            case CoalesceExpr e:
                var first = In(e.First);
                return first.MayBeNull ? Union(first with { MayBeNull = false }, In(e.Second)) : first;
            case UnaryExpr or BinaryExpr or CallExpr:
                var operands = ExprTree.Children(expr).Select(In).ToArray();
                if (operands.Any(o => o.Empty)) return onlyNull;
                var mayBeNull = operands.Any(o => o.MayBeNull);
                return Strict(expr, operands) with { MayBeNull = mayBeNull };
            default:
                return Unknown(expr.Type);
        }
    }

    static Interval Column(ColumnType type, ColumnStatistics known)
    {
        var fits = Fits(known.Min) && Fits(known.Max);
        if (!fits) return Unknown(type);
        // A Double column without bounds may hold nothing but NaN.
        var empty = known is { Min: null, Max: null, Nulls: > 0 } && type != ColumnType.Double;
        return new Interval(known.Min, known.Max, known.Nulls != 0, type == ColumnType.Double, empty);

        bool Fits(object? bound) => bound is null || type == bound switch
        {
            bool => ColumnType.Boolean,
            double v => double.IsNaN(v) ? null : ColumnType.Double,
            string => ColumnType.String,
            int => ColumnType.Date,
            long => type == ColumnType.Timestamp ? type : ColumnType.Int64,
            _ => (ColumnType?)null,
        };
    }

    /// <summary>Where a null operand makes a null result.</summary>
    static Interval Strict(Expr expr, Interval[] x) => expr switch
    {
        UnaryExpr { Operator: UnaryOperator.Not } => Flags(x[0].CanBeFalse, x[0].CanBeTrue, false),
        UnaryExpr { Operator: UnaryOperator.ToDouble } => Doubles((long?)x[0].Min, (long?)x[0].Max, false),
        UnaryExpr { Operator: UnaryOperator.ToInt64 } => new Interval(Truncated(x[0].Min), Truncated(x[0].Max), false),
        UnaryExpr { Operator: UnaryOperator.Negate, Type: ColumnType.Double } => Doubles(-(double?)x[0].Max, -(double?)x[0].Min, x[0].MayBeNaN),
        UnaryExpr { Operator: UnaryOperator.Negate } => IntervalArithmetic.Integers(new Interval(0L, 0L, false), x[0], BinaryOperator.Subtract),
        BinaryExpr e when Operators.IsComparison(e.Operator) => Comparison(e.Operator, x[0], x[1]),
        BinaryExpr { Type: ColumnType.Double } e => IntervalArithmetic.Doubles(x[0], x[1], e.Operator),
        BinaryExpr { Type: ColumnType.Int64 } e => IntervalArithmetic.Integers(x[0], x[1], e.Operator),
        CallExpr { Function: Function.Min } => Least(x[0], x[1]),
        CallExpr { Function: Function.Max } => Greatest(x[0], x[1]),
        CallExpr e => IntervalArithmetic.Call(e, x),
        _ => Unknown(expr.Type),
    };

    /// <summary>Infinite is unbounded.</summary>
    internal static Interval Doubles(double? min, double? max, bool mayBeNaN) => new(
        min is double.NegativeInfinity or double.NaN ? null : min, max is double.PositiveInfinity or double.NaN ? null : max, false, mayBeNaN);

    static object? Truncated(object? bound) => bound is double v && RowOps.FitsInt64(v) ? (long)v : null;

    internal static Interval Flags(bool canBeTrue, bool canBeFalse, bool mayBeNull) => new(!canBeFalse, canBeTrue, mayBeNull, Empty: !canBeTrue && !canBeFalse);

    static Interval Logic(BinaryOperator operation, Interval a, Interval b)
    {
        if (operation == BinaryOperator.Or)
        {
            var inverse = Logic(BinaryOperator.And, Inverse(a), Inverse(b));
            return Inverse(inverse);
        }
        return Flags(a.CanBeTrue && b.CanBeTrue, a.CanBeFalse || b.CanBeFalse, a.MayBeNull && (b.CanBeTrue || b.MayBeNull) || b.MayBeNull && (a.CanBeTrue || a.MayBeNull));

        static Interval Inverse(Interval x) => Flags(x.CanBeFalse, x.CanBeTrue, x.MayBeNull);
    }

    static Interval Comparison(BinaryOperator comparison, Interval a, Interval b)
    {
        var below = Before(a.Top, b.Min);
        var above = Before(b.Top, a.Min);
        var same = a.Min is not null && b.Min is not null && Equals(a.Min, a.Top) && Equals(b.Min, b.Top) && Interpreter.Compare(a.Min, b.Min) == 0;
        var notAbove = below || NotAfter(a.Top, b.Min);
        var notBelow = above || NotAfter(b.Top, a.Min);
        return comparison switch
        {
            BinaryOperator.Equal => Flags(!below && !above, !same, false),
            BinaryOperator.NotEqual => Flags(!same, !below && !above, false),
            BinaryOperator.Less => Flags(!notBelow, !below, false),
            BinaryOperator.LessOrEqual => Flags(!above, !notAbove, false),
            BinaryOperator.Greater => Flags(!notAbove, !above, false),
            _ => Flags(!below, !notBelow, false),
        };

        static bool Before(object? max, object? min) => max is not null && min is not null && Interpreter.Compare(max, min) < 0;

        static bool NotAfter(object? max, object? min) => max is not null && min is not null && Interpreter.Compare(max, min) <= 0;
    }

    static Interval Union(Interval a, Interval b)
    {
        var mayBeNull = a.MayBeNull || b.MayBeNull;
        return a.Empty ? b with { MayBeNull = mayBeNull }
            : b.Empty ? a with { MayBeNull = mayBeNull }
            : new Interval(Lower(a.Min, b.Min), Upper(a.Max, b.Max), mayBeNull, a.MayBeNaN || b.MayBeNaN);
    }

    static object? Lower(object? a, object? b) => a is null || b is null ? null : Interpreter.Compare(b, a) < 0 ? b : a;

    static object? Upper(object? a, object? b) => a is null || b is null ? null : Interpreter.Compare(b, a) > 0 ? b : a;

    static Interval Least(Interval a, Interval b) => new(
        Lower(a.Min, b.Min), a.Top is null ? b.Top : b.Top is null ? a.Top : Lower(a.Top, b.Top), false, a.MayBeNaN && b.MayBeNaN);

    static Interval Greatest(Interval a, Interval b) => new(
        a.Min is null ? b.Min : b.Min is null ? a.Min : Upper(a.Min, b.Min), Upper(a.Max, b.Max), false, a.MayBeNaN || b.MayBeNaN);
}
