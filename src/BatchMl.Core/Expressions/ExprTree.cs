using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>Walks over expressions.</summary>
static class ExprTree
{
    internal static IEnumerable<ColumnExpr> ColumnsOf(Expr expr) =>
        expr is ColumnExpr column ? [column] : Children(expr).SelectMany(ColumnsOf);

    internal static bool Any(Expr expr, Func<Expr, bool> test) => test(expr) || Children(expr).Any(c => Any(c, test));

    internal static IReadOnlyList<Expr> Children(Expr expr) => expr switch
    {
        UnaryExpr e => [e.Operand],
        BinaryExpr e => [e.Left, e.Right],
        ConditionalExpr e => [e.Test, e.Then, e.Else],
        CoalesceExpr e => [e.First, e.Second],
        CallExpr e => e.Arguments,
        UserCallExpr e => e.Arguments,
        _ => [],
    };

    internal static Expr Substitute(Expr expr, Func<ColumnExpr, Expr?> replace)
    {
        Expr Into(Expr e) => Substitute(e, replace);
        return expr switch
        {
            ColumnExpr e => replace(e) is not { } by ? e
                : by.Type == e.Type ? by
                : throw new ArgumentException($"Column '{e.Name}' of type {e.Type} can not be replaced by {by} of type {by.Type}.", nameof(replace)),
            UnaryExpr e => e with { Operand = Into(e.Operand) },
            BinaryExpr e => e with { Left = Into(e.Left), Right = Into(e.Right) },
            ConditionalExpr e => new ConditionalExpr(Into(e.Test), Into(e.Then), Into(e.Else)),
            CoalesceExpr e => new CoalesceExpr(Into(e.First), Into(e.Second)),
            CallExpr e => e with { Arguments = [.. e.Arguments.Select(Into)] },
            UserCallExpr e => e with { Arguments = [.. e.Arguments.Select(Into)] },
            _ => expr,
        };
    }

    internal static Expr Bind(Expr expr, IReadOnlyDictionary<string, ColumnType> columns, string where)
    {
        var problems = new List<string>();
        var bound = Substitute(expr, column =>
        {
            if (!columns.TryGetValue(column.Name, out var type))
                problems.Add($"{where}: there is no column '{column.Name}'; there are {string.Join(", ", columns.Keys.Order(StringComparer.Ordinal))}.");
            else if (type == ColumnType.Int64 && column.Type == ColumnType.Double)
                return new UnaryExpr(UnaryOperator.ToDouble, column with { Type = type }, ColumnType.Double);
            else if (type != column.Type)
                problems.Add($"{where}: column '{column.Name}' is read as {column.Type} but is {type}; read it as {type}.");
            return null;
        });
        return problems.Count == 0 ? bound : throw new DefinitionException([.. problems.Distinct()]);
    }
}
