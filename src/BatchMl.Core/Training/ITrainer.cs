using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.Training;

/// <summary>Encoded rows with their labels.</summary>
/// <param name="Inputs">Batches with the encoder's outputs.</param>
/// <param name="Labels">One array per batch, no nulls.</param>
/// <param name="Weights">How many rows each stands for, one array per batch, no nulls, above 0; null: each for itself.</param>
public sealed record TrainingRows(IReadOnlyList<RecordBatch> Inputs, IReadOnlyList<DoubleArray> Labels, IReadOnlyList<DoubleArray>? Weights = null);

/// <summary>What a trainer made.</summary>
/// <param name="Weights">File name of the weights in the folder given.</param>
/// <param name="Flavor">Which scorer loads them.</param>
/// <param name="Signature">The model's signature.</param>
/// <param name="Notes">What is worth telling: rounds, best iteration, the validation metric; for the summary and the manifest's metrics.</param>
public sealed record TrainedModel(string Weights, string Flavor, ModelSignature Signature, IReadOnlyDictionary<string, double> Notes);

/// <summary>Makes weights from a training set. Deterministic: the same rows, parameters and seed give the same bytes.</summary>
public interface ITrainer
{
    /// <summary>All parameters as stable JSON, the seed among them; part of the fingerprint.</summary>
    string Parameters { get; }

    /// <summary>Trains, stopping early on the validation rows, and writes the weights into the folder.</summary>
    /// <param name="train">Training rows.</param>
    /// <param name="validation">Validation rows; never trained on.</param>
    /// <param name="categorical">Names of inputs that hold category codes.</param>
    /// <param name="folder">Where the weights go; exists and is empty.</param>
    /// <param name="progress">Told of each round: round and validation metric.</param>
    /// <param name="cancel">Stops between rounds.</param>
    TrainedModel Train(
        TrainingRows train, TrainingRows validation, IReadOnlyList<string> categorical, string folder, Action<int, double>? progress, CancellationToken cancel);
}
