using System.Linq.Expressions;
using System.Reflection;

namespace BatchMl.Expressions;

/// <summary>Which C# methods and properties are which <see cref="Function"/>.</summary>
static class Methods
{
    internal static Function? Find(MethodCallExpression call)
    {
        var method = call.Method;
        var (type, name, count) = (method.DeclaringType!, method.Name, method.GetParameters().Length);
        if (type == typeof(Sql) || type == typeof(Math) && count == (name is "Pow" or "Min" or "Max" ? 2 : 1) && IsMath(name))
            return Enum.Parse<Function>(name);
        if (type == typeof(double) && name is "IsNaN" or "IsFinite") return Enum.Parse<Function>(name);
        if (type == typeof(string)) return Text(call, count);
        if ((type == typeof(DateTimeOffset) || type == typeof(DateTime)) && name is "AddSeconds" or "AddMinutes" or "AddHours" or "AddDays" && count == 1)
            return Enum.Parse<Function>(name);
        return type == typeof(DateOnly) && name == nameof(DateOnly.AddDays) ? Function.AddDays : null;
    }

    /// <summary>The operands that the function takes: Substring's length may be missing, a StringComparison is no argument.</summary>
    internal static IEnumerable<Expression> Arguments(MethodCallExpression call, Expression[] operands) => call.Method switch
    {
        { Name: nameof(string.Substring) } when operands.Length == 2 => operands.Append(Expression.Constant(long.MaxValue)),
        { Name: nameof(string.StartsWith) or nameof(string.EndsWith) or nameof(string.Contains) } => operands.Take(2),
        _ => operands,
    };

    internal static Function? Property(MemberInfo member) => member switch
    {
        { Name: nameof(string.Length) } when member.DeclaringType == typeof(string) => Function.Length,
        { Name: "Day" or "Month" or "Year" or "DayOfWeek" or "DayOfYear" } when member.DeclaringType == typeof(DateOnly) => Enum.Parse<Function>(member.Name),
        _ => null,
    };

    /// <summary>Microseconds of the unit of a TimeSpan's total.</summary>
    internal static double? TotalUnit(string property) => property switch
    {
        nameof(TimeSpan.TotalDays) => 8.64e10,
        nameof(TimeSpan.TotalHours) => 3.6e9,
        nameof(TimeSpan.TotalMinutes) => 6e7,
        nameof(TimeSpan.TotalSeconds) => 1e6,
        nameof(TimeSpan.TotalMilliseconds) => 1e3,
        _ => null,
    };

    static bool IsMath(string name) =>
        name is "Abs" or "Floor" or "Ceiling" or "Round" or "Sqrt" or "Log" or "Exp" or "Pow" or "Sin" or "Cos" or "Min" or "Max";

    static Function? Text(MethodCallExpression call, int count) => call.Method.Name switch
    {
        nameof(string.ToLowerInvariant) => Function.Lower,
        nameof(string.ToUpperInvariant) => Function.Upper,
        nameof(string.ToLower) when count == 0 => Function.Lower,
        nameof(string.ToUpper) when count == 0 => Function.Upper,
        nameof(string.Trim) when count == 0 => Function.Trim,
        nameof(string.Substring) => Function.Substring,
        nameof(string.StartsWith) or nameof(string.EndsWith) or nameof(string.Contains)
            when call.Arguments[0].Type == typeof(string) && (count == 1 || count == 2 && Translation.ValueOf(call.Arguments[1]) is StringComparison.Ordinal)
            => Enum.Parse<Function>(call.Method.Name),
        _ => null,
    };
}
