using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

/// <summary>A deletion needs an earlier version of its fact, wherever that lies; without one it is an error, unless the source allows it.</summary>
public sealed class UnknownDeleteTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    sealed record Ask(long Id, string? Customer, DateTimeOffset At);

    sealed record Order(long Number, string? Customer, DateTimeOffset? At, DateTimeOffset? Known, bool? Gone = false, string? Shop = null);

    static readonly Source<Order> orders = Source.Bind<Order>("orders").EventTime(o => o.At).AvailableAt(o => o.Known).Fact(o => new { o.Number, o.Shop }, deleted: o => o.Gone);
    // By number alone.
    static readonly Source<Order> byNumber = orders.Fact(o => o.Number, deleted: o => o.Gone);

    static readonly Spine<Ask> asks = Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => a.Customer).AsOf(a => a.At);

    static Order At(long number, double at, double? known = null, bool gone = false, string? customer = "a") => new(number, customer, Days.At(at), Days.At(known ?? at), gone);

    static FeatureQuery Query(Source<Order> source) =>
        FeatureQuery.Create(asks, FeatureService.Of("s", 1, FeatureView.Of(source, o => o.Customer).Window("n", w => w.Count(), days: 1).Latest(o => o.Number, "last")), null);

    static FeatureQuery LabelQuery(Source<Order> source) => FeatureQuery.Create(asks, null, Label.Future("later", source, o => o.Customer, days: 3, w => w.Count(), latenessDays: 1));

    static (string, IBatchSource)[] Tables(bool statistics, params Order[][] files) =>
        [("asks", MemorySource.Of<Ask>("asks", true, [new Ask(1, "a", Days.At(10)), new Ask(2, null, Days.At(12))])), ("orders", MemorySource.Of("orders", statistics, files))];

    IEnumerable<Setting> Settings() => [new Setting(), new Setting { BatchSize = 1, PartitionsAtOnce = 1 }, new Setting { Threads = 4, Spill = FileSpill.Factory(folder.Path, 1) }];

    async Task RefusedAsync(FeatureQuery query, string row, params Order[][] files)
    {
        foreach (var setting in Settings())
        {
            foreach (var statistics in new[] { true, false })
            {
                foreach (var message in await Answer.RefusalsAsync(query, setting, Tables(statistics, files)))
                {
                    Assert.NotNull(message);
                    foreach (var part in new[] { row, "deletes a fact that nobody knows", "Expected an earlier version", ".Where(", ".AllowUnknownDeletes()" }) Assert.Contains(part, message, StringComparison.Ordinal);
                }
            }
        }
    }

    async Task AnsweredAsync(FeatureQuery query, string column, object?[] expected, params Order[][] files)
    {
        foreach (var setting in Settings())
        {
            foreach (var statistics in new[] { true, false })
            {
                Assert.Equal([null, null], await Answer.RefusalsAsync(query, setting, Tables(statistics, files)));
                Assert.Equal(expected, (await Answer.OfAsync(query, setting, Tables(statistics, files))).Rows.OrderBy(r => (long)r["id"]!).Select(r => r[column]));
            }
        }
    }

    [Fact]
    public async Task The_error_names_file_row_and_fact()
    {
        Order[][] files = [[At(1, 1), At(2, 9.5)], [At(3, 9), At(7, 9.5, gone: true)]];
        await RefusedAsync(Query(orders), "/orders/001.mem row 1", files);
        await RefusedAsync(Query(orders), "of (7, null) there is no version", files);
        // Nobody asks for this key, nor for none.
        await RefusedAsync(Query(orders), "/orders/000.mem row 1", [At(1, 9.5), At(7, 9.5, gone: true, customer: "b")]);
        await RefusedAsync(Query(orders), "/orders/000.mem row 1", [At(1, 9.5), At(7, 9.5, gone: true, customer: null)]);
        // What comes later is no earlier version, and what is never known is none.
        await RefusedAsync(Query(byNumber), "/orders/000.mem row 0", [At(7, 9.5, gone: true)], [At(7, 9, 9.6)]);
        await RefusedAsync(Query(byNumber), "/orders/001.mem row 0", [new Order(7, "a", Days.At(9), null), new Order(7, "a", null, Days.At(9))], [At(7, 9.5, gone: true)]);
        // Of its two deletions the first one is the wrong one.
        await RefusedAsync(Query(byNumber), "/orders/001.mem row 0", [At(7, 9.6, gone: true)], [At(7, 9.5, gone: true)]);
    }

    [Fact]
    public Task What_is_deleted_may_lie_in_a_file_long_before_any_window() =>
        AnsweredAsync(Query(byNumber), "n", [1L, 0L], [At(7, -5000, customer: "b")], [At(8, -400)], [At(2, 9.5), At(7, 9.5, gone: true)]);

    [Fact]
    public async Task What_is_deleted_may_be_dated_in_the_future()
    {
        Order[][] files = [[At(2, 9.5)], [At(7, 9.5, 9.6, gone: true)], [At(7, 500, 9)], [At(8, 500, 9.4)], [At(8, 400, 9.5, gone: true)]];
        await AnsweredAsync(Query(byNumber), "n", [1L, 0L], files);
        await AnsweredAsync(LabelQuery(byNumber), "later", [0L, 0L], files);
        // What comes first is decided by available at even where that does not decide what is known; a null comes before all.
        await AnsweredAsync(Query(byNumber.AsOfEventTime()), "n", [1L, 0L], files);
        await AnsweredAsync(Query(byNumber.AsOfEventTime()), "n", [1L, 0L], [At(2, 9.5), At(7, 9.5, 9.6, gone: true)], [new Order(7, "a", Days.At(500), null)], [At(3, 600, 700), new Order(8, "a", Days.At(500), null)], [At(8, 9, 9, gone: true)]);
        await RefusedAsync(Query(byNumber.AsOfEventTime()), "/orders/001.mem row 0", [At(7, 9.5, 9.7)], [At(7, 9.5, 9.6, gone: true)]);
    }

    [Fact]
    public async Task What_becomes_available_after_the_last_as_of_is_no_error_yet_however_files_are_cut()
    {
        foreach (var source in new[] { byNumber, byNumber.AsOfEventTime() })
        {
            Order[] rows = [At(2, 9.5), At(3, 13), At(7, 9, 12.01, gone: true)];
            await AnsweredAsync(Query(source), "n", [1L, 0L], rows);
            await AnsweredAsync(Query(source), "n", [1L, 0L], [.. rows.Select(r => new[] { r })]);
            // As of the last instant it is one.
            await RefusedAsync(Query(source), "/orders/000.mem row 2", [rows[0], rows[1], At(7, 9, 12, gone: true)]);
        }
        // A label is asked later.
        await RefusedAsync(LabelQuery(byNumber), "/orders/000.mem row 1", [At(2, 9.5), At(7, 9, 12.01, gone: true)]);
        await RefusedAsync(LabelQuery(byNumber), "/orders/000.mem row 1", [At(2, 9.5), At(7, 9, 16, gone: true)]);
        await AnsweredAsync(LabelQuery(byNumber), "later", [1L, 0L], [At(2, 10.5), At(7, 9, 16.01, gone: true)]);
    }

    [Fact]
    public async Task Where_it_is_allowed_it_changes_nothing()
    {
        Order[] known = [At(2, 9.5), At(3, 9.2), At(3, 9.2, 9.4, gone: true)];
        Order[] unknown = [.. known, At(7, 9.5, gone: true), At(8, 9.1, gone: true), At(8, 9.1, 9.6)];
        await AnsweredAsync(Query(byNumber), "n", [1L, 0L], known);
        await AnsweredAsync(Query(byNumber.AllowUnknownDeletes()), "n", [1L, 0L], known);
        await AnsweredAsync(Query(byNumber.AllowUnknownDeletes()), "last", [2L, null], [.. unknown[..4], At(9, 9.9, gone: true)]);
        // A version after it counts.
        await AnsweredAsync(Query(byNumber.AllowUnknownDeletes()), "n", [2L, 0L], unknown);
        await AnsweredAsync(LabelQuery(byNumber.AllowUnknownDeletes()), "later", [1L, 0L], [.. unknown, At(4, 11)]);
        await RefusedAsync(LabelQuery(byNumber), "/orders/000.mem row 3", unknown);
    }

    [Fact]
    public async Task A_population_is_refused_and_allowed_alike()
    {
        async Task<object?[]> WhoAsync(Source<Order> source, params Order[][] files)
        {
            var query = FeatureQuery.Create(Spine.Population(source, Calendar.Daily("12:00", "UTC")).Key(o => o.Customer), null, null);
            var setting = new Setting { From = Days.Date(9), To = Days.Date(11) };
            return (await Answer.OfAsync(query, setting, ("orders", MemorySource.Of("orders", true, files)))).Column("customer");
        }

        var e = await Assert.ThrowsAsync<DataException>(() => WhoAsync(orders, [At(1, 9)], [At(2, 9, customer: "b"), At(7, 9.5, gone: true)]));
        Assert.StartsWith("/orders/001.mem row 1 deletes a fact that nobody knows: of (7, null) there is no version", e.Message);
        // Known at the last instant, and dated after it.
        await Assert.ThrowsAsync<DataException>(() => WhoAsync(byNumber, [At(1, 9), At(7, 100, 10.5, gone: true)]));
        Assert.Equal(["a", "a"], await WhoAsync(byNumber, [At(1, 9), At(7, 9, 10.51, gone: true)]));
        Assert.Equal(["a", "a"], await WhoAsync(byNumber.AllowUnknownDeletes(), [At(1, 9), At(7, 9.5, gone: true)]));
        Assert.Equal(["a", "b", "a"], await WhoAsync(byNumber, [At(1, 9), At(2, -5000, customer: "b")], [At(2, 9, 10, gone: true), At(3, 9, 9.2, gone: true)], [At(3, 500, 9)]));
        Assert.Equal(["a", "a"], await WhoAsync(byNumber.AsOfEventTime(), [At(1, 9)], [At(3, 9, 9.2, gone: true), At(4, 9, 9.2, gone: true)], [At(3, 500, 9)], [new Order(4, "a", Days.At(500), null)]));
        await Assert.ThrowsAsync<DataException>(() => WhoAsync(byNumber.AsOfEventTime(), [At(1, 9)], [At(3, 9, 9.2, gone: true)], [At(3, 9, 9.3)]));
    }

    [Fact]
    public async Task Explain_refuses_what_computing_refuses_of_the_row_that_it_explains()
    {
        async Task<Explanation> ExplainAsync(Source<Order> source, params Order[] rows)
        {
            using var pinned = await Answer.OpenAsync(Query(source), new Setting(), Tables(true, rows));
            return (await pinned.ExplainAsync(new Dictionary<string, string> { ["customer"] = "a" }, Days.At(10), default)).Single();
        }

        Order[] unknown = [At(2, 9.5), At(7, 9.5, gone: true)];
        Assert.Contains("/orders/000.mem row 1 deletes", (await Assert.ThrowsAsync<DataException>(() => ExplainAsync(orders, unknown))).Message);
        Assert.Equal(["1", "2"], (await ExplainAsync(orders.AllowUnknownDeletes(), unknown)).Views.Single().Features.Select(f => f.Value));
        // What is deleted may be of another key or dated in the future, and what becomes available after as_of is shown as late.
        Assert.Equal(["1", "2"], (await ExplainAsync(byNumber, [At(2, 9.5), At(7, 9.5, gone: true), At(7, 500, 9, customer: "b")])).Views.Single().Features.Select(f => f.Value));
        var late = (await ExplainAsync(orders, [At(2, 9.5), At(7, 9.5, 10.1, gone: true)])).Views.Single();
        Assert.Equal(Kernel.RowFate.Late, Assert.Single(late.NotCounted).Fate);
    }

    [Fact]
    public void The_allowance_is_part_of_the_definition()
    {
        var lines = QueryText.Describe(Query(orders.AllowUnknownDeletes())).SelectMany(s => s.Lines).ToArray();
        Assert.Contains(lines, l => l.Contains("deleted by gone; deletions of unknown facts allowed", StringComparison.Ordinal));
        Assert.NotEqual(QueryText.Digest(Query(orders)), QueryText.Digest(Query(orders.AllowUnknownDeletes())));
        Assert.DoesNotContain(QueryText.Describe(Query(orders)).SelectMany(s => s.Lines), l => l.Contains("unknown", StringComparison.Ordinal));

        var e = Assert.Throws<DefinitionException>(() => Query(Source.Bind<Order>("orders").EventTime(o => o.At).Fact(o => o.Number).AllowUnknownDeletes()));
        Assert.Equal("Source 'orders' allows deletions of unknown facts, but says of no row that it deletes one. Declare .Fact(…, deleted: …), or leave .AllowUnknownDeletes() out.", Assert.Single(e.Problems));
        // In either order.
        _ = Query(Source.Bind<Order>("orders").AllowUnknownDeletes().EventTime(o => o.At).Fact(o => o.Number, o => o.Gone));
    }
}
