using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

public sealed class BoundsTests
{
    static Bounds Of<T>(Expression<Func<Flight, T>> lambda, params (string Column, object? Min, object? Max, long Nulls)[] statistics) =>
        Bounds.Of(LambdaTranslator.Translate(lambda), statistics.ToDictionary(s => s.Column, s => new ColumnStatistics(s.Min, s.Max, s.Nulls)));

    [Fact]
    public void An_event_time_is_bounded_by_the_statistics_of_its_columns()
    {
        var bounds = Of(f => f.TimeHour.AddMinutes(f.Minute + f.DepDelay), ("time_hour", 0L, 3_600_000_000L, 0), ("minute", 0L, 59L, 0), ("dep_delay", -30.0, 100.0, 5));
        Assert.Equal(new Bounds(-1_800_000_000L, 13_140_000_000L, true), bounds);
    }

    [Fact]
    public void A_comparison_that_can_not_be_true_is_false()
    {
        Assert.Equal(new Bounds(false, false, true), Of(f => f.Seats > 100, ("seats", 1L, 100L, 3)));
        Assert.Equal(new Bounds(true, true, false), Of(f => f.Minute >= 0, ("minute", 0L, 59L, 0)));
        Assert.Equal(new Bounds(false, true, false), Of(f => f.Minute > 30, ("minute", 0L, 59L, 0)));
        Assert.Equal(new Bounds(false, false, false), Of(f => f.Minute > 100 && f.Seats > 1, ("minute", 0L, 59L, 0)));
    }

    [Fact]
    public void Statistics_leave_nan_out_so_a_double_column_has_no_upper_bound()
    {
        Assert.Equal(new Bounds(1.0, null, false), Of(f => f.Distance, ("distance", 1.0, 2.0, 0)));
        Assert.Equal(new Bounds(false, true, false), Of(f => f.Distance > 5, ("distance", 1.0, 2.0, 0)));
        Assert.Equal(new Bounds(false, false, false), Of(f => f.Distance < 0, ("distance", 1.0, 2.0, 0)));
    }

    [Fact]
    public void What_overflows_or_is_unknown_is_unbounded()
    {
        Assert.Equal(new Bounds(null, null, false), Of(f => f.Count * 4, ("count", long.MinValue, long.MaxValue, 0)));
        Assert.Equal(Bounds.Any, Of(f => f.Count + f.Minute, ("minute", 1L, 2L, 0)) with { MayBeNull = true });
        Assert.True(Of(f => f.Seats + 1, ("seats", null, null, 7)).Empty);
        Assert.Equal(Bounds.Any, Of(f => f.Seats, ("seats", "a", "b", 7)));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Bounds_contain_every_value(int seed)
    {
        var random = new Random(seed);
        var generator = new RandomExpr(random);
        var (cases, bounded, decided) = (0, 0, 0);
        for (var round = 0; round < 6000; round++)
        {
            var expr = generator.Next((ColumnType)random.Next(6), random.Next(1, 4));
            var rows = random.Next(1, 5);
            var data = RandomExpr.Columns.ToDictionary(c => c.Name, c => Enumerable.Range(0, rows).Select(_ => generator.Value(c.Type)).ToArray());
            var statistics = data.Where(_ => random.Next(10) > 0).ToDictionary(d => d.Key, d =>
            {
                var values = d.Value.Where(v => v is not null and not double.NaN).Order(Comparer<object?>.Create((a, b) => Interpreter.Compare(a!, b!))).ToArray();
                return new ColumnStatistics(values.FirstOrDefault(), values.LastOrDefault(), d.Value.Count(v => v is null));
            });
            var bounds = Bounds.Of(expr, statistics);
            if (bounds.Min is not null || bounds.Max is not null) bounded++;
            if (expr.Type == ColumnType.Boolean && Equals(bounds.Min, bounds.Max)) decided++;
            for (var row = 0; row < rows; row++)
            {
                object? value;
                try
                {
                    value = Interpreter.Evaluate(expr, name => data[name][row]);
                }
                catch (RowErrorException)
                {
                    continue;
                }
                var inside = value is null ? bounds.MayBeNull
                    : !bounds.Empty && (bounds.Min is null || Interpreter.Compare(bounds.Min, value) <= 0) && (bounds.Max is null || Interpreter.Compare(value, bounds.Max) <= 0);
                Assert.True(inside, $"seed {seed} round {round}: {expr} is {value ?? "null"}, bounds {bounds}");
                cases++;
            }
        }
        Assert.True(cases > 8_000 && bounded > 1_500 && decided > 100, $"{cases} cases, {bounded} bounded, {decided} decided");
    }
}
