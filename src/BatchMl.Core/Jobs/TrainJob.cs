using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>
/// Trains a model on a training set: fits the encoder on training rows, trains with early stopping on validation rows, evaluates on all three splits, and publishes a model
/// package as the next version. A changed training set or parameter makes a new version; a version never changes.
/// </summary>
public sealed class TrainJob : DatasetJob
{
    /// <summary>A training job.</summary>
    /// <param name="name">Name.</param>
    /// <param name="description">One line.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="trainingSet">The job whose dataset is trained on.</param>
    /// <param name="trainer">Makes the weights.</param>
    /// <param name="encodings">Encodings other than the default ones.</param>
    public TrainJob(string name, string description, string model, TrainingSetJob trainingSet, ITrainer trainer, params IReadOnlyList<Encoding> encodings) : base(name, description)
    {
        (Model, TrainingSet, Trainer, Encodings) = (model, trainingSet, trainer, encodings);
        // What changed becomes a new version beside the old ones, so there is nothing to hold back.
        Policy = ChangePolicy.Restate;
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>Whose dataset is trained on.</summary>
    public TrainingSetJob TrainingSet { get; }

    /// <summary>Makes the weights.</summary>
    public ITrainer Trainer { get; }

    /// <summary>Encodings other than the default ones.</summary>
    public IReadOnlyList<Encoding> Encodings { get; }

    /// <inheritdoc/>
    public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        var manifest = await LatestAsync(environment, TrainingSet.Name, cancel);
        var versions = await environment.Catalog.LedgerAsync(environment.Models.Name, Model, cancel);
        return new TrainPlan(this, environment, manifest, versions);
    }

    static async Task<PartitionManifest?> LatestAsync(JobEnvironment environment, string dataset, CancellationToken cancel)
    {
        var committed = (await environment.Catalog.LedgerAsync(environment.Sink.Name, dataset, cancel)).Where(e => e.Committed is not null).MaxBy(e => e.Committed!.CommittedAt);
        return committed is null ? null : await environment.Sink.ReadManifestAsync(committed.Key, cancel);
    }
}
