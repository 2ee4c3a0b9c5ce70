using System.Linq.Expressions;
using BatchMl.Data;
using static System.Linq.Expressions.Expression;
using Node = System.Linq.Expressions.Expression;

namespace BatchMl.Expressions;

/// <summary>Writes the statements that compute one row: operators and choices. Functions are in the other half.</summary>
/// <param name="frame">The loop's frame.</param>
/// <param name="fail">Where a row goes that can not be computed.</param>
/// <param name="inputs">Columns that the row has loaded.</param>
/// <param name="setup">Statements before the loop.</param>
/// <param name="locals">All locals.</param>
/// <param name="pinned">Keeps constants alive.</param>
sealed partial class RowEmitter(
    ParameterExpression frame, LabelTarget fail, IReadOnlyDictionary<ColumnExpr, Operand> inputs, List<Node> setup, List<ParameterExpression> locals, List<object> pinned)
{
    ParameterExpression? arena;

    /// <summary>Whether any row can fail.</summary>
    internal bool MayFail { get; private set; }

    /// <summary>The local that holds the arena; null as long as no text is computed.</summary>
    internal ParameterExpression? Arena => arena;

    internal Operand Emit(Expr expr, List<Node> body) => expr switch
    {
        ColumnExpr e => inputs[e],
        ConstantExpr { Value: null } e => new Operand(Default(ClrType(e.Type)), Constant(false)),
        ConstantExpr { Value: string text } => new Operand(ConstantText(text), null),
        ConstantExpr e => new Operand(Constant(e.Value), null),
        UnaryExpr e => Unary(e, Emit(e.Operand, body), body),
        BinaryExpr { Operator: BinaryOperator.And or BinaryOperator.Or } e => Logic(e, body),
        BinaryExpr e => Binary(e, Emit(e.Left, body), Emit(e.Right, body), body),
        ConditionalExpr e => Choose(e, body),
        CoalesceExpr e => Coalesce(e, body),
        CallExpr e => Function(e, body),
        UserCallExpr e => User(e, body),
        _ => throw new ArgumentOutOfRangeException(nameof(expr), expr.GetType(), "Not a kind of expression."),
    };

    static Type ClrType(ColumnType type) => type switch
    {
        ColumnType.Boolean => typeof(bool),
        ColumnType.Double => typeof(double),
        ColumnType.String => typeof(Text),
        ColumnType.Date => typeof(int),
        _ => typeof(long),
    };

    ParameterExpression Local(Type type)
    {
        var local = Variable(type);
        locals.Add(local);
        return local;
    }

    ParameterExpression Let(Node value, List<Node> body)
    {
        if (value is ParameterExpression known) return known;
        var local = Local(value.Type);
        body.Add(Assign(local, value));
        return local;
    }

    Operand Let(Node value, Node? valid, List<Node> body) => new(Let(value, body), valid is null or ConstantExpression ? valid : Let(valid, body));

    static Node? Both(Node? a, Node? b) => a is null ? b : b is null || a == b ? a : And(a, b);

    /// <summary>Gives the row up where the condition holds and the value is there.</summary>
    void FailIf(Node condition, Node? valid, List<Node> body)
    {
        MayFail = true;
        body.Add(IfThen(valid is null ? condition : AndAlso(condition, valid), Goto(fail)));
    }

    static Node Op(string name, params Node[] arguments) => LoopCompiler.Op(name, arguments);

    Node ConstantText(string text)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(System.Text.Encoding.UTF8.GetByteCount(text), pinned: true);
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        pinned.Add(bytes);
        var local = Local(typeof(Text));
        setup.Add(Assign(local, New(typeof(Text).GetConstructor([typeof(nint), typeof(int)])!,
            Constant(System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0)), Constant(bytes.Length))));
        return local;
    }

    Operand Unary(UnaryExpr e, Operand x, List<Node> body)
    {
        switch (e.Operator)
        {
            case UnaryOperator.IsNull:
                return new Operand(x.Valid is null ? Constant(false) : Let(Not(x.Valid), body), null);
            case UnaryOperator.IsNotNull:
                return new Operand(x.Valid ?? Constant(true), null);
            case UnaryOperator.Not:
                return Let(Not(x.Value), x.Valid, body);
            case UnaryOperator.ToDouble:
                return Let(Convert(x.Value, typeof(double)), x.Valid, body);
            case UnaryOperator.ToInt64:
                FailIf(Not(Op(nameof(RowOps.FitsInt64), x.Value)), x.Valid, body);
                return Let(Convert(x.Value, typeof(long)), x.Valid, body);
            default:
                if (e.Type == ColumnType.Int64) FailIf(Equal(x.Value, Constant(long.MinValue)), x.Valid, body);
                return Let(Negate(x.Value), x.Valid, body);
        }
    }

    Operand Binary(BinaryExpr e, Operand a, Operand b, List<Node> body)
    {
        var valid = Both(a.Valid, b.Valid);
        if (valid is not null) valid = Let(valid, body);
        if (Operators.IsComparison(e.Operator)) return Let(Comparison(e, a.Value, b.Value), valid, body);
        if (e.Type == ColumnType.String) return Guarded(typeof(Text), valid, body, (_, into) => Call(TheArena(), nameof(TextArena.Concat), null, a.Value, b.Value));
        if (e.Type == ColumnType.Double)
            return Let(e.Operator switch
            {
                BinaryOperator.Add => Add(a.Value, b.Value),
                BinaryOperator.Subtract => Subtract(a.Value, b.Value),
                BinaryOperator.Multiply => Multiply(a.Value, b.Value),
                BinaryOperator.Divide => Divide(a.Value, b.Value),
                _ => Modulo(a.Value, b.Value),
            }, valid, body);
        switch (e.Operator)
        {
            case BinaryOperator.Add:
                var sum = Let(Add(a.Value, b.Value), body);
                FailIf(Op(nameof(RowOps.AddOverflows), a.Value, b.Value, sum), valid, body);
                return new Operand(sum, valid);
            case BinaryOperator.Subtract:
                return new Operand(CheckedDifference(a, b, valid, body), valid);
            case BinaryOperator.Multiply:
                FailIf(Op(nameof(RowOps.MultiplyOverflows), a.Value, b.Value), valid, body);
                return Let(Multiply(a.Value, b.Value), valid, body);
            case BinaryOperator.Divide when b.Value is ConstantExpression { Value: not (0L or -1L) }:
                return Let(Divide(a.Value, b.Value), valid, body);
            case BinaryOperator.Modulo when b.Value is ConstantExpression { Value: not (0L or -1L) }:
                return Let(Modulo(a.Value, b.Value), valid, body);
            case BinaryOperator.Divide:
                return Guarded(typeof(long), valid, body, (_, into) =>
                {
                    FailIf(Equal(b.Value, Constant(0L)), null, into);
                    FailIf(AndAlso(Equal(b.Value, Constant(-1L)), Equal(a.Value, Constant(long.MinValue))), null, into);
                    return Divide(a.Value, b.Value);
                });
            default:
                return Guarded(typeof(long), valid, body, (_, into) =>
                {
                    FailIf(Equal(b.Value, Constant(0L)), null, into);
                    return Condition(Equal(b.Value, Constant(-1L)), Constant(0L), Modulo(a.Value, b.Value));
                });
        }
    }

    Node CheckedDifference(Operand a, Operand b, Node? valid, List<Node> body)
    {
        var difference = Let(Subtract(a.Value, b.Value), body);
        FailIf(Op(nameof(RowOps.SubtractOverflows), a.Value, b.Value, difference), valid, body);
        return difference;
    }

    static Node Comparison(BinaryExpr e, Node a, Node b)
    {
        if (e.Left.Type == ColumnType.Double) return DoubleComparison(e.Operator, a, b);
        if (e.Left.Type == ColumnType.String)
            return e.Operator switch
            {
                BinaryOperator.Equal => Call(typeof(Text), nameof(Text.Same), null, a, b),
                BinaryOperator.NotEqual => Not(Call(typeof(Text), nameof(Text.Same), null, a, b)),
                _ => Order(e.Operator, Call(typeof(Text), nameof(Text.Compare), null, a, b), Constant(0)),
            };
        return e.Left.Type == ColumnType.Boolean ? Order(e.Operator, Op(nameof(RowOps.Number), a), Op(nameof(RowOps.Number), b)) : Order(e.Operator, a, b);
    }

    static Node Order(BinaryOperator comparison, Node a, Node b) => comparison switch
    {
        BinaryOperator.Equal => Equal(a, b),
        BinaryOperator.NotEqual => NotEqual(a, b),
        BinaryOperator.Less => LessThan(a, b),
        BinaryOperator.LessOrEqual => LessThanOrEqual(a, b),
        BinaryOperator.Greater => GreaterThan(a, b),
        _ => GreaterThanOrEqual(a, b),
    };

    /// <summary>NaN is equal to itself and greatest; against a constant that is not NaN one machine comparison, perhaps negated, says so.</summary>
    static Node DoubleComparison(BinaryOperator comparison, Node a, Node b)
    {
        var plain = IsNumber(b) || IsNumber(a);
        return comparison switch
        {
            BinaryOperator.Equal => plain ? Equal(a, b) : Op(nameof(RowOps.Same), a, b),
            BinaryOperator.NotEqual => Not(DoubleComparison(BinaryOperator.Equal, a, b)),
            BinaryOperator.Less => IsNumber(b) ? LessThan(a, b) : IsNumber(a) ? Not(LessThanOrEqual(b, a)) : Op(nameof(RowOps.Less), a, b),
            BinaryOperator.Greater => DoubleComparison(BinaryOperator.Less, b, a),
            BinaryOperator.LessOrEqual => Not(DoubleComparison(BinaryOperator.Less, b, a)),
            _ => Not(DoubleComparison(BinaryOperator.Less, a, b)),
        };

        static bool IsNumber(Node e) => e is ConstantExpression { Value: double v } && !double.IsNaN(v);
    }

    Operand Logic(BinaryExpr e, List<Node> body)
    {
        var isAnd = e.Operator == BinaryOperator.And;
        // What decides: false for And, true for Or.
        Node Decides(Operand x) => x.Valid is null ? isAnd ? Not(x.Value) : x.Value : And(x.Valid, isAnd ? Not(x.Value) : x.Value);
        var left = Emit(e.Left, body);
        var decided = Let(Decides(left), body);
        if (IsPlain(e.Right))
        {
            var right = Emit(e.Right, body);
            return Joined(left, right, Let(Or(decided, Decides(right)), body));
        }
        var (value, valid) = (Local(typeof(bool)), Local(typeof(bool)));
        body.Add(Assign(value, Constant(!isAnd)));
        body.Add(Assign(valid, Constant(true)));
        var inner = new List<Node>();
        var lazy = Emit(e.Right, inner);
        var joined = Joined(left, lazy, Let(Decides(lazy), inner));
        inner.Add(Assign(value, joined.Value));
        inner.Add(Assign(valid, joined.Valid ?? Constant(true)));
        body.Add(IfThen(Not(decided), Block(inner)));
        return new Operand(value, valid);

        Operand Joined(Operand x, Operand y, Node settled) => new(
            isAnd ? Not(settled) : settled, Both(x.Valid, y.Valid) is { } both ? Or(settled, both) : null);
    }

    Operand Choose(ConditionalExpr e, List<Node> body)
    {
        var test = Emit(e.Test, body);
        var met = Both(test.Valid, test.Value)!;
        var (value, valid) = (Local(ClrType(e.Type)), Local(typeof(bool)));
        var (then, otherwise) = (new List<Node>(), new List<Node>());
        var (a, b) = (Emit(e.Then, then), Emit(e.Else, otherwise));
        var nullable = a.Valid is not null || b.Valid is not null;
        Take(a, then);
        Take(b, otherwise);
        body.Add(IfThenElse(met, Block(then), Block(otherwise)));
        return new Operand(value, nullable ? valid : null);

        void Take(Operand x, List<Node> into)
        {
            into.Add(Assign(value, x.Value));
            if (nullable) into.Add(Assign(valid, x.Valid ?? Constant(true)));
        }
    }

    Operand Coalesce(CoalesceExpr e, List<Node> body)
    {
        var first = Emit(e.First, body);
        if (first.Valid is null) return first;
        var value = Local(ClrType(e.Type));
        var otherwise = new List<Node>();
        var second = Emit(e.Second, otherwise);
        var valid = second.Valid is null ? null : Local(typeof(bool));
        body.Add(Assign(value, first.Value));
        if (valid is not null) body.Add(Assign(valid, first.Valid));
        otherwise.Add(Assign(value, second.Value));
        if (valid is not null) otherwise.Add(Assign(valid, second.Valid!));
        body.Add(IfThen(Not(first.Valid), Block(otherwise)));
        return new Operand(value, valid);
    }

    /// <summary>A value that is computed only where its inputs are there.</summary>
    Operand Guarded(Type type, Node? valid, List<Node> body, Func<ParameterExpression, List<Node>, Node?> compute)
    {
        var value = Local(type);
        var inner = new List<Node>();
        if (compute(value, inner) is { } result) inner.Add(Assign(value, result));
        if (valid is null)
        {
            body.AddRange(inner);
            return new Operand(value, null);
        }
        body.Add(Assign(value, Default(type)));
        body.Add(IfThen(valid, Block(inner)));
        return new Operand(value, valid);
    }

    /// <summary>Whether an expression is cheap and can not fail, so that it need not be branched around.</summary>
    static bool IsPlain(Expr expr) => !ExprTree.Any(expr, static e => e switch
    {
        ColumnExpr or ConstantExpr => false,
        UnaryExpr u => u.Operator == UnaryOperator.ToInt64 || u.Operator == UnaryOperator.Negate && u.Type == ColumnType.Int64,
        BinaryExpr b => !Operators.IsComparison(b.Operator) && b.Type is ColumnType.Int64 or ColumnType.String || b.Operator == BinaryOperator.Modulo,
        ConditionalExpr or CoalesceExpr => false,
        CallExpr c => !IsCheap(c),
        _ => true,
    });

    /// <summary>The row's arena, put into a local before the loop.</summary>
    ParameterExpression TheArena()
    {
        if (arena is not null) return arena;
        arena = Local(typeof(TextArena));
        setup.Add(Assign(arena, Property(frame, nameof(Frame.Arena))));
        return arena;
    }
}
