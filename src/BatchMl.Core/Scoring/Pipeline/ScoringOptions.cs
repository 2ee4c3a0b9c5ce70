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
    /// How long one call of a scorer may take; after it the call is left behind with its thread and its scorer, and the batch is cut in sixteen, again and again, until the row that hangs is alone. A part
    /// may take a sixteenth of its batch's time, and 2 seconds at least; a row alone may take all of it. So one row that hangs costs little more than twice this time, and a row that is answered within it
    /// is never a dead letter. Default 5 minutes.
    /// </summary>
    public TimeSpan BatchTimeout { get; init; } = TimeSpan.FromMinutes(5);
}
