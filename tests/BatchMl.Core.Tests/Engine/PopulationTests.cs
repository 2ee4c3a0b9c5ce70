using BatchMl.Engine;
using BatchMl.TestSupport;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Engine;

/// <summary>Population x calendar: who is asked at each instant, as far as was known then.</summary>
public sealed class PopulationTests
{
    static readonly Calendar noon = Calendar.Daily("12:00", "UTC");

    sealed record Plan(string Customer, string Name, DateTimeOffset From, DateTimeOffset? To, DateTimeOffset? ClosedAt);

    sealed record Account(long Id, string? Customer, DateTimeOffset At, DateTimeOffset? Known, bool Gone);

    sealed record Order(string Customer, DateTimeOffset At, DateTimeOffset Known);

    static readonly Source<Plan> plans = Source.Bind<Plan>("plans").Valid(p => p.From, p => p.To, p => p.ClosedAt);
    static readonly Source<Account> accounts = Source.Bind<Account>("accounts").EventTime(a => a.At).AvailableAt(a => a.Known).Fact(a => a.Id, a => a.Gone);

    static Setting Asked(int from, int to, double now = 1000) => new() { From = Days.Date(from), To = Days.Date(to), Now = Days.At(now), PartitionsAtOnce = 1, BatchSize = 2 };

    static string[] Who(Answer answer) => [.. answer.Rows.Select(r => FormattableString.Invariant($"{((long)r["as_of"]! - Days.At(0.5).ToUnixMicroseconds()) / 86_400_000_000} {r["customer"] ?? "null"} {(r.TryGetValue("name", out var n) ? n : "")}").TrimEnd())];

    [Fact]
    public async Task A_plan_that_is_closed_late_is_open_until_the_closing_is_known()
    {
        var source = MemorySource.Of<Plan>("plans", true,
            [new("a", "gold", Days.At(0), Days.At(2), Days.At(3.6)), new("b", "tin", Days.At(1.5), null, null)],
            [new("a", "tin", Days.At(2), null, null), new("c", "free", Days.At(0), null, null), new("d", "tin", Days.At(0), Days.At(1), null), new("e", "tin", Days.At(9), null, null)]);
        var spine = Spine.Population(plans, noon, where: p => p.Name != "free" && p.Customer != "d").Key(p => p.Customer).Select(p => p.Name);
        var answer = await Answer.OfAsync(FeatureQuery.Create(spine, null, null), Asked(0, 5), ("plans", source));
        Assert.Equal(
            ["0 a gold", "1 a gold", "1 b tin", "2 a gold", "2 b tin", "2 a tin", "3 a gold", "3 b tin", "3 a tin", "4 b tin", "4 a tin"], Who(answer));

        // An end without a known closing stays open.
        var d = Spine.Population(plans, noon, where: p => p.Customer == "d").Key(p => p.Customer);
        Assert.Equal(["0 d", "1 d", "2 d"], Who(await Answer.OfAsync(FeatureQuery.Create(d, null, null), Asked(0, 3), ("plans", source))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Corrections_and_deletions_count_from_when_they_are_known(bool optOut)
    {
        var source = MemorySource.Of<Account>("accounts", true,
            [new(1, "a", Days.At(0), Days.At(0), false), new(2, "b", Days.At(0), Days.At(1), false)],
            [new(1, "a2", Days.At(0), Days.At(2), false), new(2, "b", Days.At(0), Days.At(3), true), new(3, "c", Days.At(1), null, false)]);
        var spine = Spine.Population(optOut ? accounts.AsOfEventTime() : accounts, noon).Key(a => a.Customer);
        var answer = await Answer.OfAsync(FeatureQuery.Create(spine, null, null), Asked(0, 4), ("accounts", source));
        // Under the opt-out the newest version counts from its event time on, and that is decided by available at as ever.
        Assert.Equal(optOut ? ["0 a2", "1 a2", "1 c", "2 a2", "2 c", "3 a2", "3 c"] : ["0 a", "1 a", "1 b", "2 b", "2 a2", "3 a2"], Who(answer));
    }

    [Fact]
    public async Task Two_versions_that_are_known_together_are_refused()
    {
        var source = MemorySource.Of<Account>("accounts", true, [new(1, "a", Days.At(0), Days.At(1), false)], [new(1, "b", Days.At(0), Days.At(1), false)]);
        var e = await Assert.ThrowsAsync<DataException>(() => Answer.OfAsync(FeatureQuery.Create(Spine.Population(accounts, noon).Key(a => a.Customer), null, null), Asked(0, 4), ("accounts", source)));
        Assert.Contains("/accounts/000.mem row 0", e.Message);
        Assert.Contains("/accounts/001.mem row 0", e.Message);
    }

    [Fact]
    public async Task A_day_without_anybody_has_no_rows()
    {
        var source = MemorySource.Of<Plan>("plans", true, [[new("a", "gold", Days.At(2), null, null)]]);
        var orders = MemorySource.Of<Order>("orders", true, [[new("a", Days.At(1), Days.At(1))]]);
        var view = FeatureView.Of(Source.Bind<Order>("orders").EventTime(o => o.At), o => o.Customer).Window("n", w => w.Count(), days: 30);
        var query = FeatureQuery.Create(Spine.Population(plans, noon).Key(p => p.Customer), FeatureService.Of("s", 1, view).Derive("m", row => row.Number("n") + 1), null);
        var answer = await Answer.OfAsync(query, Asked(0, 4), ("plans", source), ("orders", orders));
        Assert.Equal(["2 a", "3 a"], Who(answer));
        Assert.Equal([2.0, 2.0], answer.Column("m"));
    }

    [Fact]
    public async Task The_instants_end_with_now_and_need_a_beginning()
    {
        var source = MemorySource.Of<Plan>("plans", true, [[new("a", "gold", Days.At(0), null, null)]]);
        var query = FeatureQuery.Create(Spine.Population(plans, noon).Key(p => p.Customer), null, null);
        Assert.Equal(["0 a", "1 a"], Who(await Answer.OfAsync(query, Asked(0, 9, now: 1.5) with { To = DateOnly.MaxValue }, ("plans", source))));
        var e = await Assert.ThrowsAsync<DefinitionException>(() => Answer.OfAsync(query, new Setting(), ("plans", source)));
        Assert.Contains("--from", e.Message);
    }

    [Fact]
    public async Task A_future_label_is_mature_when_horizon_and_lateness_have_passed()
    {
        var source = MemorySource.Of<Plan>("plans", true, [[new("a", "gold", Days.At(0), null, null)]]);
        // Of the orders in two days, the one known too late does not count.
        var orders = MemorySource.Of<Order>("orders", true,
            [new("a", Days.At(0.5), Days.At(0.5)), new("a", Days.At(1), Days.At(1))], [new("a", Days.At(2.5), Days.At(3.5)), new("a", Days.At(2.4), Days.At(3.6))]);
        var label = Label.Future("orders", Source.Bind<Order>("orders").EventTime(o => o.At).AvailableAt(o => o.Known), o => o.Customer, 2, w => w.Count(), latenessDays: 1);
        var query = FeatureQuery.Create(Spine.Population(plans, noon).Key(p => p.Customer), null, label);
        var clock = new FakeTimeProvider(Days.At(3.4));
        async Task<object?[]> Labels() =>
            (await Answer.OfAsync(query, Asked(0, 2) with { Now = clock.GetUtcNow() }, ("plans", source), ("orders", orders))).Column("orders");
        Assert.Equal([null, null], await Labels());
        clock.SetUtcNow(Days.At(3.5));
        Assert.Equal([2L, null], await Labels());
        clock.SetUtcNow(Days.At(4.5));
        Assert.Equal([2L, 2L], await Labels());
    }
}
