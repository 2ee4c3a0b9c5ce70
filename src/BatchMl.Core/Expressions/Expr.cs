using System.Reflection;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// A small, typed expression over the columns of a row: what a lambda in a definition becomes. Immutable, compared by value.
/// Nulls propagate as in SQL (three-valued logic for <c>And</c>, <c>Or</c> and <c>Not</c>); a null condition is not met. As in C#, the right side of <c>And</c> and
/// <c>Or</c> is not evaluated, so can not fail, where the left side decides.
/// Integer arithmetic is 64-bit and checked; floating point follows IEEE 754, with NaN equal to itself and greater than everything
/// in comparisons, and -0.0 equal to 0.0; strings compare by UTF-8 bytes.
/// </summary>
/// <param name="Type">The type of the result.</param>
public abstract record Expr(ColumnType Type)
{
    /// <summary>The names of all columns it reads, without repeats, in order of first use.</summary>
    public IReadOnlyList<string> Columns() => [.. ExprTree.ColumnsOf(this).Select(c => c.Name).Distinct()];

    /// <summary>Replaces columns by expressions (null keeps one); used to put one definition into another.</summary>
    /// <exception cref="ArgumentException">A replacement has another type than its column.</exception>
    public Expr Substitute(Func<ColumnExpr, Expr?> replace) => ExprTree.Substitute(this, replace);

    /// <summary>
    /// Fits the expression to columns that have become known: an Int64 column that was read as a Double is widened.
    /// </summary>
    /// <param name="columns">The columns there are, with their types.</param>
    /// <param name="where">What the expression is, for messages, e.g. <c>derived feature 'trend'</c>.</param>
    /// <exception cref="DefinitionException">Columns that are missing or of another type, all of them, with what there is.</exception>
    public Expr Bind(IReadOnlyDictionary<string, ColumnType> columns, string where) => ExprTree.Bind(this, columns, where);

    /// <summary>
    /// The expression as stable text, e.g. <c>(dep_delay > 15.0)</c>: shown by <c>plan</c> and part of every fingerprint, so a change of this
    /// format is a change of every fingerprint. Expressions over the same columns with different results have different texts: Double constants carry a point or
    /// exponent, widening is written out, and division of integers is <c>div</c>.
    /// </summary>
    public sealed override string ToString() => ExprText.Of(this);
}

/// <summary>A column of the row.</summary>
public sealed record ColumnExpr(string Name, ColumnType Type) : Expr(Type);

/// <summary>A constant: bool, long, double, string, long microseconds (Timestamp), int days (Date), or null.</summary>
public sealed record ConstantExpr(object? Value, ColumnType Type) : Expr(Type)
{
    /// <summary>Doubles are compared by their bits: 1 / -0.0 is not 1 / 0.0.</summary>
    public bool Equals(ConstantExpr? other) => other is not null && Type == other.Type && (Value, other.Value) switch
    {
        (double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b),
        var (a, b) => Equals(a, b),
    };

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, Value);
}

/// <summary>One operand.</summary>
public sealed record UnaryExpr(UnaryOperator Operator, Expr Operand, ColumnType Type) : Expr(Type);

/// <summary>Two operands of one type (Int64 operands are widened to Double by an explicit <see cref="UnaryOperator.ToDouble"/>).</summary>
public sealed record BinaryExpr(BinaryOperator Operator, Expr Left, Expr Right, ColumnType Type) : Expr(Type);

/// <summary><c>Test ? Then : Else</c>; a null test takes <c>Else</c>. Only the branch taken is evaluated, so only it can fail.</summary>
public sealed record ConditionalExpr(Expr Test, Expr Then, Expr Else) : Expr(Then.Type);

/// <summary><c>First ?? Second</c>.</summary>
public sealed record CoalesceExpr(Expr First, Expr Second) : Expr(First.Type);

/// <summary>A function of the closed list.</summary>
public sealed record CallExpr(Function Function, EquatableList<Expr> Arguments, ColumnType Type) : Expr(Type);

/// <summary>
/// A pure C# method marked <see cref="FeatureFunctionAttribute"/>. Called row by row; null in, null out unless its parameters are
/// nullable. Lineage knows only its inputs.
/// </summary>
public sealed record UserCallExpr(MethodInfo Method, EquatableList<Expr> Arguments, ColumnType Type) : Expr(Type);

/// <summary>Operators of one operand.</summary>
public enum UnaryOperator
{
    /// <summary>Arithmetic negation; of the least Int64 an error.</summary>
    Negate,
    /// <summary>Three-valued not.</summary>
    Not,
    /// <summary>Never null.</summary>
    IsNull,
    /// <summary>Never null.</summary>
    IsNotNull,
    /// <summary>Int64 to Double, as C# converts.</summary>
    ToDouble,
    /// <summary>Double to Int64, towards zero; NaN and out of range are errors.</summary>
    ToInt64,
}

/// <summary>Operators of two operands.</summary>
public enum BinaryOperator
{
    /// <summary>Checked on Int64; on strings concatenation.</summary>
    Add,
    /// <summary>Checked on Int64. Timestamp minus Timestamp is microseconds (Int64).</summary>
    Subtract,
    /// <summary>Checked on Int64.</summary>
    Multiply,
    /// <summary>Int64 by zero is an error, Double follows IEEE.</summary>
    Divide,
    /// <summary>Remainder with the sign of the dividend; Int64 by zero is an error, by -1 it is 0.</summary>
    Modulo,
    /// <summary>Equal.</summary>
    Equal,
    /// <summary>Not equal.</summary>
    NotEqual,
    /// <summary>Less.</summary>
    Less,
    /// <summary>Less or equal.</summary>
    LessOrEqual,
    /// <summary>Greater.</summary>
    Greater,
    /// <summary>Greater or equal.</summary>
    GreaterOrEqual,
    /// <summary>Three-valued and.</summary>
    And,
    /// <summary>Three-valued or.</summary>
    Or,
}

/// <summary>The closed list of functions. Arguments and result are in the remarks of each; a null argument gives null unless said.</summary>
public enum Function
{
    /// <summary>Absolute value, Int64 (checked) or Double.</summary>
    Abs,
    /// <summary>Double.</summary>
    Floor,
    /// <summary>Double.</summary>
    Ceiling,
    /// <summary>Double, half to even.</summary>
    Round,
    /// <summary>Double.</summary>
    Sqrt,
    /// <summary>Natural logarithm, Double.</summary>
    Log,
    /// <summary>Double.</summary>
    Exp,
    /// <summary>Double, Double.</summary>
    Pow,
    /// <summary>Double.</summary>
    Sin,
    /// <summary>Double.</summary>
    Cos,
    /// <summary>The smaller of two, the first of equals; Int64 or Double (NaN is greatest).</summary>
    Min,
    /// <summary>The greater of two, the first of equals; Int64 or Double (NaN is greatest).</summary>
    Max,
    /// <summary>Double to Boolean.</summary>
    IsNaN,
    /// <summary>Double to Boolean.</summary>
    IsFinite,

    /// <summary>UTF-16 length as in C#, Int64.</summary>
    Length,
    /// <summary>Invariant lower case.</summary>
    Lower,
    /// <summary>Invariant upper case.</summary>
    Upper,
    /// <summary>White space cut at both ends.</summary>
    Trim,
    /// <summary>String, Int64 start, Int64 length, in UTF-16 units: clipped to the string at both ends, never an error. A character cut in half becomes U+FFFD.</summary>
    Substring,
    /// <summary>Ordinal, Boolean.</summary>
    StartsWith,
    /// <summary>Ordinal, Boolean.</summary>
    EndsWith,
    /// <summary>Ordinal, Boolean.</summary>
    Contains,

    /// <summary>Timestamp plus Double seconds, rounded to the microsecond (half to even); out of range is an error.</summary>
    AddSeconds,
    /// <summary>Timestamp plus Double minutes.</summary>
    AddMinutes,
    /// <summary>Timestamp plus Double hours.</summary>
    AddHours,
    /// <summary>Timestamp plus Double days of 24 hours; a Date plus Int64 days.</summary>
    AddDays,
    /// <summary>Timestamp, zone (constant IANA name): local calendar date.</summary>
    DateIn,
    /// <summary>Timestamp, zone: local hour 0 to 23, Int64.</summary>
    HourIn,
    /// <summary>Timestamp, zone: local minute, Int64.</summary>
    MinuteIn,
    /// <summary>Date: 1 to 31.</summary>
    Day,
    /// <summary>Date: 1 to 12.</summary>
    Month,
    /// <summary>Date: year.</summary>
    Year,
    /// <summary>Date: 0 Sunday to 6 Saturday, as .NET.</summary>
    DayOfWeek,
    /// <summary>Date: 1 to 366.</summary>
    DayOfYear,
    /// <summary>Date, zone: the instant its local midnight begins (the first valid instant where midnight is skipped).</summary>
    StartOfDay,
    /// <summary>Timestamp minus Timestamp in minutes, Double.</summary>
    MinutesBetween,
    /// <summary>Timestamp minus Timestamp in hours, Double.</summary>
    HoursBetween,
    /// <summary>Timestamp minus Timestamp in days of 24 hours, Double.</summary>
    DaysBetween,
}

/// <summary>Marks a pure static method that may be called in a feature's lambda.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FeatureFunctionAttribute : Attribute;
