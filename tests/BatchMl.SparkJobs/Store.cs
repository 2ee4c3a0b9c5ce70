using BatchMl.Expressions;
using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.SparkJobs;

/// <summary>
/// Visits to a shop: will the customer buy? Small, and made of what is hard to spread over machines: facts that are deleted or move to another key, validity, a lag of each row's own, ties, keys of two columns and without a
/// value, a key that is a feature of another view, a view that is joined twice, a column without any value, rows that fail, partitions by text, a key with half of all rows.
/// </summary>
public static class Store
{
    static readonly Source<Visit> Visits = Source.Bind<Visit>("visits");

    // A sale is corrected and may be booked to another customer or be taken back.
    internal static readonly Source<Sale> Sales = Source.Bind<Sale>("sales")
        .EventTime(s => s.At).AvailableAt(s => s.Known).TieBreak(s => s.Seq).Fact(s => s.Number, deleted: s => s.Gone);

    static readonly Source<Click> Clicks = Source.Bind<Click>("clicks").EventTime(c => c.At).AvailableAt(c => c.At.AddMinutes(c.LagMinutes)).AllowTies();

    internal static readonly Source<Member> Members = Source.Bind<Member>("members").Valid(m => m.ValidFrom, m => m.ValidTo, m => m.ClosedKnown);

    static readonly Source<Report> Reports = Source.Bind<Report>("reports").EventTime(r => r.At).AvailableAt(r => r.At.AddHours(2));

    static readonly Source<Shop> Shops = Source.Bind<Shop>("shops").Lookup("a shop does not grow");

    internal static readonly FeatureView Membership = FeatureView.Of(Members, m => m.Customer).Latest(m => m.Tier).Latest(m => m.Branch);

    internal static readonly FeatureView BranchLoad = FeatureView.Of(Reports, r => r.Branch)
        .Latest(r => r.Load).Window("load_mean", w => w.Mean(r => r.Load), days: 2).Window("load_p90", w => w.Quantile(0.9, r => r.Load), days: 3).Ttl(hours: 30);

    internal static readonly FeatureView Purchases = FeatureView.Of(Sales, s => s.Customer)
        .Window("n", w => w.Count(), days: 3).Window("amount_sum", w => w.Sum(s => s.Amount), days: 10).Window("amount_std", w => w.Std(s => s.Amount), days: 20)
        .Window("items", w => w.Sum(s => s.Items), days: 1).Window("products", w => w.DistinctCount(s => s.Product), days: 5, axis: WindowAxis.EffectiveAt)
        .Latest(s => s.Amount).LatestNonNull(s => s.Product).LatestNonNull(s => s.Note);

    static readonly FeatureView PurchasesHere = FeatureView.Of(Sales, s => new { s.Customer, s.Shop })
        .Window("n_here", w => w.Count(), days: 9, convention: WindowConvention.Closed).Latest(s => s.At, "last_here");

    static readonly FeatureView Browsing = FeatureView.Of(Clicks, c => c.Customer).Latest(c => c.Page).Window("clicks", w => w.Count(), hours: 30, endsHoursBefore: 1);

    static readonly FeatureView ShopFacts = FeatureView.Of(Shops, s => s.Name).Latest(s => s.Area);

    static readonly FeatureService Features = FeatureService
        .Of("store", version: 1, Membership, Purchases, PurchasesHere, BranchLoad.On("branch").Prefix("home_"), Browsing, BranchLoad.On("shop_branch").Prefix("shop_"), ShopFacts)
        .FromSpine("shop", "basket")
        .Derive("hours_since_here", row => Sql.HoursBetween(row.Time("as_of"), row.Time("last_here")))
        // Fails on the first try: a dead letter.
        .Derive("items_per_try", row => (1000 + row.Integer("items")) / row.Integer("tries"))
        .Hide("last_here");

    static readonly Spine<Visit> AllVisits = Spine.From(Visits).Key(v => v.Id).Select(v => new { v.Customer, v.Shop, v.ShopBranch, v.Basket, v.Tries }).AsOf(v => v.At);

    static readonly Label Bought = Label.Of<Visit, bool?>("bought", v => v.Bought, knownAt: v => v.At.AddHours(3));

    /// <summary>The pipeline: trained on dates, scored by text partitions.</summary>
    public static PipelineJob Pipeline()
    {
        var trainingSet = new TrainingSetJob(
            "store/training-set", "Visits with what was known then", AllVisits.Where(v => v.At != null && v.Tries > 0).PartitionBy("date", v => v.At.DateIn("UTC")), Features, Bought,
            new TimeSplit(new DateOnly(2024, 1, 20), new DateOnly(2024, 1, 28), new DateOnly(2024, 2, 5), "UTC"));
        var train = new TrainJob("store/train", "Will a visitor buy?", "store", trainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 }));
        var score = new ScoreJob("store/score", "Scores visits by lane", AllVisits.PartitionBy("lane", v => v.Lane), Features, "store", "id", "customer") { DeadLetterLimit = 100_000 };
        return new PipelineJob("store", "From visits to scored lanes", trainingSet, train, score);
    }
}
