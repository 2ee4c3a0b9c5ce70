using Type = BatchMl.Data.ColumnType;

namespace BatchMl.Expressions;

/// <summary>Argument and result types of <see cref="Function"/>; a function may have more than one signature.</summary>
static class Signatures
{
    /// <summary>Arguments, then the result.</summary>
    internal static IReadOnlyList<Type[]> Of(Function function) => function switch
    {
        Function.Abs => [[Type.Int64, Type.Int64], [Type.Double, Type.Double]],
        Function.Floor or Function.Ceiling or Function.Round or Function.Sqrt or Function.Log or Function.Exp or Function.Sin or Function.Cos =>
            [[Type.Double, Type.Double]],
        Function.Pow => [[Type.Double, Type.Double, Type.Double]],
        Function.Min or Function.Max => [[Type.Int64, Type.Int64, Type.Int64], [Type.Double, Type.Double, Type.Double]],
        Function.IsNaN or Function.IsFinite => [[Type.Double, Type.Boolean]],
        Function.Length => [[Type.String, Type.Int64]],
        Function.Lower or Function.Upper or Function.Trim => [[Type.String, Type.String]],
        Function.Substring => [[Type.String, Type.Int64, Type.Int64, Type.String]],
        Function.StartsWith or Function.EndsWith or Function.Contains => [[Type.String, Type.String, Type.Boolean]],
        Function.AddSeconds or Function.AddMinutes or Function.AddHours => [[Type.Timestamp, Type.Double, Type.Timestamp]],
        Function.AddDays => [[Type.Date, Type.Int64, Type.Date], [Type.Timestamp, Type.Double, Type.Timestamp]],
        Function.DateIn => [[Type.Timestamp, Type.String, Type.Date]],
        Function.HourIn or Function.MinuteIn => [[Type.Timestamp, Type.String, Type.Int64]],
        Function.Day or Function.Month or Function.Year or Function.DayOfWeek or Function.DayOfYear => [[Type.Date, Type.Int64]],
        Function.StartOfDay => [[Type.Date, Type.String, Type.Timestamp]],
        Function.MinutesBetween or Function.HoursBetween or Function.DaysBetween => [[Type.Timestamp, Type.Timestamp, Type.Double]],
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };

    internal static bool TakesZone(Function function) => function is Function.DateIn or Function.HourIn or Function.MinuteIn or Function.StartOfDay;

    /// <summary>The call, Int64 arguments widened where only Double is taken; null when no signature fits.</summary>
    /// <exception cref="DefinitionException">A zone that does not exist.</exception>
    internal static CallExpr? Call(Function function, IReadOnlyList<Expr> arguments)
    {
        foreach (var signature in Of(function))
        {
            if (signature.Length != arguments.Count + 1) continue;
            var fitted = arguments.Select((a, i) => a.Type == signature[i] ? a : a.Type == Type.Int64 && signature[i] == Type.Double ? Numbers.Widen(a) : null).ToArray();
            if (fitted.Any(a => a is null)) continue;
            if (TakesZone(function))
            {
                if (fitted[1] is not ConstantExpr { Value: string zone }) return null;
                _ = Zone.Of(zone);
            }
            return new CallExpr(function, [.. fitted!], signature[^1]);
        }
        return null;
    }
}
