namespace BatchMl.LightGbm;

/// <summary>Parameters of training, under LightGBM's defaults unless said (https://lightgbm.readthedocs.io/en/latest/Parameters.html).</summary>
public sealed record LightGbmOptions
{
    /// <summary>Loss: <c>binary</c> (default here) or <c>regression</c>.</summary>
    public string Objective { get; init; } = "binary";
    /// <summary>What early stopping watches on validation rows: <c>auc</c> (default here), <c>binary_logloss</c>, <c>average_precision</c>, <c>l2</c>, <c>l1</c>.</summary>
    public string Metric { get; init; } = "auc";
    /// <summary>Leaves per tree, at least 2.</summary>
    public int Leaves { get; init; } = 31;
    /// <summary>Shrinkage, above 0.</summary>
    public double LearningRate { get; init; } = 0.1;
    /// <summary>Rows that a leaf needs.</summary>
    public int MinRowsInLeaf { get; init; } = 20;
    /// <summary>Share of features tried per tree, (0, 1].</summary>
    public double FeatureFraction { get; init; } = 1;
    /// <summary>Share of rows per tree, (0, 1]; below 1 drawn anew for each tree.</summary>
    public double BaggingFraction { get; init; } = 1;
    /// <summary>L1 penalty.</summary>
    public double Lambda1 { get; init; }
    /// <summary>L2 penalty.</summary>
    public double Lambda2 { get; init; }
    /// <summary>Most trees. LightGBM's default is 100; here 500, since early stopping decides.</summary>
    public int MaxRounds { get; init; } = 500;
    /// <summary>Stop when the metric has not improved for this many trees.</summary>
    public int EarlyStoppingRounds { get; init; } = 30;
    /// <summary>Seed of everything random.</summary>
    public int Seed { get; init; } = 1;
    /// <summary>Threads; 0: one per core. Not part of the fingerprint: training is deterministic for any number.</summary>
    public int Threads { get; init; }
}
