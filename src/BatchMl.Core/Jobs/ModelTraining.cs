using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>How a model did on each split, and how it was trained; <c>evaluation.json</c> of its package.</summary>
/// <param name="Splits">Metrics by split.</param>
/// <param name="Training">What the trainer noted.</param>
public sealed record ModelEvaluation(IReadOnlyDictionary<string, BinaryMetrics> Splits, IReadOnlyDictionary<string, double> Training)
{
    /// <summary>File name within a package.</summary>
    public const string FileName = "evaluation.json";

    static readonly JsonSerializerOptions Json = new() { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads a package's evaluation.</summary>
    /// <exception cref="DataException">Not such JSON.</exception>
    public static ModelEvaluation FromJson(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelEvaluation>(json, Json) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new DataException($"This is not a model's {FileName}: {e.Message} Restore the package or train the model again.", e);
        }
    }
}

/// <summary>Encoder, trainer and evaluation of one training set, into the folder of a package.</summary>
sealed class ModelTraining(TrainJob job, UnitProgress progress)
{
    /// <summary>File name of the reference profile within a package: features of training rows, scores of test rows.</summary>
    public const string ReferenceFile = "reference_profile.json";

    public ModelManifest Run(
        IReadOnlyDictionary<string, List<RecordBatch>> splits, Profile trainingRows, string folder, int version, string trainingSetDigest,
        IReadOnlyDictionary<string, ScorerFactory> scorers, CancellationToken cancel)
    {
        var query = job.TrainingSet.Query;
        var (features, label) = (query.ModelFeatures, query.Label!.Name);
        var train = splits["train"];
        var weight = job.TrainingSet.Sampling is null ? null : Sampling.WeightColumn;
        var encoder = Timed("encode", () => Encoder.Fit(train, features, label, job.Encodings, weight));
        var trainRows = Timed("encode", () => new TrainingRows(encoder.EncodeTrainingRows(train), Labels(train, label), weight is null ? null : Labels(train, weight)));
        var validationRows = Timed("encode", () => Encode(encoder, splits["validation"], label));
        var trained = Timed("train", () => job.Trainer.Train(trainRows, validationRows, encoder.CategoricalOutputs, folder, null, cancel));
        var manifest = ModelPackage.Write(folder, new ModelManifest
        {
            FormatVersion = 1,
            Name = job.Model,
            Version = version,
            Flavor = trained.Flavor,
            Weights = trained.Weights,
            FeatureService = query.Service!.Name,
            FeatureServiceVersion = query.Service.Version,
            Signature = trained.Signature,
            Digest = "",
            TrainingSetDigest = trainingSetDigest,
            TrainerParameters = job.Trainer.Parameters,
        }, encoder);

        using var scorer = Scorer(scorers, folder, manifest);
        var scores = TimeSplit.Names.ToDictionary(n => n, n => Timed("evaluate", () => Score(scorer, encoder, splits[n], cancel)));
        var metrics = TimeSplit.Names.ToDictionary(n => n, n => Timed("evaluate", () => BinaryMetrics.Of(Values(scores[n]), Values(Labels(splits[n], label)))));
        File.WriteAllBytes(Path.Combine(folder, ModelEvaluation.FileName), new ModelEvaluation(metrics, trained.Notes).ToJson());
        File.WriteAllBytes(Path.Combine(folder, ReferenceFile), Timed("profile", () => Reference(trainingRows, scores["test"])).ToJson());
        return ModelPackage.Write(folder, manifest with { Metrics = Flatten(metrics, trained.Notes) }, encoder);
    }

    static IScorer Scorer(IReadOnlyDictionary<string, ScorerFactory> scorers, string folder, ModelManifest manifest) =>
        scorers.TryGetValue(manifest.Flavor, out var factory)
            ? factory(ModelPackage.Open(folder))
            : throw new DefinitionException($"The trainer makes models of flavor '{manifest.Flavor}', which no scorer of this program loads; there are: {string.Join(", ", scorers.Keys)}.");

    static TrainingRows Encode(Encoder encoder, List<RecordBatch> rows, string label) => new([.. rows.Select(b => encoder.Encode(b))], Labels(rows, label));

    static List<DoubleArray> Score(IScorer scorer, Encoder encoder, List<RecordBatch> rows, CancellationToken cancel) =>
        [.. rows.Select(b => (DoubleArray)Columns.Normalize(scorer.Score(encoder.Encode(b), cancel)[0]))];

    static List<DoubleArray> Labels(List<RecordBatch> rows, string label) => [.. rows.Select(b => LabelValues.Of(b.Column(label)))];

    static double[] Values(List<DoubleArray> parts)
    {
        var all = new double[parts.Sum(p => p.Length)];
        var next = 0;
        foreach (var part in parts)
        {
            part.Values.CopyTo(all.AsSpan(next));
            next += part.Length;
        }
        return all;
    }

    // Features of all training rows, those that a sample left out too; scores as the model gives them on rows it has not seen.
    static Profile Reference(Profile trainingRows, List<DoubleArray> testScores)
    {
        var scores = new ProfileBuilder();
        var schema = new Schema([new Field("score", Columns.ArrowType(ColumnType.Double), true)], null);
        foreach (var part in testScores) scores.Add(new RecordBatch(schema, [part], part.Length));
        return trainingRows with { Columns = [.. trainingRows.Columns, .. scores.Build().Columns] };
    }

    static IReadOnlyDictionary<string, double> Flatten(Dictionary<string, BinaryMetrics> metrics, IReadOnlyDictionary<string, double> notes)
    {
        var flat = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var (split, m) in metrics)
        {
            (flat[$"{split}.auc"], flat[$"{split}.average_precision"], flat[$"{split}.log_loss"]) = (m.Auc, m.AveragePrecision, m.LogLoss);
            (flat[$"{split}.brier"], flat[$"{split}.calibration_error"], flat[$"{split}.rows"]) = (m.Brier, m.CalibrationError, m.Rows);
        }
        foreach (var (name, value) in notes) flat[$"training.{name}"] = value;
        return flat;
    }

    T Timed<T>(string stage, Func<T> work)
    {
        using (progress.Measure(stage)) return work();
    }
}

/// <summary>Labels as numbers: booleans are 0 and 1, null is NaN.</summary>
static class LabelValues
{
    public static DoubleArray Of(IArrowArray array)
    {
        var values = new double[array.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = array.IsNull(i) ? double.NaN : array switch
            {
                BooleanArray a => a.GetValue(i) == true ? 1 : 0,
                DoubleArray a => a.Values[i],
                Int64Array a => a.Values[i],
                _ => throw new DataException($"A label of type {array.Data.DataType.Name} is no number; expected Boolean, Int64 or Double."),
            };
        }
        return new DoubleArray(new ArrowBuffer.Builder<double>(values.Length).Append(values).Build(), ArrowBuffer.Empty, values.Length, 0, 0);
    }
}
