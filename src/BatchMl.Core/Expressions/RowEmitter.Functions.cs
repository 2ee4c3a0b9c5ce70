using System.Linq.Expressions;
using System.Reflection;
using BatchMl.Data;
using static System.Linq.Expressions.Expression;
using F = BatchMl.Expressions.Function;
using Node = System.Linq.Expressions.Expression;

namespace BatchMl.Expressions;

sealed partial class RowEmitter
{
    static bool IsCheap(CallExpr e) => e.Function is F.Floor or F.Ceiling or F.Round or F.Sqrt or F.Min or F.Max or F.IsNaN or F.IsFinite
        or F.StartsWith or F.EndsWith || e.Function == F.Abs && e.Type == ColumnType.Double;

    Operand Function(CallExpr e, List<Node> body)
    {
        var zone = Signatures.TakesZone(e.Function) ? TheZone((string)((ConstantExpr)e.Arguments[1]).Value!) : null;
        var arguments = e.Arguments.Take(zone is null ? e.Arguments.Count : 1).Select(a => Emit(a, body)).ToArray();
        var valid = arguments.Select(a => a.Valid).Aggregate(Both);
        if (valid is not null) valid = Let(valid, body);
        var a = arguments[0].Value;
        var b = arguments.Length > 1 ? arguments[1].Value : null;
        switch (e.Function)
        {
            case F.Abs when e.Type == ColumnType.Int64:
                FailIf(Equal(a, Constant(long.MinValue)), valid, body);
                return Let(Condition(LessThan(a, Constant(0L)), Negate(a), a), valid, body);
            case F.Abs or F.Floor or F.Ceiling or F.Round or F.Sqrt:
                return Let(MathCall(e.Function, a), valid, body);
            case F.Log or F.Exp or F.Sin or F.Cos:
                return Guarded(typeof(double), valid, body, (_, _) => MathCall(e.Function, a));
            case F.Pow:
                return Guarded(typeof(double), valid, body, (_, _) => MathCall(e.Function, a, b!));
            case F.Min or F.Max:
                return Let(Op(e.Function.ToString(), a, b!), valid, body);
            case F.IsNaN or F.IsFinite:
                return Let(Call(typeof(double), e.Function.ToString(), null, a), valid, body);
            case F.Length or F.StartsWith or F.EndsWith or F.Contains:
                return Guarded(ClrType(e.Type), valid, body, (_, _) => Call(typeof(Text), e.Function.ToString(), null, b is null ? [a] : [a, b]));
            case F.Lower or F.Upper or F.Trim or F.Substring:
                return Guarded(typeof(Text), valid, body, (_, _) =>
                    Call(TheArena(), e.Function.ToString(), null, [.. arguments.Select(x => x.Value)]));
            case F.AddDays when e.Type == ColumnType.Date:
                return AddDays(a, b!, valid, body);
            case F.AddSeconds:
                return AddTime(a, b!, 1e6, valid, body);
            case F.AddMinutes:
                return AddTime(a, b!, 6e7, valid, body);
            case F.AddHours:
                return AddTime(a, b!, 3.6e9, valid, body);
            case F.AddDays:
                return AddTime(a, b!, 8.64e10, valid, body);
            case F.MinutesBetween:
                return Between(arguments, 6e7, valid, body);
            case F.HoursBetween:
                return Between(arguments, 3.6e9, valid, body);
            case F.DaysBetween:
                return Between(arguments, 8.64e10, valid, body);
            case F.Day or F.Month or F.Year or F.DayOfWeek or F.DayOfYear:
                return Guarded(typeof(long), valid, body, (_, into) =>
                {
                    FailIf(Not(Call(typeof(Clock), nameof(Clock.IsDate), null, a)), null, into);
                    return Op(e.Function.ToString(), a);
                });
            case F.StartOfDay:
                return Guarded(typeof(long), valid, body, (value, into) =>
                {
                    FailIf(Not(Call(typeof(Clock), nameof(Clock.IsDate), null, a)), null, into);
                    var local = Multiply(Convert(a, typeof(long)), Constant(Clock.DayMicroseconds));
                    FailIf(Not(Call(zone!, nameof(Zone.TryInstant), null, local, value)), null, into);
                    return null;
                });
            default:
                return Local(e, a, zone!, valid, body);
        }
    }

    static Node MathCall(F function, params Node[] arguments) =>
        Call(typeof(Math).GetMethod(function.ToString(), [.. arguments.Select(_ => typeof(double))])!, arguments);

    Operand AddDays(Node date, Node days, Node? valid, List<Node> body)
    {
        var start = Convert(date, typeof(long));
        var sum = Let(Add(start, days), body);
        FailIf(Or(Op(nameof(RowOps.AddOverflows), start, days, sum), Not(Op(nameof(RowOps.Fits32), sum))), valid, body);
        return Let(Convert(sum, typeof(int)), valid, body);
    }

    Operand AddTime(Node time, Node amount, double unit, Node? valid, List<Node> body)
    {
        var exact = Let(MathCall(F.Round, Multiply(amount, Constant(unit))), body);
        FailIf(Not(Op(nameof(RowOps.FitsInt64), exact)), valid, body);
        var micros = Let(Convert(exact, typeof(long)), body);
        var sum = Let(Add(time, micros), body);
        FailIf(Op(nameof(RowOps.AddOverflows), time, micros, sum), valid, body);
        return new Operand(sum, valid);
    }

    Operand Between(Operand[] arguments, double unit, Node? valid, List<Node> body) =>
        Let(Divide(Convert(CheckedDifference(arguments[0], arguments[1], valid, body), typeof(double)), Constant(unit)), valid, body);

    Operand Local(CallExpr e, Node time, Node zone, Node? valid, List<Node> body) => Guarded(ClrType(e.Type), valid, body, (_, into) =>
    {
        FailIf(Not(Call(typeof(Clock), nameof(Clock.IsDateTime), null, time)), null, into);
        var local = Let(Add(time, Call(zone, nameof(Zone.Offset), null, time)), into);
        FailIf(Not(Call(typeof(Clock), nameof(Clock.IsDateTime), null, local)), null, into);
        return Op(e.Function switch { F.DateIn => nameof(RowOps.DateOf), F.HourIn => nameof(RowOps.HourOf), _ => nameof(RowOps.MinuteOf) }, local);
    });

    ParameterExpression TheZone(string id)
    {
        var zone = Local(typeof(Zone));
        setup.Add(Assign(zone, Constant(Zone.Of(id))));
        return zone;
    }

    Operand User(UserCallExpr e, List<Node> body)
    {
        var parameters = e.Method.GetParameters();
        var arguments = e.Arguments.Select(a => Emit(a, body)).ToArray();
        var needed = arguments.Where((_, i) => !UserValues.TakesNull(parameters[i])).Select(a => a.Valid).Aggregate((Node?)null, Both);
        var (value, valid) = (Local(ClrType(e.Type)), Local(typeof(bool)));
        var result = Local(e.Method.ReturnType);
        var succeeded = Local(typeof(bool));
        var call = Call(e.Method, arguments.Select((a, i) => ToClr(a, e.Arguments[i].Type, parameters[i])));
        var (there, plain) = FromClr(result);
        Node[] attempt =
        [
            Assign(succeeded, Constant(false)),
            TryCatch(
                Block(typeof(void), Assign(result, call), Assign(valid, there), IfThen(valid, Assign(value, plain)), Assign(succeeded, Constant(true))),
                Catch(typeof(Exception), Empty())),
        ];
        var inner = new List<Node>(attempt);
        FailIf(Not(succeeded), null, inner);
        body.Add(Assign(value, Default(value.Type)));
        body.Add(Assign(valid, Constant(false)));
        body.Add(needed is null ? Block(inner) : IfThen(needed, Block(inner)));
        return new Operand(value, valid);
    }

    static Node ToClr(Operand x, ColumnType type, ParameterInfo parameter)
    {
        var plain = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        Node value = type switch
        {
            ColumnType.String => Call(typeof(Text), nameof(Text.Decode), null, x.Value),
            ColumnType.Date => Call(typeof(UserValues), nameof(UserValues.Date), null, x.Value),
            ColumnType.Timestamp => Call(typeof(UserValues), nameof(UserValues.Instant), null, x.Value),
            _ => x.Value,
        };
        if (plain == typeof(DateTime)) value = Property(value, nameof(DateTimeOffset.UtcDateTime));
        if (value.Type != plain) value = plain == typeof(float) ? Convert(value, plain) : ConvertChecked(value, plain);
        if (plain != parameter.ParameterType) value = Convert(value, parameter.ParameterType);
        return UserValues.TakesNull(parameter) && x.Valid is not null ? Condition(x.Valid, value, Default(parameter.ParameterType)) : value;
    }

    /// <summary>Whether a function's result is there, and its normalised value.</summary>
    (Node There, Node Value) FromClr(Node result)
    {
        if (result.Type == typeof(string)) return (NotEqual(result, Constant(null, typeof(string))), Call(TheArena(), nameof(TextArena.Encode), null, result));
        var nullable = Nullable.GetUnderlyingType(result.Type) is not null;
        var plain = nullable ? Property(result, "Value") : result;
        Node value = plain.Type == typeof(DateTimeOffset) ? Call(typeof(Clock), nameof(Clock.FromTicks), null, Property(plain, nameof(DateTimeOffset.UtcTicks)))
            : plain.Type == typeof(DateTime) ? Call(typeof(Clock), nameof(Clock.FromTicks), null, Property(plain, nameof(DateTime.Ticks)))
            : plain.Type == typeof(DateOnly) ? Subtract(Property(plain, nameof(DateOnly.DayNumber)), Constant(Clock.EpochDay))
            : plain.Type == typeof(float) ? Convert(plain, typeof(double))
            : plain.Type == typeof(bool) || plain.Type == typeof(double) || plain.Type == typeof(long) ? plain
            : Convert(plain, typeof(long));
        return (nullable ? Property(result, "HasValue") : Constant(true), value);
    }
}
