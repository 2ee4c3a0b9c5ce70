using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>
/// Trains a model on a training set: fits the encoder on training rows, trains with early stopping on validation rows, evaluates on all three splits, and publishes a model
/// package as the next version. A changed training set or parameter makes a new version; a version never changes.
/// It is trained on the training set of the latest period, or of the one that a run asks for (<see cref="RunRequest.SplitUntil"/>).
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
        var set = await LatestAsync(environment, request.SplitUntil, cancel);
        var versions = await environment.Catalog.LedgerAsync(environment.Models.Name, Model, cancel);
        return new TrainPlan(this, environment, set, request.SplitUntil, versions);
    }

    /// <inheritdoc/>
    public override ISink SinkIn(JobEnvironment environment) => environment.Models;

    /// <summary>
    /// The training set of the period that ends at a date, or else of the latest period: an older one that is made again, because its inputs changed, is not news to train on. Of several with one end the latest made counts.
    /// </summary>
    async Task<PartitionManifest?> LatestAsync(JobEnvironment environment, DateOnly? until, CancellationToken cancel)
    {
        var latest = (await environment.Catalog.LedgerAsync(environment.Sink.Name, TrainingSet.Name, cancel))
            .Where(e => e.Committed is not null && (until is not { } end || TrainingPeriod.Of(e.Key).Until == PartitionValues.FormatDate(end)))
            .OrderBy(e => TrainingPeriod.Of(e.Key).Until, StringComparer.Ordinal).ThenBy(e => e.Committed!.CommittedAt).LastOrDefault();
        return latest is null ? null : await environment.Sink.ReadManifestAsync(latest.Key, cancel);
    }
}
