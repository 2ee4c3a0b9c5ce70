using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.LightGbm;

/// <summary>
/// Gradient-boosted trees by LightGBM, with early stopping. The same rows and options give the same bytes, for any number of threads: LightGBM's <c>deterministic</c> mode, histograms by
/// column (each is added up by one thread), fixed seeds, and validation metrics computed in one order.
/// </summary>
public sealed class LightGbmTrainer : ITrainer
{
    const string Weights = "model.txt";

    readonly LightGbmOptions options;

    /// <summary>A trainer with these options.</summary>
    /// <exception cref="DefinitionException">Options out of range, all at once.</exception>
    public LightGbmTrainer(LightGbmOptions options)
    {
        string[] problems = [.. options.Problems().Select(p => "LightGBM: " + p)];
        if (problems.Length > 0) throw new DefinitionException(problems);
        this.options = options;
    }

    /// <inheritdoc/>
    public string Parameters => JsonSerializer.Serialize(options with { Threads = 0 });

    /// <inheritdoc/>
    /// <exception cref="DataException">No rows in a split, labels that the objective can not take, a metric that is not defined on the validation rows.</exception>
    public TrainedModel Train(
        TrainingRows train, TrainingRows validation, IReadOnlyList<string> categorical, string folder, Action<int, double>? progress, CancellationToken cancel)
    {
        Labels(train, "training");
        var metric = new ValidationMetric(options.Metric, Labels(validation, "validation"));
        ModelColumn[] inputs = [.. train.Inputs[0].Schema.FieldsList.Select(f => new ModelColumn(f.Name, TypeOf(f)))];
        var parameters = Text([.. inputs.Select(i => i.Name)], categorical);
        using var trainSet = new Dataset(train, parameters, null);
        using var validationSet = new Dataset(validation, parameters, trainSet);
        using var booster = Booster.Create(trainSet, parameters);
        booster.AddValidation(validationSet);
        var (best, bestRound, rounds) = Boost(booster, metric, progress, cancel);
        File.WriteAllBytes(Path.Combine(folder, Weights), WithoutThreads(booster.Save(bestRound)));
        return new TrainedModel(Weights, LightGbmScorer.Flavor, OutputColumns.Signature(inputs, options.Outputs), new Dictionary<string, double>
        {
            ["rounds"] = rounds,
            ["best_round"] = bestRound,
            [$"validation.{options.Metric}"] = best,
        });
    }

    (double Best, int BestRound, int Rounds) Boost(Booster booster, ValidationMetric metric, Action<int, double>? progress, CancellationToken cancel)
    {
        var (best, bestRound, round) = (double.NaN, 0, 0);
        while (round < options.MaxRounds && round - bestRound < options.EarlyStoppingRounds)
        {
            cancel.ThrowIfCancellationRequested();
            // The first tree is kept even if it is a single leaf: the mean.
            if (!booster.Update() && round > 0) break;
            round++;
            var value = metric.Of(booster);
            if (double.IsNaN(value))
                throw new DataException($"{options.Metric} is not defined on the validation rows: their labels are all the same. Widen the validation range, or watch another metric.");
            progress?.Invoke(round, value);
            if (round == 1 || metric.IsBetter(value, best)) (best, bestRound) = (value, round);
        }
        return (best, bestRound, round);
    }

    double[] Labels(TrainingRows rows, string split)
    {
        double[] labels = [.. rows.Labels.SelectMany(part => part.Values.ToArray())];
        if (labels.Length == 0 || labels.Length != rows.Inputs.Sum(b => b.Length))
            throw new DataException($"There are {rows.Inputs.Sum(b => b.Length)} {split} rows with {labels.Length} labels; expected at least one row, and a label for each. Widen the range of the {split} rows.");
        if (rows.Weights is { } weights && (weights.Sum(w => w.Length) != labels.Length || weights.Any(w => w.Values.ContainsAnyExceptInRange(double.Epsilon, float.MaxValue))))
            throw new DataException($"The weights of the {split} rows are not one for each, above 0 and finite. Make the training set again.");
        var expected = options.Objective == "binary" ? "0 or 1" : "a finite number";
        var bad = System.Array.FindIndex(labels, y => options.Objective == "binary" ? y is not (0 or 1) : !float.IsFinite((float)y));
        if (bad >= 0) throw new DataException($"The label of {split} row {bad} is {labels[bad].ToString(CultureInfo.InvariantCulture)}; expected {expected} for objective {options.Objective}. Correct the label, or choose another objective.");
        return labels;
    }

    static ModelType TypeOf(Field field) => field.DataType.TypeId switch
    {
        ArrowTypeId.Double => ModelType.Double,
        ArrowTypeId.Int64 => ModelType.Int64,
        _ => ModelType.Float,
    };

    string Text(string[] inputs, IReadOnlyList<string> categorical)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"objective={options.Objective} metric=none num_leaves={options.Leaves} learning_rate={options.LearningRate:R} ");
        text.Append(CultureInfo.InvariantCulture, $"min_data_in_leaf={options.MinRowsInLeaf} feature_fraction={options.FeatureFraction:R} bagging_fraction={options.BaggingFraction:R} ");
        text.Append(CultureInfo.InvariantCulture, $"bagging_freq={(options.BaggingFraction < 1 ? 1 : 0)} lambda_l1={options.Lambda1:R} lambda_l2={options.Lambda2:R} ");
        text.Append(CultureInfo.InvariantCulture, $"seed={options.Seed} deterministic=true force_col_wise=true verbosity=-1 num_threads={options.Threads}");
        var indices = categorical.Select(c => System.Array.IndexOf(inputs, c)).Where(i => i >= 0).Order().ToArray();
        if (indices.Length > 0) text.Append(CultureInfo.InvariantCulture, $" categorical_feature={string.Join(',', indices)}");
        return text.ToString();
    }

    // The text lists all parameters; how many threads computed it is none of the model's business.
    static byte[] WithoutThreads(byte[] text)
    {
        var start = text.AsSpan().IndexOf("[num_threads: "u8);
        if (start < 0) return text;
        var length = text.AsSpan(start).IndexOf((byte)'\n') + 1;
        return [.. text.AsSpan(0, start), .. text.AsSpan(start + length)];
    }
}
