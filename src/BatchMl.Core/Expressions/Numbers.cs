using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>Conversions between the two number types.</summary>
static class Numbers
{
    /// <summary>Int64 as Double; constants are converted at once, and a choice is widened branch by branch, so that its constants are too.</summary>
    internal static Expr Widen(Expr expr) => expr switch
    {
        { Type: ColumnType.Double } => expr,
        ConstantExpr { Value: null } => new ConstantExpr(null, ColumnType.Double),
        ConstantExpr { Value: long value } => new ConstantExpr((double)value, ColumnType.Double),
        ConditionalExpr e => new ConditionalExpr(e.Test, Widen(e.Then), Widen(e.Else)),
        CoalesceExpr e => new CoalesceExpr(Widen(e.First), Widen(e.Second)),
        _ => new UnaryExpr(UnaryOperator.ToDouble, expr, ColumnType.Double),
    };

    /// <summary>Double as Int64, towards zero. A conversion back of a widened Int64 is not a detour: it may round.</summary>
    internal static Expr Narrow(Expr expr) => expr switch
    {
        { Type: ColumnType.Int64 } => expr,
        ConstantExpr { Value: null } => new ConstantExpr(null, ColumnType.Int64),
        _ => new UnaryExpr(UnaryOperator.ToInt64, expr, ColumnType.Int64),
    };
}
