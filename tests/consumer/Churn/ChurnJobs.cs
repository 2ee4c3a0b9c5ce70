using BatchMl;
using BatchMl.Expressions;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.Training;

namespace Churn;

/// <summary>Who will buy nothing in the next sixty days? Asked of every customer each Monday at two in the morning, from what was known then.</summary>
public static class ChurnJobs
{
    const string Zone = "UTC";

    // Rarely does an order take longer than this to be loaded; a label waits for it.
    const double UsualLatenessDays = 3;

    static readonly Source<Customer> Customers = Source.Bind<Customer>("customers").EventTime(c => c.FirstOrderAt).AvailableAt(c => c.KnownAt).TieBreak(c => c.CustomerId);

    static readonly Source<Customer> Constants = Source.Bind<Customer>("customers").Lookup("the channel that a customer came by does not change");

    static readonly Source<Order> Orders = Source.Bind<Order>("orders")
        .EventTime(o => o.BoughtAt)
        .AvailableAt(o => o.LoadedAt)
        .TieBreak(o => o.OrderId)
        .Fact(o => o.OrderId, deleted: o => o.IsDeleted);

    static readonly Source<PlanPeriod> Plans = Source.Bind<PlanPeriod>("plans")
        .Valid(p => p.Since, p => p.Until, closedKnownAt: p => p.ClosedAt)
        .AvailableAt(p => p.WrittenAt);

    static readonly FeatureView Buying = FeatureView.Of(Orders, key: o => o.CustomerId)
        .Latest(o => o.BoughtAt, "last_order_at")
        .Window("orders_30d", w => w.Count(), days: 30)
        .Window("orders_90d", w => w.Count(), days: 90)
        .Window("orders_365d", w => w.Count(), days: 365)
        .Window("amount_30d", w => w.Sum(o => o.Amount), days: 30)
        .Window("amount_90d", w => w.Sum(o => o.Amount), days: 90)
        .Window("amount_365d", w => w.Sum(o => o.Amount), days: 365)
        .Window("orders_previous_30d", w => w.Count(), days: 30, endsHoursBefore: 30 * 24)
        // A week is named by the Sunday that it begins with.
        .Window("weeks_90d", w => w.DistinctCount(o => o.BoughtAt.DateIn(Zone).AddDays(-(int)o.BoughtAt.DateIn(Zone).DayOfWeek)), days: 90);

    static readonly FeatureView CurrentPlan = FeatureView.Of(Plans, key: p => p.CustomerId).Latest(p => p.Plan);

    static readonly FeatureView Channel = FeatureView.Of(Constants, key: c => c.CustomerId).Latest(c => c.Channel);

    static readonly FeatureService Features = FeatureService.Of("churn", version: 1, Buying, CurrentPlan, Channel)
        .Derive("recency_days", row => Sql.DaysBetween(row.Time("as_of"), row.Time("last_order_at")))
        .Derive("trend", row => (row.Number("orders_30d") + 1) / (row.Number("orders_previous_30d") + 1))
        .Derive("age_days", row => Sql.DaysBetween(row.Time("as_of"), row.Time("first_order_at")))
        .Hide("last_order_at");

    static readonly Spine Mondays = Spine.Population(Customers, at: Calendar.Weekly(DayOfWeek.Monday, "02:00", Zone))
        .Key(c => c.CustomerId)
        .Select(c => c.FirstOrderAt);

    static readonly Label Churned = Label.Future("churned", Orders, key: o => o.CustomerId, days: 60, w => w.Count() == 0, latenessDays: UsualLatenessDays);

    static readonly TrainingSetJob TrainingSet = new(
        "churn/training-set", "Every customer on the Mondays from April 1997 on, and whether they bought in the sixty days after", Mondays, Features, Churned,
        new TimeSplit(new DateOnly(1997, 12, 1), new DateOnly(1998, 2, 16), new DateOnly(1998, 5, 4), Zone) { From = new DateOnly(1997, 4, 7) });

    static readonly TrainJob Train = new("churn/train", "LightGBM: will a customer be gone?", "churn", TrainingSet, new LightGbmTrainer(new LightGbmOptions { LearningRate = 0.1, MaxRounds = 100, EarlyStoppingRounds = 20, Metric = "auc" }));

    static readonly ScoreJob Score = new("churn/score", "Scores every customer each Monday from May 1998 on", Mondays, Features, "churn", "customer_id") { From = new DateOnly(1998, 5, 4), To = new DateOnly(1998, 6, 30) };

    static readonly MonitorJob Monitor = new("churn/monitor", "Drift of each week, and who was gone indeed", Score, Churned);

    /// <summary>The pipeline, and its part that makes a new model.</summary>
    public static IReadOnlyList<Job> All() =>
    [
        new PipelineJob("churn", "From orders and plans to scored weeks and a report", TrainingSet, Train, Score, Monitor),
        new PipelineJob("churn/retrain", "A new model: its training set, then the training", TrainingSet, Train),
    ];
}
