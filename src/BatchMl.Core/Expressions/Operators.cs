using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>Which types the binary operators are defined for.</summary>
static class Operators
{
    /// <summary>The result's type for operands of one type; null where the operator is not defined.</summary>
    internal static ColumnType? Result(BinaryOperator operation, ColumnType operands) => operation switch
    {
        BinaryOperator.Add when operands is ColumnType.Int64 or ColumnType.Double or ColumnType.String => operands,
        BinaryOperator.Subtract when operands == ColumnType.Timestamp => ColumnType.Int64,
        BinaryOperator.Subtract or BinaryOperator.Multiply or BinaryOperator.Divide or BinaryOperator.Modulo
            when operands is ColumnType.Int64 or ColumnType.Double => operands,
        BinaryOperator.And or BinaryOperator.Or when operands == ColumnType.Boolean => ColumnType.Boolean,
        _ when IsComparison(operation) => ColumnType.Boolean,
        _ => null,
    };

    internal static bool IsComparison(BinaryOperator operation) => operation is >= BinaryOperator.Equal and <= BinaryOperator.GreaterOrEqual;
}
