namespace BatchMl.Scoring;

/// <summary>A model with what loads it.</summary>
/// <param name="Package">The model.</param>
/// <param name="Load">Loads it.</param>
public sealed record ModelToScore(ModelPackage Package, ScorerFactory Load);

/// <summary>A second model of a pipeline, which scores the rows that the first one scored.</summary>
/// <param name="Model">What it is.</param>
/// <param name="Encoder">Its encoder.</param>
/// <param name="Scorers">Loads it, as the first one is loaded.</param>
/// <param name="Failures">How many rows it may fail to score before it is not asked any more.</param>
public sealed record Challenger(ModelManifest Model, Encoder Encoder, Func<IScorer> Scorers, long Failures);
