using Apache.Arrow;

namespace BatchMl.Expressions;

/// <summary>
/// An expression compiled once to a fused loop over Arrow columns: one pass, no intermediate columns, no allocation per row
/// (string results apart). Thread-safe. The interpreter is its oracle.
/// </summary>
public sealed class CompiledExpr
{
    /// <summary>The expression.</summary>
    public Expr Expr => throw new NotImplementedException();

    /// <summary>Compiles, or returns the compiled form of an equal expression from a process-wide cache.</summary>
    public static CompiledExpr Compile(Expr expr) => throw new NotImplementedException();

    /// <summary>
    /// Evaluates over all rows of a batch. Columns are found by name and widened (<see cref="Data.Columns.Normalize"/>); the result has the
    /// canonical Arrow type of <see cref="Expr.Type"/>.
    /// </summary>
    /// <param name="batch">Holds at least the expression's columns.</param>
    /// <param name="errors">Takes the rows that failed (their result is null); when null, the first failing row throws.</param>
    /// <exception cref="RowErrorException">A row failed and <paramref name="errors"/> is null.</exception>
    /// <exception cref="DataException">A column is missing or has a type that the expression was not built for.</exception>
    public IArrowArray Evaluate(RecordBatch batch, ICollection<RowError>? errors = null) => throw new NotImplementedException();
}

/// <summary>A row whose value could not be computed: integer overflow, division by zero, a conversion out of range, a user's function that threw.</summary>
/// <param name="Row">Row within the batch.</param>
/// <param name="Message">What was computed, from what, and why it failed.</param>
public sealed record RowError(int Row, string Message);

/// <summary>A row's value could not be computed and the caller takes no row errors.</summary>
public sealed class RowErrorException(RowError error) : BatchMlException($"row {error.Row}: {error.Message}")
{
    /// <summary>Which row, and why.</summary>
    public RowError Error { get; } = error;
}
