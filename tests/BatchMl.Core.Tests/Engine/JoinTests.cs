using BatchMl.Engine;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

/// <summary>Keys, names and failing rows of a query.</summary>
public sealed class JoinTests
{
    sealed record Ask(long Id, string? Customer, string? Other, DateTimeOffset? At, long Zero, DateOnly? Day);

    sealed record Membership(string Customer, string? Plan, DateTimeOffset At);

    sealed record Price(string Plan, long List, double Fee, DateTimeOffset At);

    sealed record Tariff(long List, string Name);

    static readonly Source<Membership> memberships = Source.Bind<Membership>("memberships").EventTime(m => m.At);
    static readonly Source<Price> prices = Source.Bind<Price>("prices").EventTime(p => p.At);
    static readonly FeatureView<Membership> plans = FeatureView.Of(memberships, m => m.Customer).Latest(m => m.Plan);
    static readonly FeatureView<Price> planPrices = FeatureView.Of(prices, p => p.Plan).Latest(p => p.List).Latest(p => p.Fee);
    static readonly FeatureView<Tariff> tariffs = FeatureView.Of(Source.Bind<Tariff>("tariffs").Lookup("names never change"), t => t.List).Latest(t => t.Name, "tariff");

    static Spine<Ask> Asks() => Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => new { a.Customer, a.Other }).AsOf(a => a.At).PartitionBy("day", a => a.Day);

    static Ask NewAsk(long id, string? customer, string? other = null, double? at = 5) => new(id, customer, other, at is { } d ? Days.At(d) : null, 0, Days.Date(5));

    static (string, BatchMl.Data.IBatchSource)[] Sources(params Ask[] asks) =>
    [
        ("asks", MemorySource.Of("asks", true, asks)),
        ("memberships", MemorySource.Of<Membership>("memberships", true, [new("a", "gold", Days.At(1)), new("b", "tin", Days.At(1))], [new("a", "tin", Days.At(4)), new("c", null, Days.At(1))])),
        ("prices", MemorySource.Of<Price>("prices", true, [new("gold", 1, 10, Days.At(0)), new("tin", 2, 4, Days.At(0))], [new("tin", 3, 6, Days.At(6))])),
        ("tariffs", MemorySource.Of<Tariff>("tariffs", true, [[new(1, "one"), new(2, "two"), new(3, "three")]])),
    ];

    [Fact]
    public async Task A_key_may_be_a_feature_of_a_view_before_it()
    {
        var service = FeatureService.Of("s", 1, plans, planPrices, tariffs)
            .Derive("twice", row => row.Number("fee") * 2).Derive("by_list", row => row.Number("twice") + row.Number("list") + row.Number("id")).Hide("list");
        var query = FeatureQuery.Create(Asks(), service, null);
        Assert.Equal(["plan", "fee", "tariff", "twice", "by_list"], query.ModelFeatures);
        var answer = await Answer.OfAsync(query, new Setting(), Sources(NewAsk(1, "a", at: 3), NewAsk(2, "a", at: 5), NewAsk(3, "b", at: 7), NewAsk(4, "c"), NewAsk(5, null), NewAsk(6, "nobody")));
        Assert.Empty(answer.Errors);
        Assert.Equal(["gold", "tin", "tin", null, null, null], answer.Column("plan"));
        Assert.Equal([1L, 2L, 3L, null, null, null], answer.Column("list"));
        Assert.Equal(["one", "two", "three", null, null, null], answer.Column("tariff"));
        Assert.Equal([20.0, 8.0, 12.0, null, null, null], answer.Column("twice"));
        Assert.Equal([22.0, 12.0, 18.0, null, null, null], answer.Column("by_list"));
    }

    [Fact]
    public async Task One_view_joins_twice_under_prefixes()
    {
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans.Prefix("own_"), plans.On("other").Prefix("other_")), null);
        var answer = await Answer.OfAsync(query, new Setting(), Sources(NewAsk(1, "a", "b"), NewAsk(2, "b", "a"), NewAsk(3, "a")));
        Assert.Equal(["tin", "tin", "tin"], answer.Column("own_plan"));
        Assert.Equal(["tin", "tin", null], answer.Column("other_plan"));
    }

    [Fact]
    public void Two_features_of_one_name_are_refused_and_a_prefix_is_proposed()
    {
        var e = Assert.Throws<DefinitionException>(() => FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans, plans.On("other")), null));
        Assert.Contains(".Prefix(\"other_\")", Assert.Single(e.Problems));
    }

    [Fact]
    public void Everything_wrong_with_a_query_is_said_at_once()
    {
        var service = FeatureService.Of(
            "s", 1, planPrices, FeatureView.Of(prices, p => p.List).Latest(p => p.Fee, "fee2").On("customer"), FeatureView.Of(Source.Bind<Tariff>("tariffs"), t => t.Name).Latest(t => t.List, "list2").On("customer"))
            .Derive("sum", row => row.Number("missing")).FromSpine("no_such");
        var future = Label.Future("later", Source.Bind<Tariff>("tariffs"), t => t.List, 3, w => w.Count());
        var e = Assert.Throws<DefinitionException>(() => FeatureQuery.Create(Asks(), service, future));
        Assert.Contains(e.Problems, p => p.Contains("joined on 'plan'", StringComparison.Ordinal) && p.Contains("customer", StringComparison.Ordinal));
        Assert.Contains(e.Problems, p => p.Contains("has a key of type Int64, but column 'customer' is of type String", StringComparison.Ordinal));
        Assert.Contains(e.Problems, p => p.Contains("no event time", StringComparison.Ordinal) && p.Contains(".Lookup(", StringComparison.Ordinal));
        Assert.Contains(e.Problems, p => p.Contains("'missing'", StringComparison.Ordinal));
        Assert.Contains(e.Problems, p => p.Contains("'no_such'", StringComparison.Ordinal));
        Assert.Contains(e.Problems, p => p.Contains("label 'later'", StringComparison.Ordinal) && p.Contains("no event time", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_row_without_as_of_is_an_error_and_the_others_are_answered()
    {
        var label = Label.Future("joined", memberships, m => m.Customer, 3, w => w.Count());
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans), label);
        var answer = await Answer.OfAsync(query, new Setting { BatchSize = 2 }, Sources(NewAsk(1, "a", at: 2), NewAsk(2, "a", at: 3), NewAsk(3, "a", at: 3), NewAsk(4, "a", at: null)));
        var error = Assert.Single(answer.Errors);
        Assert.Equal((3, FeatureQuery.AsOf), (error.Row, error.Column));
        Assert.Contains("/asks/000.mem row 3", error.Message);
        Assert.Equal(["gold", "gold", "gold", null], answer.Column("plan"));
        Assert.Equal([1L, 1L, 1L, null], answer.Column("joined"));
        Assert.Null(answer.Rows[3][FeatureQuery.AsOf]);
        Assert.Null(answer.Rows[3][FeatureQuery.LabelKnownAt]);
    }

    [Fact]
    public async Task A_failing_row_of_the_spine_is_an_error_of_its_own()
    {
        var spine = Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => new { a.Customer, Ratio = 10 / (a.Id - 2) }).AsOf(a => a.At);
        var service = FeatureService.Of("s", 1, plans).Derive("again", row => 6 / (row.Integer("id") - 3));
        var answer = await Answer.OfAsync(FeatureQuery.Create(spine, service, null), new Setting { BatchSize = 2 }, Sources(NewAsk(1, "a"), NewAsk(2, "a"), NewAsk(3, "a"), NewAsk(4, "a")));
        Assert.Equal([(1, "ratio"), (2, "again")], answer.Errors.Select(e => (e.Row, e.Column)));
        Assert.Contains("/asks/000.mem row 1", answer.Errors[0].Message);
        Assert.Equal([-10L, null, 10L, 5L], answer.Column("ratio"));
        Assert.Equal([-3L, -6L, null, 6L], answer.Column("again"));
        Assert.All(answer.Column("plan"), p => Assert.Equal("tin", p));
    }

    [Fact]
    public async Task A_failing_row_of_a_features_source_names_file_and_row()
    {
        var view = FeatureView.Of(prices, p => p.Plan).Latest(p => 1 / (p.List - 2), "share");
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans, view), null);
        var e = await Assert.ThrowsAsync<DataException>(() => Answer.OfAsync(query, new Setting(), Sources(NewAsk(1, "a"))));
        Assert.Contains("/prices/000.mem row 1", e.Message);
        Assert.Contains(".Where(", e.Message);
    }

    [Fact]
    public async Task A_row_without_partition_is_refused_by_file_and_row()
    {
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans), null);
        var e = await Assert.ThrowsAsync<DataException>(() => Answer.OfAsync(query, new Setting(), Sources(NewAsk(1, "a"), NewAsk(2, "a") with { Day = null })));
        Assert.Contains("/asks/000.mem row 1", e.Message);
        Assert.Contains("'day'", e.Message);
    }

    [Fact]
    public async Task The_last_date_there_is_can_be_a_partition()
    {
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans), null);
        var answer = await Answer.OfAsync(query, new Setting { PartitionsAtOnce = 1 }, Sources(NewAsk(1, "a"), NewAsk(2, "a") with { Day = DateOnly.MaxValue }));
        Assert.Equal(["tin", "tin"], answer.Column("plan"));
    }

    [Fact]
    public async Task Two_rows_of_one_key_in_a_look_up_are_refused_by_file_and_row()
    {
        var query = FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, plans, planPrices, tariffs), null);
        var sources = Sources(NewAsk(1, "a"));
        sources[3] = ("tariffs", MemorySource.Of<Tariff>("tariffs", true, [new(2, "two")], [new(1, "one"), new(2, "zwei")]));
        var e = await Assert.ThrowsAsync<DataException>(() => Answer.OfAsync(query, new Setting(), sources));
        Assert.Contains("/tariffs/000.mem row 0", e.Message);
        Assert.Contains("/tariffs/001.mem row 1", e.Message);
    }
}
