using BatchMl;
using BatchMl.Expressions;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.Training;

namespace MyTeamNamespace.Jobs;

/// <summary>An order; it is known when the warehouse has loaded it.</summary>
public sealed record Order(long CustomerId, long OrderId, DateTimeOffset At, DateTimeOffset LoadedAt, double Amount);

/// <summary>A visit to the shop; whether something was bought is known an hour later.</summary>
public sealed record Visit(long CustomerId, DateTimeOffset At, bool? Bought);

/// <summary>Will a visitor buy? From what was known of the customer when the visit began. Where the tables are is in appsettings.json.</summary>
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

    static readonly Label Bought = Label.Of<Visit, bool?>("bought", v => v.Bought, knownAt: v => v.At.AddHours(1));

    static readonly TrainingSetJob TrainingSet = new(
        "next-purchase/training-set", "Visits with what was known of the customer", Visits, Features, Bought,
        new TimeSplit(new DateOnly(2024, 3, 1), new DateOnly(2024, 4, 1), new DateOnly(2024, 5, 1), "UTC"));

    static readonly TrainJob Train = new("next-purchase/train", "LightGBM: will a visitor buy?", "next-purchase", TrainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 50 }));

    static readonly ScoreJob Score = new("next-purchase/score", "Scores the visits of each day from May 2024 on", Visits, Features, "next-purchase", "customer_id") { From = new DateOnly(2024, 5, 1) };

    /// <summary>The pipeline; each of its steps can also be run alone.</summary>
    public static IReadOnlyList<Job> Jobs { get; } = [new PipelineJob("next-purchase", "From orders and visits to scored days", TrainingSet, Train, Score)];
}
