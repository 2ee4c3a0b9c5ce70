using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

public sealed record Flight
{
    public required string Carrier { get; init; }
    public string? Tailnum { get; init; }
    public required string Origin { get; init; }
    public required string Dest { get; init; }
    public int Flight_ { get; init; }
    public int Minute { get; init; }
    public int? Seats { get; init; }
    public DateTimeOffset TimeHour { get; init; }
    public DateTimeOffset? Landed { get; init; }
    public double? DepDelay { get; init; }
    public float Ratio { get; init; }
    public double Distance { get; init; }
    public long Count { get; init; }
    public bool Cancelled { get; init; }
    public bool? Diverted { get; init; }
    public DateOnly Day { get; init; }
    public DateOnly? Built { get; init; }
    public DateTime Loaded { get; init; }
    [Column("weird name")] public double? Odd { get; init; }
}

public sealed class LambdaTranslatorTests
{
    static string Text<T>(Expression<Func<Flight, T>> lambda) => LambdaTranslator.Translate(lambda).ToString();

    [FeatureFunction]
    static double Twice(double x) => 2 * x;

    [FeatureFunction]
    static decimal Money(double x) => (decimal)x;

    static double Unmarked(double x) => x;

    [Fact]
    public void Lambdas_become_stable_text()
    {
        var limit = 15;
        string? nothing = null;
        Assert.Equal("(dep_delay > 15.0)", Text(f => f.DepDelay > limit));
        Assert.Equal("AddMinutes(time_hour, double(minute))", Text(f => f.TimeHour.AddMinutes(f.Minute)));
        Assert.Equal("AddMinutes(time_hour, (double(minute) + dep_delay))", Text(f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay)));
        Assert.Equal("AddHours(landed, 1.0)", Text(f => f.Landed.AddHours(1)));
        Assert.Equal("(not (dep_delay > 15.0))", Text(f => !(f.DepDelay > 15)));
        Assert.Equal("(dep_delay is null)", Text(f => f.DepDelay == null));
        Assert.Equal("(tailnum is not null)", Text(f => f.Tailnum != null));
        Assert.Equal("(tailnum is null)", Text(f => f.Tailnum == nothing));
        Assert.Equal("(landed is not null)", Text(f => f.Landed.HasValue));
        Assert.Equal("coalesce(dep_delay, 0.0)", Text(f => f.DepDelay ?? 0));
        Assert.Equal("coalesce(double(seats), dep_delay)", Text(f => f.Seats ?? f.DepDelay));
        Assert.Equal("if(cancelled, 1, 0)", Text(f => f.Cancelled ? 1 : 0));
        Assert.Equal("if(cancelled, 1.0, 0.0)", Text(f => (double)(f.Cancelled ? 1 : 0)));
        Assert.Equal("((origin + '-') + dest)", Text(f => f.Origin + "-" + f.Dest));
        Assert.Equal("(minute div 2)", Text(f => f.Minute / 2));
        Assert.Equal("(distance / 2.0)", Text(f => f.Distance / 2));
        Assert.Equal("int64((distance / 100.0))", Text(f => (int)(f.Distance / 100)));
        Assert.Equal("(ratio * 2.0)", Text(f => f.Ratio * 2f));
        Assert.Equal("(carrier = 'O''Hare')", Text(f => f.Carrier == "O'Hare"));
        Assert.Equal("StartsWith(carrier, 'A')", Text(f => f.Carrier.StartsWith("A")));
        Assert.Equal("StartsWith(carrier, 'A')", Text(f => f.Carrier.StartsWith("A", StringComparison.Ordinal)));
        Assert.Equal("Substring(tailnum, 1, 9223372036854775807)", Text(f => f.Tailnum!.Substring(1)));
        Assert.Equal("((tailnum is null) or (tailnum = ''))", Text(f => string.IsNullOrEmpty(f.Tailnum)));
        Assert.Equal("DateIn(time_hour, 'America/New_York')", Text(f => f.TimeHour.DateIn("America/New_York")));
        Assert.Equal("DayOfWeek(DateIn(landed, 'UTC'))", Text(f => (int)f.Landed.DateIn("UTC")!.Value.DayOfWeek));
        Assert.Equal("(DayOfWeek(day) = 0)", Text(f => f.Day.DayOfWeek == DayOfWeek.Sunday));
        Assert.Equal("(double((landed - time_hour)) / 60000000.0)", Text(f => (f.Landed - f.TimeHour)!.Value.TotalMinutes));
        Assert.Equal("((landed - time_hour) > 300000000)", Text(f => f.Landed - f.TimeHour > TimeSpan.FromMinutes(5)));
        Assert.Equal("AddSeconds(time_hour, 300.0)", Text(f => f.TimeHour + TimeSpan.FromMinutes(5)));
        Assert.Equal("HoursBetween(landed, time_hour)", Text(f => Sql.HoursBetween(f.Landed, f.TimeHour)));
        Assert.Equal("(time_hour >= 2013-10-01T00:00:00Z)", Text(f => f.TimeHour >= new DateTimeOffset(2013, 10, 1, 0, 0, 0, TimeSpan.Zero)));
        Assert.Equal("(built < 2000-02-29)", Text(f => f.Built < new DateOnly(2000, 2, 29)));
        Assert.Equal("(\"weird name\" + 1.0)", Text(f => f.Odd + 1));
        Assert.Equal("Max(distance, 1.0)", Text(f => Math.Max(f.Distance, 1)));
        Assert.Equal("Abs(double(minute))", Text(f => Math.Abs((double)f.Minute)));
        Assert.Equal("coalesce(dep_delay, 0.0)", Text(f => f.DepDelay.GetValueOrDefault()));
        Assert.EndsWith("LambdaTranslatorTests.Twice(distance)", Text(f => Twice(f.Distance)));
        Assert.Equal("((cancelled = false) and ((diverted or (distance > 1E+20)) = true))", Text(f => f.Cancelled == false && (f.Diverted | f.Distance > 1e20) == true));
    }

    [Fact]
    public void Expressions_are_compared_by_value_and_list_their_columns()
    {
        var (a, b) = (LambdaTranslator.Translate((Flight f) => f.DepDelay > 15), LambdaTranslator.Translate((Flight f) => f.DepDelay > 15));
        Assert.Equal(a, b);
        Assert.Equal(a.GetHashCode(), b.GetHashCode());
        Assert.Equal(["origin", "dest"], LambdaTranslator.Translate((Flight f) => f.Origin + f.Dest + f.Origin).Columns());
        Assert.NotEqual(new ConstantExpr(0.0, ColumnType.Double), new ConstantExpr(-0.0, ColumnType.Double));
        var shorter = a.Substitute(c => new BinaryExpr(BinaryOperator.Add, c, c, c.Type));
        Assert.Equal("((dep_delay + dep_delay) > 15.0)", shorter.ToString());
        Assert.Throws<ArgumentException>(() => a.Substitute(c => new ConstantExpr(1L, ColumnType.Int64)));
    }

    [Fact]
    public void Key_selectors_name_their_columns()
    {
        static string Columns(Expression<Func<Flight, object?>> lambda) =>
            string.Join("; ", LambdaTranslator.TranslateColumns(lambda).Select(c => $"{c.Name}: {c.Expr}"));
        Assert.Equal("origin: origin", Columns(f => f.Origin));
        Assert.Equal("minute: minute", Columns(f => f.Minute));
        Assert.Equal("weird name: \"weird name\"", Columns(f => f.Odd));
        Assert.Equal("carrier: carrier; route: (origin + dest); weird name: \"weird name\"", Columns(f => new { f.Carrier, Route = f.Origin + f.Dest, f.Odd }));
        Assert.Contains("has no name", Assert.Throws<DefinitionException>(() => Columns(f => f.Origin + f.Dest)).Message);
        Assert.Contains("named 'origin'", Assert.Throws<DefinitionException>(() => Columns(f => new { f.Origin, origin = f.Dest })).Message);
    }

    [Fact]
    public void Windows_share_equal_aggregates()
    {
        static (string, string) Window<T>(Expression<Func<Window<Flight>, T>> lambda)
        {
            var (aggregates, result) = LambdaTranslator.TranslateWindow(lambda);
            return (string.Join("; ", aggregates), result.ToString());
        }
        Assert.Equal(("Mean(dep_delay)", "$0"), Window(w => w.Mean(f => f.DepDelay)));
        Assert.Equal(("Share((dep_delay > 15.0))", "$0"), Window(w => w.Share(f => f.DepDelay > 15)));
        Assert.Equal(("Count()", "($0 = 0)"), Window(w => w.Count() == 0));
        Assert.Equal(("CountWhere(cancelled); Count()", "(double($0) / double($1))"), Window(w => (double)w.Count(f => f.Cancelled) / w.Count()));
        Assert.Equal(("Max(dep_delay); Min(dep_delay)", "(($0 - $1) / $0)"), Window(w => (w.Max(f => f.DepDelay) - w.Min(f => f.DepDelay)) / w.Max(f => f.DepDelay)));
        Assert.Equal(("Sum(seats)", "$0"), Window(w => w.Sum(f => f.Seats)));
        Assert.Equal(("Mean(double(minute))", "$0"), Window(w => w.Mean(f => f.Minute)));
        Assert.Equal(("Last(tailnum)", "$0"), Window(w => w.Last(f => f.Tailnum)));
        Assert.Equal(("Quantile(dep_delay, 0.9)", "$0"), Window(w => w.Quantile(0.9, f => f.DepDelay)));
        Assert.Contains("expected 0 to 1", Assert.Throws<DefinitionException>(() => Window(w => w.Quantile(90, f => f.DepDelay))).Message);
        Assert.Contains("no aggregate", Assert.Throws<DefinitionException>(() => Window(w => 1)).Message);
    }

    [Fact]
    public void Derived_features_are_bound_to_the_columns_there_are()
    {
        static Expr Derived<T>(Expression<Func<Row, T>> lambda) => LambdaTranslator.Translate(lambda);
        var types = new Dictionary<string, ColumnType> { ["n30"] = ColumnType.Int64, ["prev30"] = ColumnType.Double };
        var trend = Derived(row => row.Number("n30") / row.Number("prev30"));
        Assert.Equal("(double(n30) / prev30)", trend.Bind(types, "trend").ToString());
        var wrong = Assert.Throws<DefinitionException>(() => Derived(row => row.Text("n30") + row.Text("plan")).Bind(types, "derived feature 'x'"));
        Assert.Equal(
            ["derived feature 'x': column 'n30' is read as String but is Int64; read it as Int64.", "derived feature 'x': there is no column 'plan'; there are n30, prev30."],
            wrong.Problems);
        Assert.Contains("must be a constant", Assert.Throws<DefinitionException>(() => Derived(row => row.Number(row.Text("x")!))).Message);
    }

    [Fact]
    public void What_can_not_be_expressed_is_named_with_what_is_allowed()
    {
        static void Refused<T>(Expression<Func<Flight, T>> lambda, string part, string reason)
        {
            var message = Assert.Throws<DefinitionException>(() => LambdaTranslator.Translate(lambda)).Message;
            Assert.StartsWith($"`{part}`", message);
            Assert.Contains(reason, message);
            Assert.Contains("Allowed are", message);
        }
        Refused(f => f.TimeHour.Hour, "f.TimeHour.Hour", "depend on a zone");
        Refused(f => f.Carrier.PadLeft(3), "f.Carrier.PadLeft(3)", "PadLeft");
        Refused(f => f.Carrier[0] == 'A', "f.Carrier.get_Chars(0)", "not known");
        Refused(f => f.ToString(), "f.ToString()", "methods of the record");
        Refused(f => Unmarked(f.Distance), "Unmarked(f.Distance)", "not known");
        Refused(f => Money(f.Distance), "Money(f.Distance)", "Decimal is not a column's type");
        Refused(f => (decimal)f.Distance, "Convert(f.Distance, Decimal)", "can not be cast to Decimal");
        Refused(f => f.Minute << 2, "(f.Minute << 2)", "LeftShift has no meaning");
        Refused(f => f.Landed - f.TimeHour, "(f.Landed - Convert(f.TimeHour, Nullable`1))", "take .TotalMinutes");
        Refused(f => f.TimeHour.DateIn(f.Origin), "f.TimeHour.DateIn(f.Origin)", "the zone must be a constant");
        Refused(f => f.Origin + f.Minute, "(f.Origin + Convert(f.Minute, Object))", "String and Int64 are different types");
        Refused(f => new[] { f.Origin }, "new [] {f.Origin}", "NewArrayInit has no meaning");
    }

    [Fact]
    public void An_unknown_zone_and_a_failing_constant_are_definition_errors()
    {
        int? none = null;
        Assert.Contains("'Europe/Nowhere' is not a time zone", Assert.Throws<DefinitionException>(() => Text(f => f.TimeHour.DateIn("Europe/Nowhere"))).Message);
        Assert.Contains("is read when the job is built and failed", Assert.Throws<DefinitionException>(() => Text(f => f.Minute + none!.Value)).Message);
        Assert.Contains("is local time", Assert.Throws<DefinitionException>(() => Text(f => f.Loaded > new DateTime(2013, 1, 1, 0, 0, 0, DateTimeKind.Local))).Message);
    }
}
