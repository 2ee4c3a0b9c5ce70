using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

/// <summary>C# itself as the oracle, where its meaning and ours are the same.</summary>
public sealed class LambdaOracleTests
{
    const string NewYork = "America/New_York";

    static readonly Flight[] flights = [.. Enumerable.Range(0, 400).Select(Make)];

    static Flight Make(int seed)
    {
        var random = new Random(seed);
        double? Number() => random.Next(4) == 0 ? null : random.Next(-400, 2000) / 8.0;
        var time = new DateTimeOffset(2013, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(random.Next(525_600));
        return new Flight
        {
            Carrier = new[] { "AA", "B6", "ua", "é9" }[random.Next(4)],
            Tailnum = random.Next(3) == 0 ? null : $" N{random.Next(1000)} ",
            Origin = "JFK", Dest = "SFO",
            Minute = random.Next(60), Seats = random.Next(3) == 0 ? null : random.Next(1, 400),
            TimeHour = time, Landed = random.Next(4) == 0 ? null : time.AddSeconds(random.Next(40_000)),
            DepDelay = Number(), Odd = Number(), Distance = random.Next(1, 3000), Ratio = random.Next(8) / 8f,
            Count = random.NextInt64(-1000, 1000), Cancelled = random.Next(2) == 0, Diverted = random.Next(3) == 0 ? null : random.Next(2) == 0,
            Day = new DateOnly(2013, 1, 1).AddDays(random.Next(900)), Built = random.Next(3) == 0 ? null : new DateOnly(1990, 1, 1).AddDays(random.Next(9000)),
            Loaded = time.UtcDateTime.AddMilliseconds(random.Next(1000)),
        };
    }

    static void Same<T>(Expression<Func<Flight, T>> lambda)
    {
        var expr = LambdaTranslator.Translate(lambda);
        var expected = lambda.Compile();
        var columns = RecordColumns.Of(typeof(Flight)).Select(c => new ColumnExpr(c.Name, c.Type)).ToArray();
        var properties = typeof(Flight).GetProperties();
        var batch = CompiledExprTests.Batch(
            [.. columns.Select((c, i) => (c, flights.Select(f => Constants.Normalize(properties[i].GetValue(f))).ToArray()))], flights.Length, 3);
        var result = CompiledExpr.Compile(expr).Evaluate(batch);
        for (var i = 0; i < flights.Length; i++)
            Assert.True(Equals(Constants.Normalize(expected(flights[i])), BatchMl.Data.Columns.ValueAt(result, i)), $"{lambda} row {i}: C# {expected(flights[i])}, here {BatchMl.Data.Columns.ValueAt(result, i)}");
    }

    [Fact]
    public void Arithmetic_and_choices_are_those_of_CSharp()
    {
        Same(f => f.DepDelay + f.Odd * 2);
        Same(f => (f.DepDelay - f.Odd) / f.Distance % 3);
        Same(f => -f.Count * 3 + f.Minute / 7 - f.Minute % 7);
        Same(f => f.Seats * 2 + f.Minute);
        Same(f => (double?)f.Seats / 3);
        Same(f => f.Ratio * 2f);
        Same(f => (int)f.Distance / 60);
        Same(f => (long)(f.Distance / 7));
        Same(f => f.Cancelled ? f.Distance : f.Minute);
        Same(f => f.DepDelay ?? f.Odd ?? -1);
        Same(f => f.DepDelay.HasValue ? f.DepDelay.Value : 0);
        Same(f => f.Seats.GetValueOrDefault(7));
        Same(f => f.Minute != 0 && 60 / f.Minute > 2);
        Same(f => f.DepDelay == null || f.Diverted == null);
        Same(f => f.Diverted & f.Cancelled);
        Same(f => f.Diverted | f.DepDelay.HasValue);
        Same(f => Math.Sqrt(f.Distance) + Math.Floor(f.Distance / 7) + Math.Round(f.Distance / 4) + Math.Pow(f.Distance, 0.3));
        Same(f => Math.Max(f.Minute, f.Count) + Math.Abs(f.Count) + Math.Min(3, f.Minute));
        Same(f => Math.Log(f.Distance) * Math.Sin(f.Distance) + Math.Cos(f.Distance) - Math.Exp(-f.Distance));
        Same(f => UserFunctions.Known(f.DepDelay, f.Diverted));
        Same(f => UserFunctions.Seconds(f.Loaded));
    }

    [Fact]
    public void Text_is_that_of_CSharp()
    {
        Same(f => f.Carrier + "-" + f.Dest);
        Same(f => f.Carrier == "AA" || f.Carrier != "B6");
        Same(f => f.Carrier.ToLowerInvariant() + f.Carrier.ToUpperInvariant());
        Same(f => f.Carrier.Substring(1) + f.Carrier.Substring(0, 1));
        Same(f => f.Carrier.Length);
        Same(f => string.IsNullOrEmpty(f.Tailnum));
        Same(f => f.Tailnum == null ? "none" : f.Tailnum.Trim());
        Same(f => f.Carrier.StartsWith("A", StringComparison.Ordinal) || f.Carrier.EndsWith("9") || f.Carrier.Contains("6"));
    }

    [Fact]
    public void Time_is_that_of_CSharp()
    {
        Same(f => f.TimeHour.AddMinutes(f.Minute));
        Same(f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay));
        Same(f => f.Landed.AddHours(f.Odd));
        Same(f => f.Landed.AddSeconds(f.DepDelay).AddDays(f.Seats));
        Same(f => f.Landed.HasValue && f.Landed > f.TimeHour.AddHours(3));
        Same(f => f.Landed.HasValue ? (f.Landed - f.TimeHour)!.Value.TotalMinutes : -1);
        Same(f => (f.TimeHour - new DateTimeOffset(2013, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalDays);
        Same(f => f.TimeHour + TimeSpan.FromMinutes(90) - TimeSpan.FromSeconds(1));
        Same(f => Sql.MinutesBetween(f.Landed, f.TimeHour) + Sql.HoursBetween(f.TimeHour, f.Landed) + Sql.DaysBetween(f.Landed, f.TimeHour));
        Same(f => f.TimeHour.DateIn(NewYork));
        Same(f => f.Landed.DateIn(NewYork));
        Same(f => f.TimeHour.HourIn(NewYork) * 60 + f.TimeHour.MinuteIn(NewYork));
        Same(f => f.Day.StartOfDay("Europe/Berlin"));
        Same(f => f.Built.StartOfDay("Pacific/Apia"));
        Same(f => f.Day.Year * 10_000 + f.Day.Month * 100 + f.Day.Day + (int)f.Day.DayOfWeek + f.Day.DayOfYear);
        Same(f => f.Day.AddDays(f.Minute) > (f.Built ?? f.Day));
        Same(f => f.Built.AddDays(f.Seats));
        Same(f => f.Day.DayOfWeek == DayOfWeek.Sunday);
        Same(f => f.Loaded.AddDays(0.5) > new DateTime(2013, 6, 1, 0, 0, 0, DateTimeKind.Utc));
    }
}
