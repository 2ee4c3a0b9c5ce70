using BatchMl.Engine;
using BatchMl.Expressions;
using BatchMl.Lineage;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

public sealed class QueryLineageTests
{
    sealed record Ask(long Id, string Customer, DateTimeOffset At, bool Test);

    sealed record Sale(string Customer, DateTimeOffset At, DateTimeOffset Known, double? Amount, bool Refund, long Seq);

    static FeatureQuery Query()
    {
        var sales = Source.Bind<Sale>("sales").EventTime(s => s.At).AvailableAt(s => s.Known).TieBreak(s => s.Seq);
        var view = FeatureView.Of(sales, s => s.Customer).Latest(s => s.Amount).Window("spent", w => w.Sum(s => s.Refund ? 0.0 : s.Amount), days: 2);
        var spine = Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => new { a.Customer, Next = a.Id + 1 }).AsOf(a => a.At).Where(a => !a.Test);
        return FeatureQuery.Create(spine, FeatureService.Of("s", 1, view).Derive("share", row => row.Number("amount") / row.Number("spent")), null);
    }

    [Fact]
    public void Every_column_knows_where_it_comes_from_and_how()
    {
        DatasetName asks = new("file", "/asks"), sales = new("file", "/sales");
        var lineage = new QueryLineage(Query(), new Dictionary<string, DatasetName> { ["asks"] = asks, ["sales"] = sales });
        bool Has(string column, DatasetName dataset, string field, Transformation how) => lineage.Columns[column].Contains(new ColumnOrigin(dataset, field, how));

        Assert.Equal([new ColumnOrigin(asks, "id", Transformation.Identity)], lineage.Columns["id"]);
        Assert.Equal([new ColumnOrigin(asks, "id", Transformation.Transformed)], lineage.Columns["next"]);
        Assert.Equal([new ColumnOrigin(asks, "test", Transformation.Filter)], lineage.DatasetOrigins);
        Assert.True(Has("amount", sales, "amount", Transformation.Identity));
        Assert.True(Has("amount", sales, "seq", Transformation.Sort));
        Assert.True(Has("spent", sales, "amount", Transformation.Aggregation));
        Assert.True(Has("spent", sales, "refund", Transformation.Conditional));
        Assert.True(Has("spent", sales, "at", Transformation.Window));
        foreach (var feature in new[] { "amount", "spent", "share" })
        {
            Assert.True(Has(feature, sales, "customer", Transformation.Join));
            Assert.True(Has(feature, sales, "known", Transformation.Join));
            Assert.True(Has(feature, asks, "customer", Transformation.Join));
            Assert.True(Has(feature, asks, "at", Transformation.Join));
        }
        Assert.True(Has("share", sales, "amount", Transformation.Transformed));
        Assert.True(Has("share", sales, "amount", Transformation.Aggregation));
        Assert.False(Has("share", sales, "amount", Transformation.Identity));
    }

    [Fact]
    public void Instants_of_a_calendar_come_from_no_column()
    {
        var members = Source.Bind<Sale>("sales").Valid(s => s.At, s => s.Known);
        var spine = Spine.Population(members, Calendar.Daily("02:00", "UTC")).Key(s => s.Customer);
        var lineage = new QueryLineage(FeatureQuery.Create(spine, FeatureService.Of("s", 1).Derive("hour", row => Sql.HourIn(row.Time("as_of"), "UTC")), null), new Dictionary<string, DatasetName> { ["sales"] = new("file", "/sales") });
        Assert.Empty(lineage.Columns["as_of"]);
        Assert.Empty(lineage.Columns["hour"]);
    }

    [Fact]
    public async Task Several_files_are_named_by_the_folder_that_they_share()
    {
        Sale[] none = [];
        using var pinned = await Answer.OpenAsync(Query(), new Setting(), ("asks", MemorySource.Of<Ask>("asks", true, [[]])), ("sales", MemorySource.Of("sales", true, none, none)));
        var names = QueryLineage.NamesOf(pinned);
        Assert.Equal(new DatasetName("file", "/asks/000.mem"), names["asks"]);
        Assert.Equal(new DatasetName("file", "/sales"), names["sales"]);
        Assert.Equal(["customer", "at", "known", "amount", "refund", "seq"], QueryLineage.Inputs(pinned)[1].Fields.Select(f => f.Name));
    }
}
