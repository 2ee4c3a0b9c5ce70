using BatchMl.Runs;
using BatchMl.Testing;

namespace Churn.Tests;

/// <summary>The claims on a handful of rows that a reader can check in the head: customer 7, who first bought on the second of January.</summary>
public sealed class ClaimTests
{
    const string Monday = "1997-04-07T02:00:00Z", NextMonday = "1997-04-14T02:00:00Z";

    static DateTimeOffset On(int month, int day) => new(1997, month, day, 12, 0, 0, TimeSpan.Zero);

    static Order Bought(long id, DateTimeOffset at, DateTimeOffset loaded, double amount, bool isDeleted = false) => new(id, 7, at, loaded, 1, amount, isDeleted);

    static FeatureTest Customer(params Order[] orders) => FeatureTest.Of(ChurnJobs.All().OfType<PipelineJob>().First().Steps[0])
        .Given(new Customer(7, On(1, 2), On(1, 3), "search"))
        .Given([Bought(1, On(1, 2), On(1, 3), 10), .. orders]);

    [Fact]
    public void An_order_counts_once_in_its_latest_version_known_then()
    {
        var customer = Customer(Bought(2, On(3, 20), On(3, 21), 20), Bought(2, On(3, 20), On(4, 10), 25));
        customer.Row(Monday, 7L).Expect("orders_30d", 1L).Expect("amount_30d", 20.0).Expect("orders_365d", 2L).Expect("amount_365d", 30.0);
        customer.Row(NextMonday, 7L).Expect("orders_30d", 1L).Expect("amount_30d", 25.0).Expect("orders_365d", 2L).Expect("amount_365d", 35.0);
    }

    [Fact]
    public void A_deleted_order_counts_until_its_deletion_is_known()
    {
        var customer = Customer(Bought(2, On(3, 20), On(3, 21), 20), Bought(2, On(3, 20), On(4, 10), 20, isDeleted: true));
        customer.Row(Monday, 7L).Expect("orders_30d", 1L).Expect("weeks_90d", 1L);
        customer.Row(NextMonday, 7L).Expect("orders_30d", 0L).Expect("amount_30d", null).Expect("orders_365d", 1L);
    }

    [Fact]
    public void A_plan_that_is_closed_later_is_still_open()
    {
        var customer = Customer().Given(new PlanPeriod(7, "club", On(1, 2), On(4, 1), ClosedAt: On(4, 10), WrittenAt: On(1, 2)));
        customer.Row(Monday, 7L).Expect("plan", "club").Expect("channel", "search");
        customer.Row(NextMonday, 7L).Expect("plan", null);
    }

    [Fact]
    public void Who_buys_within_sixty_days_is_not_gone_and_that_is_known_three_days_later()
    {
        Customer(Bought(2, On(6, 1), On(6, 3), 5)).Row(Monday, 7L).ExpectLabel(false).ExpectNotMature("1997-06-09T01:59:59Z").ExpectMature("1997-06-09T02:00:00Z");
        // On the sixty-first day.
        Customer(Bought(2, On(6, 7), On(6, 8), 5)).Row(Monday, 7L).ExpectLabel(true);
    }

    [Fact]
    public void Who_is_not_yet_a_customer_is_not_asked_about() => Customer().ExpectNoRow("1996-12-30T02:00:00Z", 7L);

    [Fact]
    public void Nothing_is_known_before_its_time() => Customer(Bought(2, On(3, 20), On(3, 30), 20), Bought(2, On(3, 20), On(4, 10), 25), Bought(3, On(4, 1), On(4, 9), 7, isDeleted: false), Bought(3, On(4, 1), On(4, 20), 7, isDeleted: true))
        .Given(new PlanPeriod(7, "club", On(1, 2), On(4, 1), ClosedAt: On(4, 10), WrittenAt: On(1, 2)), new PlanPeriod(7, "basic", On(4, 1), null, null, WrittenAt: On(4, 10)))
        .Learned<PlanPeriod>((p, at) => p.WrittenAt > at ? null : p.ClosedAt > at ? p with { Until = null, ClosedAt = null } : p)
        .ExpectNoLeaks();
}
