using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.DuckDb.Tests;

/// <summary>What is written as CSV is read back as it was.</summary>
public sealed class CsvTableFileTests
{
    static readonly string?[] texts = ["plain", null, "with, comma", "with \"quotes\"", "two\nlines", " spaces ", "ü", "semi;colon", "tab\there", "'", "1"];
    static readonly double?[] numbers = [0.1, null, 1e300, -1.0 / 3, 5e-324, double.MaxValue, 1, -2.5, 123456789.123456789, 1e-7, 0.30000000000000004];

    [Fact]
    public async Task Texts_and_numbers_come_back_as_they_were()
    {
        using var folder = new TestFolder();
        var schema = new Schema([new Field("a, b", Columns.ArrowType(ColumnType.String), true), new Field("n", Columns.ArrowType(ColumnType.Double), true), new Field("t", Columns.UtcMicroseconds, true)], null);
        var instants = Enumerable.Range(0, texts.Length).Select(i => DateTimeOffset.UnixEpoch.AddYears(i * 5).AddTicks(i * 10)).ToArray();
        var batch = new RecordBatch(schema,
        [
            texts.Aggregate(new StringArray.Builder(), (a, v) => v is null ? a.AppendNull() : a.Append(v)).Build(),
            numbers.Aggregate(new DoubleArray.Builder(), (a, v) => v is { } n ? a.Append(n) : a.AppendNull()).Build(),
            instants.Aggregate(new TimestampArray.Builder(Columns.UtcMicroseconds), (a, v) => a.Append(v)).Build(),
        ], texts.Length);
        using (var file = new CsvTableFile(folder.At("t.csv"), schema))
        {
            file.Write(batch);
            file.Complete();
        }
        using var snapshot = await new CsvSource(folder.At("t.csv"), new Dictionary<string, string> { ["a, b"] = "VARCHAR" }).OpenAsync(TestContext.Current.CancellationToken);
        var rows = new List<(object?, object?, object?)>();
        await foreach (var read in snapshot.ReadAsync(new ScanRequest(["a, b", "n", "t"]), TestContext.Current.CancellationToken))
        {
            using (read) rows.AddRange(Enumerable.Range(0, read.Batch.Length).Select(i => (Columns.ValueAt(read.Batch.Column(0), i), Columns.ValueAt(read.Batch.Column(1), i), Columns.ValueAt(Columns.Normalize(read.Batch.Column(2)), i))));
        }
        Assert.Equal(texts, rows.Select(r => (string?)r.Item1));
        Assert.Equal(numbers, rows.Select(r => (double?)r.Item2));
        Assert.Equal(Enumerable.Range(0, texts.Length).Select(i => Columns.ValueAt(batch.Column(2), i)), rows.Select(r => r.Item3));
    }

    [Fact]
    public void An_empty_text_is_not_written_as_a_null()
    {
        using var folder = new TestFolder();
        var schema = new Schema([new Field("t", Columns.ArrowType(ColumnType.String), true)], null);
        using (var file = new CsvTableFile(folder.At("t.csv"), schema))
        {
            file.Write(new RecordBatch(schema, [new StringArray.Builder().Append("").AppendNull().Build()], 2));
            file.Complete();
        }
        Assert.Equal("t\n\"\"\n\n", File.ReadAllText(folder.At("t.csv")));
    }

    [Fact]
    public void Lists_are_refused()
    {
        using var folder = new TestFolder();
        var schema = new Schema([new Field("l", new Apache.Arrow.Types.ListType(Apache.Arrow.Types.Int64Type.Default), true)], null);
        var e = Assert.Throws<DefinitionException>(() => new CsvTableFile(folder.At("t.csv"), schema));
        Assert.Contains("l (list<int64>)", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }
}
