using BatchMl.Jobs;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.SparkJobs;

/// <summary>Every member of every day: will nothing be bought for a week? The spine is a population at the instants of a calendar, with days on which nobody is a member; the label lies in the future. A challenger scores beside the model, and each version's scores are kept.</summary>
public static class Churn
{
    const string NewYork = "America/New_York";

    static readonly FeatureService Features = FeatureService.Of("churn", version: 1, Store.Purchases, Store.BranchLoad.On("branch"))
        .FromSpine("tier").Derive("spent_per_item", row => row.Number("amount_sum") / row.Number("n"));

    static readonly Spine Everyone = Spine.Population(Store.Members, Calendar.Daily("02:00", NewYork), where: m => m.Tier != "closed")
        .Key(m => m.Customer).Select(m => new { m.Tier, m.Branch });

    static readonly Label Quiet = Label.Future("quiet", Store.Sales, s => s.Customer, days: 3, w => w.Count() == 0, latenessDays: 1);

    /// <summary>The pipeline.</summary>
    public static PipelineJob Pipeline()
    {
        var trainingSet = new TrainingSetJob(
            "churn/training-set", "Members of January with what came after", Everyone, Features, Quiet,
            new TimeSplit(new DateOnly(2024, 1, 20), new DateOnly(2024, 1, 26), new DateOnly(2024, 2, 2), NewYork) { From = new DateOnly(2024, 1, 5) });
        var train = new TrainJob("churn/train", "Will a member be quiet?", "churn", trainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 }));
        var challenger = new TrainJob("churn/train-short", "The same, of fewer trees", "churn-short", trainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 5, LearningRate = 0.3, Leaves = 4 }));
        var score = new ScoreJob("churn/score", "Scores the members of each day", Everyone, Features, "churn", "customer")
        {
            From = new DateOnly(2024, 1, 20), To = new DateOnly(2024, 2, 3), Challenger = "churn-short", SideBySide = true,
        };
        return new PipelineJob("churn", "From members to a report", trainingSet, train, challenger, score, new MonitorJob("churn/monitor", "How the scores turned out", score, Quiet));
    }
}
