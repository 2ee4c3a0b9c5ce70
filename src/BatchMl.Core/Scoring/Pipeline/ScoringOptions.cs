namespace BatchMl.Scoring;

/// <summary>How batches are scored; none of it changes a score.</summary>
public sealed record ScoringOptions
{
    /// <summary>Measures stages and time limits.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Rows per batch, at least 1. Smaller batches are joined to it and larger ones cut. Default 65,536.</summary>
    public int BatchSize { get; init; } = 65_536;

    /// <summary>Batches encoded and scored at once; 0 (default): one per core.</summary>
    public int Workers { get; init; }

    /// <summary>
    /// How long one call of a scorer may take; after it the call is left behind with its thread and its scorer, and the batch is bisected. Default 5 minutes.
    /// </summary>
    public TimeSpan BatchTimeout { get; init; } = TimeSpan.FromMinutes(5);
}
