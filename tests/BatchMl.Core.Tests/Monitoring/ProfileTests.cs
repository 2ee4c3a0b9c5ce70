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
            if (a.Sum is { } sum) Assert.Equal(sum, b.Sum!.Value, sum * 1e-12);
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
