namespace Churn.Tests;

/// <summary>Every feature is what SQL over the files says.</summary>
public sealed class FeatureTests : IDisposable
{
    const string Numbers = "orders_30d orders_90d orders_365d amount_30d amount_90d amount_365d orders_previous_30d weeks_90d recency_days trend age_days";

    readonly Shop shop = new();

    // Any Monday since each customer's first purchase, or none: a row for a number below 5 in 100.
    static string Sample => $"SELECT c.customer_id, c.first_order_at, t AS as_of FROM '{Shop.Table("customers")}' c, generate_series(TIMESTAMPTZ '1997-01-06 02:00', TIMESTAMPTZ '1998-06-29 02:00', INTERVAL 7 DAY) g(t) "
        + "WHERE greatest(c.first_order_at, c.known_at) <= t AND (c.customer_id * 7919 + epoch(t)::BIGINT // 604800 * 104729) % 1000 < 5";

    static string Wrong(string features) => $"SELECT count(*) FROM '{features}' e FULL JOIN ({Oracle.Features(features)}) o USING (customer_id, as_of) WHERE e.customer_id IS NULL OR o.customer_id IS NULL OR e.plan IS DISTINCT FROM o.plan OR e.channel IS DISTINCT FROM o.channel OR "
        // Sums are exact in the engine, and not in SQL.
        + string.Join(" OR ", Numbers.Split(' ').Select(n => $"(e.{n} IS NULL) <> (o.{n} IS NULL) OR abs(e.{n} - o.{n}) > 1e-9 * (1 + abs(o.{n}))"));

    // Where nothing else was loaded for that customer at that instant, so that what changes is what the version changed.
    static string Alone(string versions) => $"SELECT * FROM ({versions}) v WHERE (SELECT count(*) FROM '{Shop.Table("orders")}' o WHERE o.customer_id = v.customer_id AND o.loaded_at > v.loaded_at - INTERVAL 1 HOUR AND o.loaded_at <= v.loaded_at) = 1";

    [Fact]
    public async Task Every_feature_of_a_random_sample_is_what_SQL_says()
    {
        var features = await shop.FeaturesAsync(Sample);
        Assert.InRange(Duck.Number($"SELECT count(*) FROM '{features}'"), 3_000, 20_000);
        Assert.Equal(0, Duck.Number(Wrong(features)));
    }

    [Theory]
    [InlineData("1997-04-07")]
    [InlineData("1998-06-29")]
    public async Task Sums_over_all_customers_of_a_Monday_are_what_SQL_says(string monday)
    {
        var features = await shop.FeaturesAsync($"SELECT customer_id, first_order_at, TIMESTAMPTZ '{monday} 02:00' AS as_of FROM '{Shop.Table("customers")}' WHERE greatest(first_order_at, known_at) <= TIMESTAMPTZ '{monday} 02:00'");
        var sums = string.Join(", ", Numbers.Split(' ').Select(n => $"round(sum({n}), 4)"));
        Assert.Equal(Duck.Rows($"SELECT count(*), {sums} FROM ({Oracle.Features(features)})")[0], Duck.Rows($"SELECT count(*), {sums} FROM '{features}'")[0]);
    }

    [Fact]
    public async Task Every_order_counts_once_in_its_latest_version_known_at_T()
    {
        // The corrected orders, an hour before and after the correction was loaded.
        var corrected = $"SELECT a.order_id, a.customer_id, b.loaded_at FROM '{Shop.Table("orders")}' a JOIN '{Shop.Table("orders")}' b USING (order_id) WHERE a.loaded_at < b.loaded_at AND NOT b.is_deleted AND a.amount <> b.amount";
        var features = await shop.FeaturesAsync($"SELECT DISTINCT customer_id, first_order_at, loaded_at + to_hours(h) AS as_of FROM ({corrected}) JOIN '{Shop.Table("customers")}' USING (customer_id), (VALUES (-1), (0), (1)) v(h)");
        Assert.InRange(Duck.Number($"SELECT count(*) FROM ({corrected})"), 300, 2_000);
        Assert.Equal(0, Duck.Number(Wrong(features)));
        // The correction is seen at the very instant at which it was loaded, and no order more or less.
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM '{features}' b JOIN '{features}' a ON a.customer_id = b.customer_id AND a.as_of = b.as_of + INTERVAL 1 HOUR JOIN ({Alone(corrected)}) c ON c.customer_id = a.customer_id AND c.loaded_at = a.as_of WHERE a.amount_365d >= b.amount_365d"));
    }

    [Fact]
    public async Task A_deleted_order_counts_until_its_deletion_is_known_and_not_after()
    {
        var deleted = $"SELECT order_id, customer_id, loaded_at FROM '{Shop.Table("orders")}' WHERE is_deleted";
        var features = await shop.FeaturesAsync($"SELECT DISTINCT customer_id, first_order_at, loaded_at + to_hours(h) AS as_of FROM ({deleted}) JOIN '{Shop.Table("customers")}' USING (customer_id), (VALUES (-1), (0)) v(h)");
        Assert.Equal(0, Duck.Number(Wrong(features)));
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM ({Alone(deleted)}) d JOIN '{features}' b ON b.customer_id = d.customer_id AND b.as_of = d.loaded_at - INTERVAL 1 HOUR JOIN '{features}' a ON a.customer_id = d.customer_id AND a.as_of = d.loaded_at WHERE a.orders_365d >= b.orders_365d"));
    }

    [Fact]
    public async Task A_plan_closed_later_is_still_open_at_T()
    {
        // Between the end and its being written, and when it was written.
        var ended = $"SELECT customer_id, plan AS was, until, closed_at FROM '{Shop.Table("plans")}' WHERE closed_at > until";
        var features = await shop.FeaturesAsync($"SELECT customer_id, first_order_at, t AS as_of FROM ({ended}) JOIN '{Shop.Table("customers")}' USING (customer_id), LATERAL (VALUES (closed_at - INTERVAL 1 SECOND), (closed_at)) v(t)");
        Assert.Equal(0, Duck.Number(Wrong(features)));
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM ({ended}) e JOIN '{features}' f ON f.customer_id = e.customer_id AND f.as_of = e.closed_at - INTERVAL 1 SECOND WHERE f.plan IS DISTINCT FROM e.was"));
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM ({ended}) e JOIN '{features}' f ON f.customer_id = e.customer_id AND f.as_of = e.closed_at WHERE f.plan IS NOT DISTINCT FROM e.was"));
    }

    public void Dispose() => shop.Dispose();
}
