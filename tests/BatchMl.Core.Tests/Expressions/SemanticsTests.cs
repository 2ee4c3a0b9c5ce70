using System.Linq.Expressions;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

/// <summary>The rules that differ from C#, each with its values written out, and what the errors say.</summary>
public sealed class SemanticsTests
{
    static object? Value(Expression<Func<Flight, object?>> lambda, params (string Column, ColumnType Type, object? Value)[] row)
    {
        var expr = LambdaTranslator.Translate(lambda);
        var batch = CompiledExprTests.Batch([.. row.Select(r => (new ColumnExpr(r.Column, r.Type), new[] { r.Value }))], 1);
        return BatchMl.Data.Columns.ValueAt(CompiledExpr.Compile(expr).Evaluate(batch), 0);
    }

    static string Failure(Expression<Func<Flight, object?>> lambda, params (string Column, ColumnType Type, object? Value)[] row) =>
        Assert.Throws<RowErrorException>(() => Value(lambda, row)).Message;

    static (string, ColumnType, object?) Delay(double? value) => ("dep_delay", ColumnType.Double, value);

    static (string, ColumnType, object?) Number(long? value) => ("count", ColumnType.Int64, value);

    [Fact]
    public void Not_of_a_comparison_with_null_is_null() => Assert.Null(Value(f => !(f.DepDelay > 15), Delay(null)));

    [Fact]
    public void A_null_condition_is_not_met() => Assert.Equal(2L, Value(f => f.DepDelay > 15 ? 1 : 2, Delay(null)));

    [Theory]
    [InlineData(false, null, false)]
    [InlineData(null, false, false)]
    [InlineData(true, null, null)]
    [InlineData(null, null, null)]
    public void And_is_three_valued(bool? a, bool? b, bool? expected)
    {
        var (x, y) = (("cancelled", ColumnType.Boolean, (object?)a), ("diverted", ColumnType.Boolean, (object?)b));
        Assert.Equal(expected, Value(f => f.Cancelled & f.Diverted, x, y));
        Assert.Equal(!expected, Value(f => !f.Cancelled | !f.Diverted, x, y));
    }

    [Fact]
    public void NaN_equals_itself_and_is_greatest()
    {
        Assert.Equal(true, Value(f => f.DepDelay == double.NaN, Delay(double.NaN)));
        Assert.Equal(true, Value(f => f.DepDelay > double.PositiveInfinity, Delay(double.NaN)));
        Assert.Equal(3.0, Value(f => Math.Min(f.DepDelay!.Value, 3), Delay(double.NaN)));
        Assert.Equal(true, Value(f => f.DepDelay == 0, Delay(-0.0)));
    }

    [Fact]
    public void Text_is_ordered_by_its_bytes_not_by_UTF16()
    {
        var (a, b) = (new ColumnExpr("a", ColumnType.String), new ColumnExpr("b", ColumnType.String));
        var less = new BatchMl.Expressions.BinaryExpr(BinaryOperator.Less, a, b, ColumnType.Boolean);
        var batch = CompiledExprTests.Batch([(a, ["\uffee"]), (b, ["𝄞"])], 1);
        Assert.True(string.CompareOrdinal("\uffee", "𝄞") > 0);
        Assert.Equal(true, BatchMl.Data.Columns.ValueAt(CompiledExpr.Compile(less).Evaluate(batch), 0));
    }

    [Fact]
    public void Times_are_rounded_to_the_even_microsecond()
    {
        var time = ("time_hour", ColumnType.Timestamp, (object?)0L);
        Assert.Equal(2L, Value(f => f.TimeHour.AddSeconds(f.DepDelay), time, Delay(2.5e-6)));
        Assert.Equal(4L, Value(f => f.TimeHour.AddSeconds(f.DepDelay), time, Delay(3.5e-6)));
    }

    [Fact]
    public void A_failing_row_says_what_was_computed_and_from_what()
    {
        Assert.Equal("row 0: (count div minute): division by zero; operands 7, 0", Failure(f => f.Count / f.Minute, Number(7), ("minute", ColumnType.Int64, 0L)));
        Assert.Equal("row 0: (count + 1): the result does not fit into 64 bits; operands 9223372036854775807, 1", Failure(f => f.Count + 1, Number(long.MaxValue)));
        Assert.Equal("row 0: int64(distance): the number does not fit into 64 bits; operands NaN", Failure(f => (int)f.Distance, ("distance", ColumnType.Double, double.NaN)));
        Assert.Equal(
            "row 0: AddMinutes(time_hour, dep_delay): the amount is no number of microseconds in 64 bits; operands 1970-01-01T00:00:00Z, Infinity",
            Failure(f => f.TimeHour.AddMinutes(f.DepDelay), ("time_hour", ColumnType.Timestamp, 0L), Delay(double.PositiveInfinity)));
        Assert.Equal(
            "row 0: DateIn(time_hour, 'UTC'): the time is not in the years 1 to 9999; operands 9223372036854775807us, 'UTC'",
            Failure(f => f.TimeHour.DateIn("UTC"), ("time_hour", ColumnType.Timestamp, long.MaxValue)));
        Assert.EndsWith(
            "UserFunctions.Half(distance, minute): the function threw: three; operands 1.0, 3",
            Failure(f => UserFunctions.Half(f.Distance, f.Minute), ("distance", ColumnType.Double, 1.0), ("minute", ColumnType.Int64, 3L)));
    }

    [Fact]
    public void Only_the_branch_that_is_taken_can_fail()
    {
        var zero = ("minute", ColumnType.Int64, (object?)0L);
        Assert.Equal(-1L, Value(f => f.Minute == 0 ? -1 : 60 / f.Minute, zero));
        Assert.Equal(false, Value(f => f.Minute != 0 && 60 / f.Minute > 1, zero));
        Assert.Equal(5L, Value(f => f.Seats ?? 60 / f.Minute, zero, ("seats", ColumnType.Int64, 5L)));
    }

    [Fact]
    public void A_failing_row_is_null_and_the_others_go_on()
    {
        var expr = LambdaTranslator.Translate((Flight f) => 60 / f.Minute);
        var batch = CompiledExprTests.Batch([(new ColumnExpr("minute", ColumnType.Int64), [5L, 0L, null, 0L])], 4);
        var errors = new List<RowError>();
        var result = CompiledExpr.Compile(expr).Evaluate(batch, errors);
        Assert.Equal([12L, null, null, null], Enumerable.Range(0, 4).Select(i => BatchMl.Data.Columns.ValueAt(result, i)));
        Assert.Equal([1, 3], errors.Select(e => e.Row));
    }

    [Fact]
    public void A_column_that_is_missing_or_of_another_type_is_named()
    {
        var compiled = CompiledExpr.Compile(LambdaTranslator.Translate((Flight f) => f.DepDelay > 15));
        var other = CompiledExprTests.Batch([(new ColumnExpr("arr_delay", ColumnType.Double), [1.0])], 1);
        Assert.Equal("There is no column 'dep_delay', which (dep_delay > 15.0) reads; there are arr_delay.", Assert.Throws<DataException>(() => compiled.Evaluate(other)).Message);
        var text = CompiledExprTests.Batch([(new ColumnExpr("dep_delay", ColumnType.String), ["1"])], 1);
        Assert.Contains("Column 'dep_delay' is String (Arrow utf8), expected Double in (dep_delay > 15.0)", Assert.Throws<DataException>(() => compiled.Evaluate(text)).Message);
    }

    [Fact]
    public void Narrow_and_dictionary_columns_are_widened_on_the_way()
    {
        var carriers = new DictionaryArray(new Apache.Arrow.Types.DictionaryType(Apache.Arrow.Types.Int8Type.Default, Apache.Arrow.Types.StringType.Default, false),
            new Int8Array.Builder().Append(1).Append(0).AppendNull().Build(), new StringArray.Builder().Append("AA").Append("B6").Build());
        var minutes = new Int16Array.Builder().Append(1).Append(2).Append(3).Build();
        var batch = new RecordBatch(new Schema([new Field("carrier", carriers.Data.DataType, true), new Field("minute", minutes.Data.DataType, true)], null), [carriers, minutes], 3);
        var result = CompiledExpr.Compile(LambdaTranslator.Translate((Flight f) => f.Carrier == "AA" ? f.Minute : -f.Minute)).Evaluate(batch);
        Assert.Equal([-1L, 2L, -3L], Enumerable.Range(0, 3).Select(i => BatchMl.Data.Columns.ValueAt(result, i)));
    }

    [Fact]
    public void An_equal_expression_is_compiled_once() => Assert.Same(
        CompiledExpr.Compile(LambdaTranslator.Translate((Flight f) => f.Distance * 2)), CompiledExpr.Compile(LambdaTranslator.Translate((Flight f) => f.Distance * 2)));
}
