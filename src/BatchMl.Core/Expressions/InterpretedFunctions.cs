using System.Text;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>The functions as the interpreter computes them: by .NET's own types, one value at a time.</summary>
static class InterpretedFunctions
{
    internal static object Call(CallExpr e, object[] a)
    {
        switch (e.Function, a[0])
        {
            case (Function.Abs, long v):
                return v == long.MinValue ? throw Fail(e, a, "the result does not fit into 64 bits") : Math.Abs(v);
            case (Function.Min, _):
                return Interpreter.Compare(a[1], a[0]) < 0 ? a[1] : a[0];
            case (Function.Max, _):
                return Interpreter.Compare(a[1], a[0]) > 0 ? a[1] : a[0];
            case (_, double v):
                return Number(e.Function, v, a.Length > 1 ? (double)a[1] : 0);
            case (_, string v):
                return Text(e.Function, v, a);
            case (Function.AddDays, int date):
                var day = date + (Int128)(long)a[1];
                return day >= int.MinValue && day <= int.MaxValue ? (int)day : throw Fail(e, a, "the date does not fit into 32 bits of days");
            case (_, int date):
                return Date(e, a, date);
            case (Function.AddSeconds, long time):
                return Add(e, a, time, 1e6);
            case (Function.AddMinutes, long time):
                return Add(e, a, time, 6e7);
            case (Function.AddHours, long time):
                return Add(e, a, time, 3.6e9);
            case (Function.AddDays, long time):
                return Add(e, a, time, 8.64e10);
            case (Function.MinutesBetween, long time):
                return Between(e, a, time) / 6e7;
            case (Function.HoursBetween, long time):
                return Between(e, a, time) / 3.6e9;
            case (Function.DaysBetween, long time):
                return Between(e, a, time) / 8.64e10;
            case (_, long time):
                return Local(e, a, time);
            default:
                throw new ArgumentException($"{e}: {e.Function} is not defined for {a[0].GetType().Name}.");
        }
    }

    static RowErrorException Fail(CallExpr e, object[] a, string reason) =>
        Interpreter.Fail(e, reason, a.Select((v, i) => ((object?)v, e.Arguments[i].Type)));

    static object Number(Function function, double x, double y) => function switch
    {
        Function.Abs => Math.Abs(x),
        Function.Floor => Math.Floor(x),
        Function.Ceiling => Math.Ceiling(x),
        Function.Round => Math.Round(x),
        Function.Sqrt => Math.Sqrt(x),
        Function.Log => Math.Log(x),
        Function.Exp => Math.Exp(x),
        Function.Pow => Math.Pow(x, y),
        Function.Sin => Math.Sin(x),
        Function.Cos => Math.Cos(x),
        Function.IsNaN => double.IsNaN(x),
        Function.IsFinite => double.IsFinite(x),
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };

    static object Text(Function function, string text, object[] a) => function switch
    {
        Function.Length => (long)text.Length,
        Function.Lower => text.ToLowerInvariant(),
        Function.Upper => text.ToUpperInvariant(),
        Function.Trim => text.Trim(),
        Function.Substring => Substring(text, (long)a[1], (long)a[2]),
        Function.StartsWith => text.StartsWith((string)a[1], StringComparison.Ordinal),
        Function.EndsWith => text.EndsWith((string)a[1], StringComparison.Ordinal),
        Function.Contains => text.Contains((string)a[1], StringComparison.Ordinal),
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };

    static string Substring(string text, long start, long length)
    {
        var from = (int)Math.Clamp(start, 0, text.Length);
        var cut = text.Substring(from, (int)Math.Clamp(length, 0, text.Length - from));
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut));
    }

    static object Date(CallExpr e, object[] a, int days)
    {
        if (!Clock.IsDate(days)) throw Fail(e, a, "the date is not in the years 1 to 9999");
        var date = DateOnly.FromDayNumber(days + Clock.EpochDay);
        return e.Function switch
        {
            Function.Day => (long)date.Day,
            Function.Month => (long)date.Month,
            Function.Year => (long)date.Year,
            Function.DayOfWeek => (long)date.DayOfWeek,
            Function.DayOfYear => (long)date.DayOfYear,
            _ => StartOfDay(e, a, date),
        };
    }

    static long StartOfDay(CallExpr e, object[] a, DateOnly date)
    {
        if (date <= DateOnly.MinValue.AddDays(1) || date >= DateOnly.MaxValue.AddDays(-1))
            throw Fail(e, a, "the date is within two days of the ends of the years 1 to 9999");
        var zone = TimeZoneInfo.FindSystemTimeZoneById((string)a[1]);
        var local = date.ToDateTime(TimeOnly.MinValue);
        // From two days before, minute by minute: the first instant whose local time has come.
        var utc = DateTime.SpecifyKind(local.AddHours(-26), DateTimeKind.Utc);
        while (TimeZoneInfo.ConvertTimeFromUtc(utc, zone) < local) utc = utc.AddMinutes(1);
        // Offsets of the far past have seconds.
        while (TimeZoneInfo.ConvertTimeFromUtc(utc.AddSeconds(-1), zone) >= local) utc = utc.AddSeconds(-1);
        return Clock.FromTicks(utc.Ticks);
    }

    static long Add(CallExpr e, object[] a, long time, double unit)
    {
        var amount = Math.Round((double)a[1] * unit, MidpointRounding.ToEven);
        if (!(amount >= -9223372036854775808.0 && amount < 9223372036854775808.0))
            throw Fail(e, a, "the amount is no number of microseconds in 64 bits");
        var sum = time + (Int128)(long)amount;
        return sum >= long.MinValue && sum <= long.MaxValue ? (long)sum : throw Fail(e, a, "the time does not fit into 64 bits of microseconds");
    }

    static double Between(CallExpr e, object[] a, long time)
    {
        var span = time - (Int128)(long)a[1];
        return span >= long.MinValue && span <= long.MaxValue ? (long)span : throw Fail(e, a, "the span does not fit into 64 bits of microseconds");
    }

    static object Local(CallExpr e, object[] a, long time)
    {
        if (!Clock.IsDateTime(time)) throw Fail(e, a, "the time is not in the years 1 to 9999");
        var utc = Clock.ToDateTime(time);
        var offset = TimeZoneInfo.FindSystemTimeZoneById((string)a[1]).GetUtcOffset(utc);
        var ticks = utc.Ticks + offset.Ticks;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw Fail(e, a, "the local time is not in the years 1 to 9999");
        var local = new DateTime(ticks);
        return e.Function switch
        {
            Function.DateIn => DateOnly.FromDateTime(local).DayNumber - Clock.EpochDay,
            Function.HourIn => (long)local.Hour,
            _ => (object)(long)local.Minute,
        };
    }
}
