using System.Linq.Expressions;
using System.Reflection;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>The parts of a lambda that do not depend on the row: read once, when a job is built.</summary>
static class Constants
{
    internal static bool IsConstant(Expression e)
    {
        var finder = new ParameterFinder();
        finder.Visit(e);
        return !finder.Found;
    }

    internal static bool IsNull(Expression e) => IsConstant(e) && Read(e) is null;

    internal static bool IsSpan(Type type) => (Nullable.GetUnderlyingType(type) ?? type) == typeof(TimeSpan);

    /// <summary>The type on the way: columns' types, spans of time as Int64 microseconds, weekdays as Int64.</summary>
    internal static ColumnType? TypeOf(Type type) =>
        IsSpan(type) || (Nullable.GetUnderlyingType(type) ?? type) == typeof(DayOfWeek) ? ColumnType.Int64 : RecordColumns.TypeOf(type);

    internal static object? Read(Expression e)
    {
        try
        {
            return e switch
            {
                ConstantExpression c => c.Value,
                MemberExpression { Member: FieldInfo field } m => field.GetValue(m.Expression is null ? null : Read(m.Expression)),
                _ => Expression.Lambda(e).Compile(preferInterpretation: true).DynamicInvoke(),
            };
        }
        catch (Exception ex) when (ex is TargetException or TargetInvocationException)
        {
            throw new DefinitionException($"`{e}` is read when the job is built and failed: {(ex.InnerException ?? ex).Message}");
        }
    }

    /// <summary>A CLR value in the normalised representation.</summary>
    internal static object? Normalize(object? value) => value switch
    {
        null or bool or long or double or string => value,
        int v => (long)v,
        short v => (long)v,
        byte v => (long)v,
        DayOfWeek v => (long)v,
        float v => (double)v,
        DateTimeOffset v => Clock.FromTicks(v.UtcTicks),
        DateTime { Kind: DateTimeKind.Local } v => throw new DefinitionException($"The constant {v:O} is local time; use a DateTimeOffset or UTC."),
        DateTime v => Clock.FromTicks(v.Ticks),
        DateOnly v => v.DayNumber - Clock.EpochDay,
        TimeSpan v => Clock.FloorDivide(v.Ticks, TimeSpan.TicksPerMicrosecond),
        _ => throw new DefinitionException($"A constant of type {value.GetType().Name} is not a column's; allowed are {RecordColumns.AllowedTypes}."),
    };

    sealed class ParameterFinder : ExpressionVisitor
    {
        internal bool Found { get; private set; }

        protected override Expression VisitParameter(ParameterExpression node)
        {
            Found = true;
            return node;
        }
    }
}
