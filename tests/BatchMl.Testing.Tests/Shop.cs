namespace BatchMl.Testing.Tests;

sealed record Order
{
    public long OrderId { get; init; }
    public long CustomerId { get; init; }
    public DateTimeOffset At { get; init; }
    public DateTimeOffset? LoadedAt { get; init; }
    public double? Amount { get; init; }
    public bool IsDeleted { get; init; }
}

sealed record Customer
{
    public long CustomerId { get; init; }
    public string Country { get; init; } = "";
}

sealed record Visit
{
    public long CustomerId { get; init; }
    public DateTimeOffset At { get; init; }
    public bool? Bought { get; init; }
}

/// <summary>Definitions that tests are made for.</summary>
static class Shop
{
    public static readonly Source<Order> Orders = Source.Bind<Order>("orders").EventTime(o => o.At).AvailableAt(o => o.LoadedAt).TieBreak(o => o.OrderId);
    public static readonly FeatureView Buying = Of(Orders);
    public static readonly FeatureView Where = FeatureView.Of(Source.Bind<Customer>("customers").Lookup("countries do not change"), c => c.CustomerId).Latest(c => c.Country);
    public static readonly FeatureService Features = FeatureService.Of("shop", 1, Buying, Where).Derive("mean_30d", row => row.Number("amount_30d") / row.Number("orders_30d"));
    public static readonly FutureLabel Buys = Label.Future("buys", Orders, o => o.CustomerId, days: 10, w => w.Count() > 0, latenessDays: 2);

    public static readonly Spine Visits = Spine.From(Source.Bind<Visit>("visits")).AsOf(v => v.At).Key(v => new { v.CustomerId }).Where(v => v.CustomerId > 0);
    public static readonly Label Bought = Label.Of<Visit, bool?>("bought", v => v.Bought, v => v.At.AddDays(1));

    public static FeatureView Of(Source<Order> orders) => FeatureView.Of(orders, o => o.CustomerId)
        .Window("orders_30d", w => w.Count(), days: 30).Window("amount_30d", w => w.Sum(o => o.Amount), days: 30).Latest(o => o.Amount, "last_amount");

    public static DateTimeOffset Day(double day) => new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(day);

    public static Order Order(long id, double at, double? loaded = null, double? amount = 10, long customer = 7) =>
        new() { OrderId = id, CustomerId = customer, At = Day(at), LoadedAt = Day(loaded ?? at), Amount = amount };
}
