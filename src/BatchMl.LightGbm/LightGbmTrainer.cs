using System.Globalization;
using System.Text;
using System.Text.Json;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.LightGbm;

/// <summary>Gradient-boosted trees by LightGBM, with early stopping. Deterministic: LightGBM's <c>deterministic</c> mode, row-wise histograms, fixed seeds.</summary>
public sealed class LightGbmTrainer(LightGbmOptions options) : ITrainer
{
    const string Weights = "model.txt";

    /// <inheritdoc/>
    public string Parameters => JsonSerializer.Serialize(options with { Threads = 0 });

    /// <inheritdoc/>
    public TrainedModel Train(
        TrainingRows train, TrainingRows validation, IReadOnlyList<string> categorical, string folder, Action<int, double>? progress, CancellationToken cancel)
    {
        var inputs = train.Inputs[0].Schema.FieldsList.Select(f => f.Name).ToArray();
        var parameters = Text(inputs, categorical);
        using var trainSet = new Dataset(train, parameters, null);
        using var validationSet = new Dataset(validation, parameters, trainSet);
        using var booster = Booster.Create(trainSet, parameters);
        booster.AddValidation(validationSet);
        var (best, bestRound, rounds) = Boost(booster, progress, cancel);
        File.WriteAllText(Path.Combine(folder, Weights), booster.Save(bestRound), new UTF8Encoding(false));
        var signature = new ModelSignature(
            [.. train.Inputs[0].Schema.FieldsList.Select(f => new ModelColumn(f.Name, ModelType.Float))], [new ModelColumn("score", ModelType.Double)]);
        return new TrainedModel(Weights, "lightgbm", signature, new Dictionary<string, double> { ["rounds"] = rounds, ["best_round"] = bestRound, [$"validation.{options.Metric}"] = best });
    }

    (double Best, int BestRound, int Rounds) Boost(Booster booster, Action<int, double>? progress, CancellationToken cancel)
    {
        var higherIsBetter = options.Metric is "auc" or "average_precision";
        var (best, bestRound, round) = (double.NaN, 0, 0);
        while (round < options.MaxRounds)
        {
            cancel.ThrowIfCancellationRequested();
            var finished = booster.Update();
            round++;
            var metric = booster.Evaluate();
            progress?.Invoke(round, metric);
            if (double.IsNaN(best) || (higherIsBetter ? metric > best : metric < best)) (best, bestRound) = (metric, round);
            if (finished || round - bestRound >= options.EarlyStoppingRounds) break;
        }
        return (best, bestRound, round);
    }

    string Text(string[] inputs, IReadOnlyList<string> categorical)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"objective={options.Objective} metric={options.Metric} num_leaves={options.Leaves} learning_rate={options.LearningRate:R} ");
        text.Append(CultureInfo.InvariantCulture, $"min_data_in_leaf={options.MinRowsInLeaf} feature_fraction={options.FeatureFraction:R} bagging_fraction={options.BaggingFraction:R} ");
        text.Append(CultureInfo.InvariantCulture, $"bagging_freq={(options.BaggingFraction < 1 ? 1 : 0)} lambda_l1={options.Lambda1:R} lambda_l2={options.Lambda2:R} ");
        text.Append(CultureInfo.InvariantCulture, $"seed={options.Seed} deterministic=true force_row_wise=true verbosity=-1");
        if (options.Threads > 0) text.Append(CultureInfo.InvariantCulture, $" num_threads={options.Threads}");
        var indices = categorical.Select(c => System.Array.IndexOf(inputs, c)).Where(i => i >= 0).ToArray();
        if (indices.Length > 0) text.Append(CultureInfo.InvariantCulture, $" categorical_feature={string.Join(',', indices)}");
        return text.ToString();
    }
}
