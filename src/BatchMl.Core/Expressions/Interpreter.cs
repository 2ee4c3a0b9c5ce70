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
    public static object? Evaluate(Expr expr, Func<string, object?> column) => throw new NotImplementedException();
}
