namespace BatchMl.Scoring;

/// <summary>
/// <c>manifest.json</c> of a model package. The package is the folder that holds it, the fitted encoder (<c>encoder.json</c>) and the weights.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>1.</summary>
    public required int FormatVersion { get; init; }
    /// <summary>The model's name, e.g. <c>flight-delays</c>.</summary>
    public required string Name { get; init; }
    /// <summary>Its version, from 1.</summary>
    public required int Version { get; init; }
    /// <summary>Which scorer loads it: <c>lightgbm</c> or <c>onnx</c>.</summary>
    public required string Flavor { get; init; }
    /// <summary>File name of the weights within the package.</summary>
    public required string Weights { get; init; }
    /// <summary>The feature service that it consumes.</summary>
    public required string FeatureService { get; init; }
    /// <summary>Its version.</summary>
    public required int FeatureServiceVersion { get; init; }
    /// <summary>Inputs (after encoding) and outputs.</summary>
    public required ModelSignature Signature { get; init; }
    /// <summary>SHA-256, lower-case hex, of encoder, weights and signature: equal models have equal digests whenever and wherever they were made.</summary>
    public required string Digest { get; init; }
    /// <summary>Digest of the training set's content; null for models made elsewhere.</summary>
    public string? TrainingSetDigest { get; init; }
    /// <summary>The trainer's parameters, JSON.</summary>
    public string? TrainerParameters { get; init; }
    /// <summary>Metrics by split, e.g. <c>test.auc</c>.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();
}
