namespace BatchMl.Testing.Tests;

public sealed class LeakTests
{
    static readonly Order[] orders = [Shop.Order(1, at: 0), Shop.Order(2, at: 5, loaded: 8), Shop.Order(3, at: 6, loaded: 7, customer: 8), Shop.Order(4, at: 20)];

    [Fact]
    public void What_is_declared_as_it_is_does_not_leak() => FeatureTest.Of(Shop.Features).Given(orders).Given(new Customer { CustomerId = 7 }).ExpectNoLeaks().At("2024-01-07T00:00:00Z", key: 7L).ExpectNoLeak();

    [Fact]
    public void AsOfEventTime_leaks_and_the_fact_is_named()
    {
        var message = FeatureTestTests.Failure(() => FeatureTest.Of(Shop.Of(Shop.Orders.AsOfEventTime())).Given(orders).At("2024-01-07T00:00:00Z", key: 7L).ExpectNoLeak());
        Assert.StartsWith("'orders_30d' as of 2024-01-07T00:00:00Z of customer_id=7 leaks: from what was there at that time it is 1, from the rows as they are now 2.", message, StringComparison.Ordinal);
        Assert.Contains("row 1 of 'orders': order_id=2", message, StringComparison.Ordinal);
        Assert.Contains("leaks", FeatureTestTests.Failure(() => FeatureTest.Of(Shop.Of(Shop.Orders.AsOfEventTime())).Given(orders).ExpectNoLeaks()), StringComparison.Ordinal);
    }

    [Fact]
    public void An_AvailableAt_that_is_too_early_leaks_where_the_test_says_when_rows_came()
    {
        var declared = Source.Bind<Order>("orders").EventTime(o => o.At).TieBreak(o => o.OrderId);
        var test = FeatureTest.Of(Shop.Of(declared)).Given(orders);
        // Nothing tells that rows came later.
        test.ExpectNoLeaks();
        FeatureTestTests.Failure(() => test.Learned<Order>((o, at) => o.LoadedAt <= at ? o : null).ExpectNoLeaks());
    }

    [Fact]
    public void A_column_that_is_written_later_leaks()
    {
        static Order AsItWas(Order order, DateTimeOffset at) => at < order.At.AddDays(3) ? order with { Amount = null } : order;
        var message = FeatureTestTests.Failure(() => FeatureTest.Of(Shop.Buying).Given(orders).Learned<Order>((o, at) => o.LoadedAt <= at ? AsItWas(o, at) : null).At("2024-01-02T00:00:00Z", key: 7L).ExpectNoLeak());
        Assert.Contains("'amount_30d'", message, StringComparison.Ordinal);
        Assert.Contains("which at that time was order_id=1, customer_id=7", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_look_up_that_changes_leaks()
    {
        var moved = FeatureTest.Of(Shop.Where).Given(new Customer { CustomerId = 7, Country = "FR" });
        moved.At("2024-01-02T00:00:00Z", key: 7L).ExpectNoLeak();
        FeatureTestTests.Failure(() => moved.Learned<Customer>((c, at) => at < Shop.Day(30) ? c with { Country = "DE" } : c).At("2024-01-02T00:00:00Z", key: 7L).ExpectNoLeak());
    }
}
