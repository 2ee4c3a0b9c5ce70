using System.Linq.Expressions;
using System.Reflection;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>One lambda's way from C# to <see cref="Expr"/>.</summary>
/// <param name="lambda">The lambda; its first parameter is the row.</param>
/// <param name="aggregate">What a call on the parameter is, where the parameter is a window; else null.</param>
sealed class Translation(LambdaExpression lambda, Func<MethodCallExpression, Expr>? aggregate)
{
    const string Allowed =
        "Allowed are properties of the record, constants and captured variables, + - * / %, comparisons, && || !, ?:, ??, null tests, .HasValue, .Value, casts "
        + "between numbers, Math.Abs/Floor/Ceiling/Round/Sqrt/Log/Exp/Pow/Sin/Cos/Min/Max, double.IsNaN/IsFinite, string Length/ToLowerInvariant/ToUpperInvariant/Trim/"
        + "Substring/StartsWith/EndsWith/Contains/IsNullOrEmpty, Add… of times, the total of a difference of times, parts of DateOnly, the methods of Sql, and methods "
        + "marked [FeatureFunction].";

    readonly ParameterExpression row = lambda.Parameters[0];

    internal Expr Result() => Column(WithoutBoxing(lambda.Body));

    /// <summary>The body or a part of it, which must be of a column's type.</summary>
    internal Expr Column(Expression part)
    {
        part = WithoutBoxing(part);
        var type = Nullable.GetUnderlyingType(part.Type) ?? part.Type;
        if (type == typeof(TimeSpan)) throw Refuse(part, "a TimeSpan is not a column's type; take .TotalMinutes or another total");
        return Visit(part);
    }

    internal static Expression WithoutBoxing(Expression e) =>
        e is UnaryExpression { NodeType: ExpressionType.Convert } u && (u.Type == typeof(object) || u.Type == typeof(ValueType)) ? WithoutBoxing(u.Operand) : e;

    /// <summary>A lambda argument of a method that takes an expression; null if it is not written in place.</summary>
    internal static LambdaExpression? Quoted(Expression e) => e switch
    {
        UnaryExpression { NodeType: ExpressionType.Quote } quote => (LambdaExpression)quote.Operand,
        LambdaExpression inner => inner,
        _ => ValueOf(e) as LambdaExpression,
    };

    /// <summary>What an expression without parameters is; null if it has some.</summary>
    internal static object? ValueOf(Expression e) => Constants.IsConstant(e) ? Constants.Read(e) : null;

    internal ColumnExpr RowColumn(MethodCallExpression call) => ValueOf(call.Arguments[0]) is string name
        ? new ColumnExpr(name, RecordColumns.TypeOf(call.Type)!.Value)
        : throw Refuse(call, "the name of a column must be a constant");

    internal DefinitionException Refuse(Expression part, string reason) =>
        new($"`{part}` in `{lambda}` can not be expressed: {reason}. {Allowed}");

    Expr Visit(Expression e)
    {
        if (Constants.IsConstant(e)) return Constant(e);
        switch (e)
        {
            case UnaryExpression { NodeType: ExpressionType.Convert or ExpressionType.ConvertChecked } u:
                return Cast(u);
            case UnaryExpression { NodeType: ExpressionType.Not } u when Visit(u.Operand) is { Type: ColumnType.Boolean } operand:
                return new UnaryExpr(UnaryOperator.Not, operand, ColumnType.Boolean);
            case UnaryExpression { NodeType: ExpressionType.Negate or ExpressionType.NegateChecked } u
                when Visit(u.Operand) is { Type: ColumnType.Int64 or ColumnType.Double } operand:
                return new UnaryExpr(UnaryOperator.Negate, operand, operand.Type);
            case BinaryExpression { NodeType: ExpressionType.Coalesce } b:
                return Coalesce(b, Visit(b.Left), Visit(b.Right));
            case BinaryExpression b:
                return Binary(b);
            case ConditionalExpression c:
                var (then, otherwise) = Alike(c, Visit(c.IfTrue), Visit(c.IfFalse));
                return new ConditionalExpr(Visit(c.Test), then, otherwise);
            case MemberExpression m:
                return Member(m);
            case MethodCallExpression call:
                return Call(call);
            case ParameterExpression p when p == row:
                throw Refuse(e, "the row itself is not a value; use a property of it");
            case ParameterExpression p:
                throw Refuse(e, $"the parameter {p.Name} belongs to another lambda");
            default:
                throw Refuse(e, $"{e.NodeType} has no meaning for columns");
        }
    }

    Expr Constant(Expression e)
    {
        var type = Constants.TypeOf(e.Type) ?? throw Refuse(e, $"a constant of type {e.Type.Name} is not a column's");
        return new ConstantExpr(Constants.Normalize(Constants.Read(e)), type);
    }

    Expr Cast(UnaryExpression e)
    {
        var operand = Visit(e.Operand);
        return Constants.TypeOf(e.Type) switch
        {
            null when e.Type.IsAssignableFrom(e.Operand.Type) => operand,
            { } type when type == operand.Type => operand,
            ColumnType.Double when operand.Type == ColumnType.Int64 => Numbers.Widen(operand),
            ColumnType.Int64 when operand.Type == ColumnType.Double => Numbers.Narrow(operand),
            _ => throw Refuse(e, $"{operand.Type} can not be cast to {e.Type.Name}"),
        };
    }

    Expr Coalesce(BinaryExpression e, Expr first, Expr second)
    {
        (first, second) = Alike(e, first, second);
        return new CoalesceExpr(first, second);
    }

    /// <summary>Both of one type: Int64 is widened where the other is Double.</summary>
    (Expr, Expr) Alike(Expression e, Expr a, Expr b) => (a.Type, b.Type) switch
    {
        var (x, y) when x == y => (a, b),
        (ColumnType.Int64, ColumnType.Double) => (Numbers.Widen(a), b),
        (ColumnType.Double, ColumnType.Int64) => (a, Numbers.Widen(b)),
        _ => throw Refuse(e, $"{a.Type} and {b.Type} are different types"),
    };

    Expr Binary(BinaryExpression e)
    {
        if (e.NodeType is ExpressionType.Equal or ExpressionType.NotEqual)
        {
            var test = e.NodeType == ExpressionType.Equal ? UnaryOperator.IsNull : UnaryOperator.IsNotNull;
            if (Constants.IsNull(e.Right)) return new UnaryExpr(test, Visit(WithoutBoxing(e.Left)), ColumnType.Boolean);
            if (Constants.IsNull(e.Left)) return new UnaryExpr(test, Visit(WithoutBoxing(e.Right)), ColumnType.Boolean);
        }
        BinaryOperator operation = e.NodeType switch
        {
            ExpressionType.Add or ExpressionType.AddChecked => BinaryOperator.Add,
            ExpressionType.Subtract or ExpressionType.SubtractChecked => BinaryOperator.Subtract,
            ExpressionType.Multiply or ExpressionType.MultiplyChecked => BinaryOperator.Multiply,
            ExpressionType.Divide => BinaryOperator.Divide,
            ExpressionType.Modulo => BinaryOperator.Modulo,
            ExpressionType.Equal => BinaryOperator.Equal,
            ExpressionType.NotEqual => BinaryOperator.NotEqual,
            ExpressionType.LessThan => BinaryOperator.Less,
            ExpressionType.LessThanOrEqual => BinaryOperator.LessOrEqual,
            ExpressionType.GreaterThan => BinaryOperator.Greater,
            ExpressionType.GreaterThanOrEqual => BinaryOperator.GreaterOrEqual,
            ExpressionType.And or ExpressionType.AndAlso => BinaryOperator.And,
            ExpressionType.Or or ExpressionType.OrElse => BinaryOperator.Or,
            _ => throw Refuse(e, $"{e.NodeType} has no meaning for columns"),
        };
        if (Constants.IsSpan(e.Left.Type) || Constants.IsSpan(e.Right.Type)) return Span(e, operation);
        var (left, right) = Alike(e, Visit(WithoutBoxing(e.Left)), Visit(WithoutBoxing(e.Right)));
        return Operators.Result(operation, left.Type) is { } type
            ? new BinaryExpr(operation, left, right, type) : throw Refuse(e, $"there is no {operation} of {left.Type} and {right.Type}");
    }

    /// <summary>Spans of time are Int64 microseconds on the way.</summary>
    Expr Span(BinaryExpression e, BinaryOperator operation)
    {
        var (left, right) = (Visit(e.Left), Visit(e.Right));
        if (Constants.IsSpan(e.Left.Type) && Constants.IsSpan(e.Right.Type) && operation is not (BinaryOperator.Divide or BinaryOperator.Multiply))
            return new BinaryExpr(operation, left, right, Operators.Result(operation, ColumnType.Int64)!.Value);
        if (left.Type != ColumnType.Timestamp || operation is not (BinaryOperator.Add or BinaryOperator.Subtract))
            throw Refuse(e, "a TimeSpan can be added to or taken from a time, compared, and turned into a number by .TotalMinutes or another total");
        if (operation == BinaryOperator.Subtract) right = new UnaryExpr(UnaryOperator.Negate, right, ColumnType.Int64);
        return new CallExpr(Function.AddSeconds, [left, Total(right, 1e6)], ColumnType.Timestamp);
    }

    static Expr Total(Expr span, double unit) => span is ConstantExpr { Value: long micros }
        ? new ConstantExpr(micros / unit, ColumnType.Double)
        : new BinaryExpr(BinaryOperator.Divide, Numbers.Widen(span), new ConstantExpr(unit, ColumnType.Double), ColumnType.Double);

    Expr Member(MemberExpression e)
    {
        if (e.Expression == row && e.Member is PropertyInfo property)
        {
            var column = RecordColumns.Of(property);
            return new ColumnExpr(column.Name, column.Type);
        }
        var owner = e.Expression?.Type;
        if (owner is not null && Nullable.GetUnderlyingType(owner) is not null)
            return e.Member.Name == "HasValue"
                ? new UnaryExpr(UnaryOperator.IsNotNull, Visit(e.Expression!), ColumnType.Boolean) : Visit(e.Expression!);
        if (owner == typeof(TimeSpan) && Methods.TotalUnit(e.Member.Name) is { } unit) return Total(Visit(e.Expression!), unit);
        if (Methods.Property(e.Member) is { } function) return Make(e, function, [Visit(e.Expression!)]);
        throw Refuse(e, owner == typeof(DateTimeOffset) || owner == typeof(DateTime)
            ? $"parts of a time depend on a zone; use Sql.DateIn, HourIn or MinuteIn instead of .{e.Member.Name}"
            : $"{e.Member.DeclaringType!.Name}.{e.Member.Name} is not known");
    }

    Expr Call(MethodCallExpression e)
    {
        if (e.Object == row)
            return aggregate is not null ? aggregate(e)
                : e.Method.DeclaringType == typeof(Row) ? RowColumn(e) : throw Refuse(e, "methods of the record are not columns");
        var operands = e.Object is null ? [.. e.Arguments] : e.Arguments.Prepend(e.Object).ToArray();
        if (e.Method.GetCustomAttribute<FeatureFunctionAttribute>() is not null) return UserCall(e);
        if (e.Method.Name == nameof(Nullable<>.GetValueOrDefault) && Nullable.GetUnderlyingType(operands[0].Type) is { } plain)
            return Coalesce(Expression.Coalesce(operands[0], operands.ElementAtOrDefault(1) ?? Expression.Default(plain)), Visit(operands[0]),
                operands.Length > 1 ? Visit(operands[1]) : Constant(Expression.Default(plain)));
        if (Methods.Find(e) is { } function) return Make(e, function, [.. Methods.Arguments(e, operands).Select(Visit)]);
        if (e.Method.DeclaringType == typeof(string) && e.Method.Name == nameof(string.Concat) && operands.All(o => o.Type == typeof(string)))
            return operands.Select(Visit).Aggregate((a, b) => new BinaryExpr(BinaryOperator.Add, a, b, ColumnType.String));
        if (e.Method.DeclaringType == typeof(string) && e.Method.Name == nameof(string.IsNullOrEmpty))
            return new BinaryExpr(BinaryOperator.Or, new UnaryExpr(UnaryOperator.IsNull, Visit(operands[0]), ColumnType.Boolean),
                new BinaryExpr(BinaryOperator.Equal, Visit(operands[0]), new ConstantExpr("", ColumnType.String), ColumnType.Boolean), ColumnType.Boolean);
        throw Refuse(e, $"{e.Method.DeclaringType!.Name}.{e.Method.Name} with these arguments is not known");
    }

    Expr Make(Expression e, Function function, IReadOnlyList<Expr> arguments) => Signatures.Call(function, arguments)
        ?? throw Refuse(e, Signatures.TakesZone(function) && arguments.Count == 2 && arguments[1] is not ConstantExpr { Value: string }
            ? "the zone must be a constant" : $"{function} is not defined for {string.Join(", ", arguments.Select(a => a.Type))}");

    Expr UserCall(MethodCallExpression e)
    {
        if (!e.Method.IsStatic) throw Refuse(e, "a feature function must be static");
        foreach (var parameter in e.Method.GetParameters())
            if (RecordColumns.TypeOf(parameter.ParameterType) is null)
                throw Refuse(e, $"parameter {parameter.Name} of type {parameter.ParameterType.Name} is not a column's type ({RecordColumns.AllowedTypes})");
        var result = RecordColumns.TypeOf(e.Method.ReturnType)
            ?? throw Refuse(e, $"its result {e.Method.ReturnType.Name} is not a column's type ({RecordColumns.AllowedTypes})");
        return new UserCallExpr(e.Method, [.. e.Arguments.Select(Visit)], result);
    }
}
