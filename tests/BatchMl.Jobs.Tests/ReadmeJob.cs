using BatchMl.Expressions;
using BatchMl.Training;

namespace BatchMl.Jobs.Tests;

// README:
public sealed record Order(long CustomerId, long OrderId, DateTimeOffset At, DateTimeOffset LoadedAt, double Amount);
public sealed record Visit(long CustomerId, DateTimeOffset At, bool? Bought);

public static class NextPurchase
{
    static readonly Source<Order> Orders = Source.Bind<Order>("orders")
        .EventTime(o => o.At)
        .AvailableAt(o => o.LoadedAt)
        .TieBreak(o => o.OrderId);

    static readonly FeatureView Buying = FeatureView.Of(Orders, key: o => o.CustomerId)
        .Latest(o => o.Amount, "last_amount")
        .Window("orders_30d", w => w.Count(), days: 30)
        .Window("amount_mean_90d", w => w.Mean(o => o.Amount), days: 90);

    static readonly FeatureService Features = FeatureService.Of("next-purchase", version: 1, Buying)
        .Derive("is_new", row => row.Number("orders_30d") == 0);

    static readonly Spine Visits = Spine.From(Source.Bind<Visit>("visits"))
        .Key(v => v.CustomerId)
        .AsOf(v => v.At)
        .PartitionBy("day", v => v.At.DateIn("UTC"));

    public static readonly TrainingSetJob TrainingSet = new(
        "next-purchase/training-set", "Visits with what was known of the customer", Visits, Features,
        Label.Of<Visit, bool?>("bought", v => v.Bought, knownAt: v => v.At.AddHours(1)),
        new TimeSplit(new DateOnly(2024, 3, 1), new DateOnly(2024, 4, 1), new DateOnly(2024, 5, 1), "UTC"));
}
