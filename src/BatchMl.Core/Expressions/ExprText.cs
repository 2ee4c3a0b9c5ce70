using System.Globalization;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>Expressions and their values as text.</summary>
static class ExprText
{
    internal static string Of(Expr expr) => expr switch
    {
        ColumnExpr e => Name(e.Name),
        ConstantExpr e => Value(e.Value, e.Type),
        UnaryExpr e => e.Operator switch
        {
            UnaryOperator.Negate => $"(-{e.Operand})",
            UnaryOperator.Not => $"(not {e.Operand})",
            UnaryOperator.IsNull => $"({e.Operand} is null)",
            UnaryOperator.IsNotNull => $"({e.Operand} is not null)",
            UnaryOperator.ToDouble => $"double({e.Operand})",
            _ => $"int64({e.Operand})",
        },
        BinaryExpr e => $"({e.Left} {Symbol(e)} {e.Right})",
        ConditionalExpr e => $"if({e.Test}, {e.Then}, {e.Else})",
        CoalesceExpr e => $"coalesce({e.First}, {e.Second})",
        CallExpr e => $"{e.Function}({string.Join(", ", e.Arguments)})",
        UserCallExpr e => $"{e.Method.DeclaringType}.{e.Method.Name}({string.Join(", ", e.Arguments)})",
        _ => throw new ArgumentOutOfRangeException(nameof(expr), expr.GetType(), "Not a kind of expression."),
    };

    /// <summary>A value in its normalised representation.</summary>
    internal static string Value(object? value, ColumnType type) => value switch
    {
        null => "null",
        true => "true",
        false => "false",
        double number => Number(number),
        string text => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'",
        long time when type == ColumnType.Timestamp => Instant(time),
        int days when type == ColumnType.Date => Date(days),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    /// <summary>Microseconds as ISO 8601; as a number outside of the years 1 to 9999.</summary>
    internal static string Instant(long microseconds) => Clock.IsDateTime(microseconds)
        ? Clock.ToDateTime(microseconds).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{microseconds}us");

    /// <summary>Days as ISO 8601; as a number outside of the years 1 to 9999.</summary>
    internal static string Date(int days) => Clock.IsDate(days)
        ? DateOnly.FromDayNumber(days + Clock.EpochDay).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{days}d");

    internal static string Symbol(BinaryExpr e) => e.Operator switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => e.Type == ColumnType.Int64 ? "div" : "/",
        BinaryOperator.Modulo => e.Type == ColumnType.Int64 ? "mod" : "%",
        BinaryOperator.Equal => "=",
        BinaryOperator.NotEqual => "<>",
        BinaryOperator.Less => "<",
        BinaryOperator.LessOrEqual => "<=",
        BinaryOperator.Greater => ">",
        BinaryOperator.GreaterOrEqual => ">=",
        BinaryOperator.And => "and",
        _ => "or",
    };

    static string Number(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return double.IsFinite(value) && !text.AsSpan().ContainsAny(".E") ? text + ".0" : text;
    }

    static string Name(string name)
    {
        var plain = name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$')
            && name is not ("null" or "true" or "false");
        return plain ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
