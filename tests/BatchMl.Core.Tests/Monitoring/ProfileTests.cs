using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Monitoring;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class ProfileTests
{
    internal static RecordBatch Batch(IEnumerable<double?> numbers, IEnumerable<string?> texts)
    {
        var (number, text) = (new DoubleArray.Builder(), new StringArray.Builder());
        foreach (var v in numbers) number.Append(v);
        foreach (var t in texts)
        {
            if (t is null) text.AppendNull();
            else text.Append(t);
        }
        var (a, b) = (number.Build(), text.Build());
        return new RecordBatch(new Schema([new Field("x", DoubleType.Default, true), new Field("carrier", StringType.Default, true)], null), [a, b], a.Length);
    }

    static Profile Of(double?[] numbers, string?[] texts, int batch)
    {
        var builder = new ProfileBuilder();
        for (var from = 0; from < numbers.Length; from += batch) builder.Add(Batch(numbers.Skip(from).Take(batch), texts.Skip(from).Take(batch)));
        return builder.Build();
    }

    static (double?[] Numbers, string?[] Texts) Rows(int count, int seed)
    {
        var random = new Random(seed);
        return ([.. Enumerable.Range(0, count).Select(_ => random.Next(10) switch { 0 => (double?)null, 1 => double.NaN, _ => random.NextDouble() * 100 })],
            [.. Enumerable.Range(0, count).Select(_ => random.Next(12) is var i and > 0 ? "c" + i : null)]);
    }

    [Fact]
    public void Where_batches_begin_does_not_matter()
    {
        var (numbers, texts) = Rows(20_000, 1);
        var whole = Of(numbers, texts, 20_000).ToJson();
        Assert.Equal(whole, Of(numbers, texts, 777).ToJson());
        Assert.Equal(whole, Of(numbers, texts, 4_096).ToJson());
    }

    [Fact]
    public void Counts_are_exact_and_nan_is_missing_but_not_null()
    {
        var column = Of([1, null, double.NaN, 3], ["a", "b", "a", null], 4);
        var x = column.Column("x")!;
        Assert.Equal((4L, 1L, 1L, 0.5, 2.0), (x.Rows, x.Nulls, x.NaNs, x.MissingShare, x.Mean));
        Assert.Equal((1.0, 3.0, 4.0), (x.Min, x.Max, x.Sum));
        Assert.Equal([new CategoryCount("a", 2), new CategoryCount("b", 1)], column.Column("carrier")!.Categories!);
        Assert.Null(column.Column("none"));
    }

    [Fact]
    public void Merged_parts_are_the_whole()
    {
        var (numbers, texts) = Rows(3_000, 2);
        var whole = Of(numbers, texts, 3_000);
        var merged = Of(numbers[..1_000], texts[..1_000], 100).Merge(Of(numbers[1_000..], texts[1_000..], 100));
        Assert.Equal(whole.Rows, merged.Rows);
        foreach (var (a, b) in whole.Columns.Zip(merged.Columns))
        {
            Assert.Equal((a.Rows, a.Nulls, a.NaNs, a.Min, a.Max, a.OtherCategories), (b.Rows, b.Nulls, b.NaNs, b.Min, b.Max, b.OtherCategories));
            Assert.Equal(a.Categories, b.Categories);
            Assert.Equal(a.Quantiles?.Weighted().Values, b.Quantiles?.Weighted().Values);
            Assert.Equal(a.Sums, b.Sums);
            Assert.Equal(a.Squares, b.Squares);
        }
    }

    [Fact]
    public void Parts_of_up_to_a_sketchs_size_merge_to_the_same_bytes_however_they_are_paired()
    {
        var random = new Random(6);
        // Of 120 powers of two of either sign: sums of doubles would depend on the order.
        Profile[] parts = [.. Enumerable.Range(0, 12).Select(i => Of([.. Enumerable.Range(0, 200).Select(_ => (double?)((random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-60, 60))))], [.. Enumerable.Range(0, 200).Select(_ => "c" + random.Next(30))], 64))];
        var left = parts.Aggregate((a, b) => a.Merge(b)).ToJson();
        Assert.Equal(left, parts.Reverse().Aggregate((a, b) => a.Merge(b)).ToJson());
        Assert.Equal(left, parts.Reverse().Aggregate((a, b) => b.Merge(a)).ToJson());
        var pairs = parts.Chunk(2).Select(p => p[0].Merge(p[1])).ToArray();
        Assert.Equal(left, pairs.Aggregate((a, b) => a.Merge(b)).ToJson());
    }

    [Fact]
    public void Means_and_deviations_are_those_of_decimal_arithmetic_where_doubles_would_cancel()
    {
        double[] values = [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16];
        var x = Of([.. values.Select(v => (double?)v), null, double.NaN], new string?[6], 3).Column("x")!;
        Assert.Equal(1e9 + 10, x.Mean);
        Assert.Equal(Math.Sqrt(30), x.Deviation);
        Assert.Equal(0, Of([0.1, 0.1, 0.1], new string?[3], 3).Column("x")!.Deviation);
    }

    [Fact]
    public void A_deviation_that_doubles_can_not_tell_is_none()
    {
        double Deviation(params double?[] values) => Of(values, new string?[values.Length], 9).Column("x")!.Deviation;
        Assert.Equal(double.NaN, Deviation(5));
        Assert.Equal(double.NaN, Deviation(null, null));
        Assert.Equal(double.NaN, Deviation(1, double.PositiveInfinity));
        Assert.Equal(double.NaN, Deviation(1e200, 2e200));
        Assert.Equal(double.NaN, Deviation(1e-170, 2e-170));
        Assert.Equal(Math.Sqrt(0.5) * 1e-100, Deviation(1e-100, 2e-100), 1e-115);
    }

    [Fact]
    public void Every_integer_type_is_a_number_and_minus_zero_is_zero()
    {
        IArrowArray[] columns =
        [
            new Int16Array.Builder().Append(3).Append(-5).Build(), new UInt32Array.Builder().Append(3).Append(7).Build(), new FloatArray.Builder().Append(0.5f).Append(-0f).Build(), new BooleanArray.Builder().Append(true).Append(false).Build(),
        ];
        var builder = new ProfileBuilder();
        builder.Add(new RecordBatch(new Schema(columns.Select((c, i) => new Field("c" + i, c.Data.DataType, true)), null), columns, 2));
        var profile = builder.Build();
        Assert.Equal([-2, 10, 0.5, 1], profile.Columns.Select(c => c.Sum!.Value));
        Assert.Equal("0", profile.Columns[2].Min!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Equal_values_are_stored_once_and_a_run_that_can_not_be_is_refused()
    {
        var profile = Of([.. Enumerable.Repeat((double?)7.5, 900), 8, double.NegativeInfinity], new string?[902], 100);
        var json = System.Text.Encoding.UTF8.GetString(profile.ToJson());
        Assert.Contains("[\"-Infinity\",[7.5,900],8]", json, StringComparison.Ordinal);
        Assert.Equal(902, Profile.FromJson(profile.ToJson()).Column("x")!.Quantiles!.Count);
        foreach (var bad in new[] { "[7.5,0]", "[7.5,2000000000]", "[7.5]", "[7.5,1,1]", "[null,3]", "{}", "\"x\"" })
        {
            Assert.Throws<DataException>(() => Profile.FromJson(System.Text.Encoding.UTF8.GetBytes(json.Replace("[7.5,900]", bad, StringComparison.Ordinal))));
        }
    }

    [Fact]
    public void Profiles_of_other_columns_are_not_merged()
    {
        var (numbers, texts) = Rows(10, 3);
        var profile = Of(numbers, texts, 10);
        var error = Assert.Throws<DataException>(() => profile.Merge(profile with { Columns = [profile.Columns[0]] }));
        Assert.Contains("carrier", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_keeps_everything()
    {
        var (numbers, texts) = Rows(12_000, 4);
        numbers[5] = double.PositiveInfinity;
        var json = Of(numbers, texts, 500).ToJson();
        Assert.Equal(json, Profile.FromJson(json).ToJson());
        Assert.Contains("not a profile", Assert.Throws<DataException>(() => Profile.FromJson("{\"Rows\":"u8)).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => Profile.FromJson("null"u8));
    }

    [Fact]
    public void Rare_categories_are_counted_together()
    {
        string?[] texts = [.. Enumerable.Range(0, 3_000).Select(i => "t" + i % 1_500), "t7"];
        var column = Of(new double?[texts.Length], texts, 100).Column("carrier")!;
        Assert.Equal(ColumnProfile.MaxCategories, column.Categories!.Count);
        Assert.Equal(new CategoryCount("t7", 3), column.Categories[0]);
        Assert.Equal(texts.Length, column.Categories.Sum(c => c.Rows) + column.OtherCategories);
    }
}
