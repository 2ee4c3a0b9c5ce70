using BatchMl.Engine;

namespace BatchMl.Testing.Tests;

public sealed class FeatureTestTests
{
    static readonly FeatureTest shop = FeatureTest.Of(Shop.Features, Shop.Buys)
        .Given(Shop.Order(1, at: 0, amount: 12.5), Shop.Order(2, at: 5, loaded: 8, amount: null), Shop.Order(3, at: 40, amount: 0.1))
        .Given(new Customer { CustomerId = 7, Country = "DE" });

    [Fact]
    public void Values_are_those_that_are_counted_by_hand() => shop
        .At("2024-01-01T00:00:00Z", key: 7L).Expect("orders_30d", 1).Expect("amount_30d", 12.5).Expect("last_amount", 12.5).Expect("country", "DE").Expect("mean_30d", 12.5)
        .At("2024-01-08T00:00:00Z", key: 7).Expect("orders_30d", 1)
        .At("2024-01-09T00:00:00Z", key: new { CustomerId = 7L }).Expect("orders_30d", 2).Expect("last_amount", null).Expect("mean_30d", 6.25)
        .At(Shop.Day(41), key: 7L).Expect("orders_30d", 1).Expect("amount_30d", 0.1)
        .At("2024-01-09T00:00:00Z", key: 8L).Expect("orders_30d", 0).Expect("amount_30d", null).Expect("country", null);

    [Fact]
    public void Sources_that_are_given_nothing_are_empty() => FeatureTest.Of(Shop.Buying).At("2024-01-09T00:00:00Z", key: 7L).Expect("orders_30d", 0).Expect("last_amount", null);

    [Fact]
    public void A_failure_says_what_was_expected_what_was_got_where_and_which_rows_made_it()
    {
        var message = Failure(() => shop.At("2024-01-07T00:00:00Z", key: 7L).Expect("orders_30d", 2));
        Assert.StartsWith("'orders_30d' as of 2024-01-07T00:00:00Z of customer_id=7: expected 2, got 1.", message, StringComparison.Ordinal);
        Assert.Contains("late: happened by as_of, known only after it: 1", message, StringComparison.Ordinal);
        Assert.Contains("not happened yet at as_of: 1", message, StringComparison.Ordinal);
        Assert.Contains("known 2024-01-09", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_are_exact_unless_a_tolerance_is_said()
    {
        var row = shop.At(Shop.Day(41), key: 7L);
        Failure(() => row.Expect("amount_30d", 0.1000001));
        row.Expect("amount_30d", 0.1000001, tolerance: 1e-6);
        Failure(() => row.Expect("amount_30d", null, tolerance: 1));
        Failure(() => row.Expect("amount_30d", 0.1, tolerance: -1));
    }

    [Theory]
    [InlineData("orders_30", "Did you mean 'orders_30d'?")]
    [InlineData("Country", "Did you mean 'country'?")]
    public void A_column_that_does_not_exist_is_an_error_that_names_the_nearest(string column, string expected) =>
        Assert.Contains(expected, Failure(() => shop.At("2024-01-07T00:00:00Z", key: 7L).Expect(column, 1)), StringComparison.Ordinal);

    [Fact]
    public void Bad_input_is_named()
    {
        Assert.Contains("no instant", Failure(() => shop.At("yesterday", key: 7L)), StringComparison.Ordinal);
        Assert.Contains("'customer_id' is of type Int64, but the test gives String", Failure(() => shop.At("2024-01-07T00:00:00Z", key: "seven")), StringComparison.Ordinal);
        Assert.Contains("Did you mean 'customer_id'?", Failure(() => shop.At("2024-01-07T00:00:00Z", key: new { Customer = 7L })), StringComparison.Ordinal);
        Assert.Contains("No source here has rows of type Visit", Failure(() => shop.Given(new Visit())), StringComparison.Ordinal);
        Assert.Contains("'orders_30d' is of type Int64, but the test gives Double", Failure(() => shop.At("2024-01-07T00:00:00Z", key: 7L).Expect("orders_30d", 1.5)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_deletion_counts_from_when_it_is_known_and_needs_what_it_deletes()
    {
        static Order Deleted(long id, double at, double loaded) => Shop.Order(id, at, loaded) with { IsDeleted = true };
        var orders = Shop.Orders.Fact(o => o.OrderId, deleted: o => o.IsDeleted);
        Order[] rows = [Shop.Order(1, at: 0), Shop.Order(2, at: 1), Deleted(2, at: 1, loaded: 3)];
        FeatureTest.Of(Shop.Of(orders)).Given(rows).ExpectNoLeaks().At(Shop.Day(2), key: 7L).Expect("orders_30d", 2).At(Shop.Day(3), key: 7L).Expect("orders_30d", 1);

        var unknown = FeatureTest.Of(Shop.Of(orders)).Given(rows).Given(Deleted(9, at: 1, loaded: 4));
        unknown.At(Shop.Day(3), key: 7L).Expect("orders_30d", 1);
        Assert.StartsWith("orders row 3 deletes a fact that nobody knows: of (9) there is no version", Assert.Throws<DataException>(() => unknown.At(Shop.Day(4), key: 7L)).Message, StringComparison.Ordinal);
        FeatureTest.Of(Shop.Of(orders.AllowUnknownDeletes())).Given(rows).Given(Deleted(9, at: 1, loaded: 4)).ExpectNoLeaks().At(Shop.Day(4), key: 7L).Expect("orders_30d", 1);
    }

    [Fact]
    public void A_label_in_the_future_has_a_value_and_a_time_when_it_is_mature() => shop
        .At("2024-02-08T00:00:00Z", key: 7L).ExpectLabel(true).ExpectNotMature("2024-02-19T23:59:59Z").ExpectMature("2024-02-20T00:00:00Z")
        .At("2024-01-09T00:00:00Z", key: 7L).ExpectLabel(false);

    [Fact]
    public void Rows_of_the_spine_are_found_by_their_key_and_their_label_is_expected()
    {
        var visits = FeatureTest.Of(FeatureQuery.Create(Shop.Visits, FeatureService.Of("buying", 1, Shop.Buying), Shop.Bought))
            .Given(Shop.Order(1, at: 0)).Given(new Visit { CustomerId = 7, At = Shop.Day(2), Bought = true }, new Visit { CustomerId = -1, At = Shop.Day(2) });
        visits.Row("2024-01-03T00:00:00Z", key: 7L).Expect("orders_30d", 1).ExpectLabel(true).ExpectNotMature("2024-01-03T12:00:00Z").ExpectMature("2024-01-04T00:00:00Z")
            .ExpectNoRow("2024-01-03T00:00:00Z", key: -1L);
        Assert.Contains("no row as of 2024-01-04T00:00:00Z of customer_id=7", Failure(() => visits.Row("2024-01-04T00:00:00Z", key: 7L)), StringComparison.Ordinal);
        Assert.Contains("expected none", Failure(() => visits.ExpectNoRow("2024-01-03T00:00:00Z", key: 7L)), StringComparison.Ordinal);
    }

    internal static string Failure(Action test) => Assert.Throws<TestFailedException>(test).Message;
}
