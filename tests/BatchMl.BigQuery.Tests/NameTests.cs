using BatchMl.BigQuery.Client;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Names, labels and partitions are checked before anything is sent.</summary>
public sealed class NameTests
{
    [Theory]
    [InlineData("a b", "t", "dataset")]
    [InlineData("a-b", "t", "dataset")]
    [InlineData("", "t", "dataset")]
    [InlineData("d", "", "table")]
    [InlineData("d", "a/b", "table")]
    [InlineData("d", "a.b", "table")]
    [InlineData("d", "t$", "table")]
    [InlineData("d", "t`; DROP", "table")]
    public void Names_that_may_not_be_are_refused(string dataset, string table, string what)
    {
        var error = Assert.Throws<DefinitionException>(() => BigQueryNames.Check(new TableReference(Project, dataset, table)));
        Assert.Contains($"A {what} of BigQuery", Assert.Single(error.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scores")]
    [InlineData("scores$20261030")]
    [InlineData("scores$-10")]
    [InlineData("Übersicht 2026-10")]
    public void Names_that_may_be_pass(string table) => BigQueryNames.Check(new TableReference("example.com:my-project", "d_1", table));

    [Fact]
    public void All_columns_that_may_not_be_are_named_at_once()
    {
        var schema = new BigQuerySchema([
            Column("ok", "STRING"), Column("a.b", "STRING"), Column("1st", "STRING"), Column("größe", "STRING"), Column("_PARTITIONTIME", "STRING"), Column("_change_type", "STRING"), Column(new string('x', 301), "STRING"), Column("Id", "STRING"),
            Column("ID", "STRING"), new() { Name = "r", Type = "RECORD", Fields = [Column("x", "STRING"), Column("X", "STRING")] }]);

        var error = Assert.Throws<DefinitionException>(() => BigQueryNames.CheckSchema(schema, "ml.t"));

        Assert.Equal(8, error.Problems.Count);
        Assert.Contains("Rename it, e.g. 'a_b'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Columns 'Id' and 'ID'", error.Message, StringComparison.Ordinal);
        Assert.Contains("Columns 'r.x' and 'r.X'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_sent_under_a_name_that_may_not_be()
    {
        await using var bq = await StartAsync();
        var before = bq.Fake.Requests.Count;
        await Assert.ThrowsAsync<DefinitionException>(() => bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = new([Column("a.b", "STRING")]) }, Cancellation));
        await Assert.ThrowsAsync<DefinitionException>(() => bq.Client.Jobs.InsertAsync(new(Project, "no job!", "EU"), Load(bq.Dataset.Table("t")), null, Cancellation));
        var load = Load(bq.Dataset.Table("t"));
        await Assert.ThrowsAsync<DefinitionException>(() => bq.Client.Jobs.InsertAsync(new(Project, "job", "EU"), load with { Labels = new Dictionary<string, string> { ["Key"] = "v" } }, null, Cancellation));
        Assert.Equal(before, bq.Fake.Requests.Count);
    }

    [Theory]
    [InlineData("Flight Delays!", "flight_delays_")]
    [InlineData("run-7_b", "run-7_b")]
    [InlineData("größe", "gr__e")]
    [InlineData("", "")]
    public void Labels_are_made_of_any_text(string text, string label) => Assert.Equal(label, BigQueryLabels.Of(text));

    [Fact]
    public async Task Labels_made_of_any_text_are_taken()
    {
        await using var bq = await StartAsync();
        var labels = BigQueryLabels.Of(new Dictionary<string, string> { ["Job"] = "Flight Delays 🛫", ["7th"] = new string('A', 200), ["_x"] = "" });
        Assert.Equal(["job", "x7th", "x_x"], labels.Keys);
        Assert.Equal(new string('a', 63), labels["x7th"]);
        var patched = await bq.Client.Datasets.PatchAsync(bq.Dataset, new() { ["labels"] = System.Text.Json.JsonSerializer.SerializeToNode(labels) }, cancellation: Cancellation);
        Assert.Equal(labels, patched.Labels);
    }

    [Theory]
    [InlineData("HOUR", "2026103013")]
    [InlineData("DAY", "20261030")]
    [InlineData("month", "202610")]
    [InlineData("YEAR", "2026")]
    public void A_time_is_in_the_partition_that_its_digits_say(string type, string decorator) => Assert.Equal(decorator, PartitionDecorator.Of(type, new DateTime(2026, 10, 30, 13, 59, 59)));

    [Theory]
    [InlineData(0, 100, 10, 0, "0")]
    [InlineData(0, 100, 10, 99, "90")]
    [InlineData(-50, 50, 7, -44, "-50")]
    [InlineData(-50, 50, 7, -43, "-43")]
    [InlineData(long.MinValue, long.MaxValue, long.MaxValue, 0, "-1")]
    public void An_integer_is_in_the_partition_of_its_range(long start, long end, long interval, long value, string decorator) => Assert.Equal(decorator, PartitionDecorator.Of(new IntegerRange(start, end, interval), value));

    [Fact]
    public void What_is_in_no_partition_is_said()
    {
        Assert.Throws<DataException>(() => PartitionDecorator.Of(new IntegerRange(0, 10, 1), 10));
        Assert.Throws<DefinitionException>(() => PartitionDecorator.Of(new IntegerRange(0, 10, 0), 5));
        Assert.Throws<DefinitionException>(() => PartitionDecorator.Of("HOUR", new DateOnly(2026, 10, 30)));
        Assert.Throws<DefinitionException>(() => PartitionDecorator.Of("WEEK", new DateTime(2026, 10, 30)));
        Assert.Equal("20261030", PartitionDecorator.Of("DAY", new DateOnly(2026, 10, 30)));
    }
}
