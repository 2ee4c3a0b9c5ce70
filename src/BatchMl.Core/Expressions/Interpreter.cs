using System.Reflection;
using System.Text;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// Evaluates an expression for one row by walking the tree: the oracle of <see cref="CompiledExpr"/>, and what <c>explain</c> uses. Slow and plain on purpose.
/// </summary>
public static class Interpreter
{
    /// <summary>The value: bool, long, double, string, long microseconds (Timestamp), int days (Date) or null.</summary>
    /// <param name="expr">The expression.</param>
    /// <param name="column">A column's value by name, in the same representation.</param>
    /// <exception cref="RowErrorException">The value can not be computed; its row is 0.</exception>
    public static object? Evaluate(Expr expr, Func<string, object?> column)
    {
        object? Value(Expr e) => Evaluate(e, column);
        switch (expr)
        {
            case ColumnExpr e:
                return column(e.Name);
            case ConstantExpr e:
                return e.Value;
            case UnaryExpr e:
                return Unary(e, Value(e.Operand));
            case BinaryExpr { Operator: BinaryOperator.And } e:
                var left = Value(e.Left);
                if (left is false) return false;
                var right = Value(e.Right);
                return right is false ? false : left is null || right is null ? null : true;
            case BinaryExpr { Operator: BinaryOperator.Or } e:
                left = Value(e.Left);
                if (left is true) return true;
                right = Value(e.Right);
                return right is true ? true : left is null || right is null ? null : false;
            case BinaryExpr e:
                return (Value(e.Left), Value(e.Right)) is ({ } a, { } b) ? Binary(e, a, b) : null;
            case ConditionalExpr e:
                return Value(Value(e.Test) is true ? e.Then : e.Else);
            case CoalesceExpr e:
                return Value(e.First) ?? Value(e.Second);
            case CallExpr e:
                var arguments = e.Arguments.Select(Value).ToArray();
                return arguments.Contains(null) ? null : InterpretedFunctions.Call(e, arguments!);
            case UserCallExpr e:
                return User(e, [.. e.Arguments.Select(Value)]);
            default:
                throw new ArgumentOutOfRangeException(nameof(expr), expr.GetType(), "Not a kind of expression.");
        }
    }

    /// <summary>Compares in the order of the expression language: NaN equal to itself and greatest, strings by UTF-8 bytes.</summary>
    internal static int Compare(object a, object b) => (a, b) switch
    {
        (double x, double y) => double.IsNaN(x) ? double.IsNaN(y) ? 0 : 1 : double.IsNaN(y) ? -1 : x < y ? -1 : x > y ? 1 : 0,
        (string x, string y) => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
        _ => ((IComparable)a).CompareTo(b),
    };

    internal static RowErrorException Fail(Expr expr, string reason, params IEnumerable<(object? Value, ColumnType Type)> operands) =>
        new(new RowError(0, $"{expr}: {reason}; operands {string.Join(", ", operands.Select(o => ExprText.Value(o.Value, o.Type)))}"));

    static object? Unary(UnaryExpr e, object? operand) => (e.Operator, operand) switch
    {
        (UnaryOperator.IsNull, _) => operand is null,
        (UnaryOperator.IsNotNull, _) => operand is not null,
        (_, null) => null,
        (UnaryOperator.Not, bool v) => !v,
        (UnaryOperator.Negate, double v) => -v,
        (UnaryOperator.Negate, long v) => v == long.MinValue ? throw Fail(e, "the result does not fit into 64 bits", (v, e.Operand.Type)) : -v,
        (UnaryOperator.ToDouble, long v) => (double)v,
        (UnaryOperator.ToInt64, double v) => Math.Truncate(v) is >= -9223372036854775808.0 and < 9223372036854775808.0
            ? (long)v : throw Fail(e, "the number does not fit into 64 bits", (v, e.Operand.Type)),
        _ => throw new ArgumentException($"{e}: {e.Operator} is not defined for {operand.GetType().Name}."),
    };

    static object Binary(BinaryExpr e, object a, object b)
    {
        if (Operators.IsComparison(e.Operator)) return Holds(e.Operator, Compare(a, b));
        if (a is string text) return e.Operator == BinaryOperator.Add ? text + (string)b : throw new ArgumentException($"{e}: not defined for strings.");
        if (a is double x && b is double y)
            return e.Operator switch
            {
                BinaryOperator.Add => x + y,
                BinaryOperator.Subtract => x - y,
                BinaryOperator.Multiply => x * y,
                BinaryOperator.Divide => x / y,
                _ => x % y,
            };
        var (m, n) = ((Int128)(long)a, (Int128)(long)b);
        if (n == 0 && e.Operator is (BinaryOperator.Divide or BinaryOperator.Modulo))
            throw Fail(e, "division by zero", (a, e.Left.Type), (b, e.Right.Type));
        var result = e.Operator switch
        {
            BinaryOperator.Add => m + n,
            BinaryOperator.Subtract => m - n,
            BinaryOperator.Multiply => m * n,
            BinaryOperator.Divide => m / n,
            _ => m % n,
        };
        return result >= long.MinValue && result <= long.MaxValue
            ? (long)result : throw Fail(e, "the result does not fit into 64 bits", (a, e.Left.Type), (b, e.Right.Type));
    }

    static bool Holds(BinaryOperator comparison, int order) => comparison switch
    {
        BinaryOperator.Equal => order == 0,
        BinaryOperator.NotEqual => order != 0,
        BinaryOperator.Less => order < 0,
        BinaryOperator.LessOrEqual => order <= 0,
        BinaryOperator.Greater => order > 0,
        _ => order >= 0,
    };

    static object? User(UserCallExpr e, object?[] arguments)
    {
        var parameters = e.Method.GetParameters();
        if (parameters.Where((p, i) => arguments[i] is null && !UserValues.TakesNull(p)).Any()) return null;
        try
        {
            var values = arguments.Select((a, i) => UserValues.ToClr(a, parameters[i].ParameterType)).ToArray();
            return UserValues.FromClr(e.Method.Invoke(null, values));
        }
        catch (Exception ex) when (ex is TargetInvocationException or OverflowException or ArgumentOutOfRangeException)
        {
            throw Fail(e, $"the function threw: {(ex.InnerException ?? ex).Message}", arguments.Select((a, i) => (a, e.Arguments[i].Type)));
        }
    }
}
