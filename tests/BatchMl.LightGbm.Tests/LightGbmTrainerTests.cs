using Apache.Arrow;
using BatchMl.Scoring;
using BatchMl.TestSupport;
using BatchMl.Training;

namespace BatchMl.LightGbm.Tests;

public sealed class LightGbmTrainerTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_rows_give_the_same_bytes_for_any_number_of_threads_and_any_batches()
    {
        var options = new LightGbmOptions { BaggingFraction = 0.8, FeatureFraction = 0.7, MaxRounds = 60, Metric = "binary_logloss" };
        var (first, notes) = Train(options with { Threads = 1 }, Synthetic.Rows(30_000, 1), Synthetic.Rows(5_000, 2));
        foreach (var threads in (int[])[1, 2, 3, 8, 0])
        {
            var (again, againNotes) = Train(options with { Threads = threads }, Synthetic.Rows(30_000, 1, 7_001), Synthetic.Rows(5_000, 2, 1_000));
            Assert.Equal(first, again);
            Assert.Equal(notes, againNotes);
        }
        var (other, _) = Train(options with { Seed = 2 }, Synthetic.Rows(30_000, 1), Synthetic.Rows(5_000, 2));
        Assert.NotEqual(first, other);
        Assert.Equal(new LightGbmTrainer(options).Parameters, new LightGbmTrainer(options with { Threads = 5 }).Parameters);
    }

    [Fact]
    public void Training_stops_when_validation_no_longer_improves_and_keeps_the_best_round()
    {
        var rounds = new List<(int Round, double Metric)>();
        var (model, notes) = Train(
            new LightGbmOptions { MaxRounds = 400, EarlyStoppingRounds = 12 }, Synthetic.Rows(4_000, 3, areLabelsRandom: true), Synthetic.Rows(2_000, 4, areLabelsRandom: true),
            progress: (round, metric) => rounds.Add((round, metric)));
        Assert.True(notes["rounds"] < 400);
        Assert.Equal(notes["best_round"] + 12, notes["rounds"]);
        Assert.Equal(notes["rounds"], rounds.Count);
        Assert.Equal(rounds.Max(r => r.Metric), notes["validation.auc"]);
        Assert.Equal(rounds.MaxBy(r => r.Metric).Round, notes["best_round"]);
        Assert.Equal(notes["best_round"], model.Split("\nTree=").Length - 1);
    }

    [Fact]
    public void The_metric_is_that_of_the_saved_model_counted_pair_by_pair()
    {
        var validation = Synthetic.Rows(2_000, 6);
        var (_, notes) = Train(new LightGbmOptions(), Synthetic.Rows(10_000, 5), validation);
        var scores = Score(validation.Inputs[0]);
        var labels = validation.Labels[0].Values.ToArray();
        double wins = 0, pairs = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            for (var j = 0; j < labels.Length; j++)
            {
                if (labels[i] <= labels[j]) continue;
                pairs++;
                wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }
        Assert.Equal(wins / pairs, notes["validation.auc"], 12);
        // The law itself, with its noise, reaches 0.92.
        Assert.InRange(notes["validation.auc"], 0.87, 0.95);
    }

    [Fact]
    public void Codes_are_categories_not_numbers()
    {
        var random = new Random(8);
        int[] codes = [.. Enumerable.Range(0, 8_000).Select(_ => random.Next(200))];
        var isTrue = Enumerable.Range(0, 200).Select(_ => random.Next(2) == 1).ToArray();
        TrainingRows Rows(int start) => new(
            [Synthetic.Batch(["code"], [Synthetic.Floats([.. codes.Skip(start).Take(4_000).Select(c => (float)c)])])],
            [Synthetic.Doubles([.. codes.Skip(start).Take(4_000).Select(c => isTrue[c] ? 1.0 : 0)])]);
        var options = new LightGbmOptions { Leaves = 4, MaxRounds = 3, MinRowsInLeaf = 1 };
        var (_, asNumbers) = Train(options, Rows(0), Rows(4_000));
        var (model, asCategories) = Train(options, Rows(0), Rows(4_000), categorical: ["code"]);
        Assert.Contains("cat_threshold=", model);
        Assert.InRange(asCategories["validation.auc"], 0.99, 1);
        Assert.InRange(asNumbers["validation.auc"], 0.5, 0.9);
    }

    [Fact]
    public void A_regression_finds_the_mean_of_a_constant_and_the_line_of_a_line()
    {
        float[] x = [.. Enumerable.Range(0, 2_000).Select(i => i / 100f)];
        TrainingRows Rows(Func<float, double> y) => new([Synthetic.Batch(["x"], [Synthetic.Floats(x)])], [Synthetic.Doubles([.. x.Select(y)])]);
        var options = new LightGbmOptions { Objective = "regression", Metric = "l2" };
        Train(options, Rows(_ => 7.25), Rows(_ => 7.25));
        Assert.All(Score(Rows(_ => 0).Inputs[0]), s => Assert.Equal(7.25, s, 6));
        var (_, notes) = Train(options, Rows(v => 3 * v), Rows(v => 3 * v));
        Assert.InRange(notes["validation.l2"], 0, 0.05);
    }

    [Fact]
    public void Names_that_LightGBM_can_not_hold_are_replaced_and_stay_different()
    {
        var rows = Synthetic.Rows(2_000, 9);
        string[] names = ["carrier=B 6", "carrier=B_6", "a:[\"b\"]", "größe"];
        TrainingRows Named(TrainingRows r) => new([Synthetic.Batch(names, [.. r.Inputs[0].Arrays])], r.Labels);
        var (model, _) = Train(new LightGbmOptions { MaxRounds = 5 }, Named(rows), Named(Synthetic.Rows(500, 10)));
        Assert.Contains("\nfeature_names=carrier=B_6 carrier=B_6_2 a___b__ größe\n", model);
        Assert.Equal(names, trained!.Signature.Inputs.Select(i => i.Name));
        Assert.Equal(500, Score(Named(Synthetic.Rows(500, 10)).Inputs[0]).Length);
    }

    [Fact]
    public void Training_stops_between_rounds_when_cancelled_and_leaves_no_model()
    {
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => new LightGbmTrainer(new LightGbmOptions()).Train(
            Synthetic.Rows(2_000, 1), Synthetic.Rows(500, 2), [], folder.Path, (round, _) => { if (round == 3) cancel.Cancel(); }, cancel.Token));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Options_out_of_range_are_all_reported_at_once()
    {
        var e = Assert.Throws<DefinitionException>(() => new LightGbmTrainer(new LightGbmOptions { Objective = "multiclass", Leaves = 1, LearningRate = double.NaN, BaggingFraction = 0, MaxRounds = 0 }));
        Assert.Equal(5, e.Problems.Count);
        Assert.Single(Assert.Throws<DefinitionException>(() => new LightGbmTrainer(new LightGbmOptions { Objective = "regression" })).Problems);
    }

    [Fact]
    public void Rows_that_can_not_be_trained_on_are_refused_with_the_reason()
    {
        var (rows, few) = (Synthetic.Rows(1_000, 1), Synthetic.Rows(100, 2));
        Refused("training rows", new([], []), few);
        Refused("validation rows", rows, new([], []));
        Refused("training row 2 is 0.5", new(few.Inputs, [Synthetic.Doubles([.. Enumerable.Range(0, 100).Select(i => i == 2 ? 0.5 : 1)])]), few);
        Refused("not defined", rows, new(few.Inputs, [Synthetic.Doubles(new double[100])]));
        Refused("Encode it", new([Synthetic.Batch(["text"], [new StringArray.Builder().Append("a").Build()])], [Synthetic.Doubles([1])]), few);
    }

    void Refused(string reason, TrainingRows train, TrainingRows validation) =>
        Assert.Contains(reason, Assert.Throws<DataException>(() => Train(new LightGbmOptions(), train, validation)).Message);

    TrainedModel? trained;

    (string Model, IReadOnlyDictionary<string, double> Notes) Train(
        LightGbmOptions options, TrainingRows train, TrainingRows validation, string[]? categorical = null, Action<int, double>? progress = null)
    {
        trained = new LightGbmTrainer(options).Train(train, validation, categorical ?? [], folder.Path, progress, default);
        return (File.ReadAllText(Path.Combine(folder.Path, trained.Weights)), trained.Notes);
    }

    double[] Score(RecordBatch inputs)
    {
        using var scorer = LightGbmScorer.Load(Path.Combine(folder.Path, trained!.Weights), trained.Signature);
        return ((DoubleArray)scorer.Score(inputs, default)[0]).Values.ToArray();
    }
}
