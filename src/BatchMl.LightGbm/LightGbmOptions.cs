namespace BatchMl.LightGbm;

/// <summary>Parameters of training, under LightGBM's defaults unless said (https://lightgbm.readthedocs.io/en/latest/Parameters.html).</summary>
public sealed record LightGbmOptions
{
    /// <summary>Loss: <c>binary</c> (default here; labels 0 and 1) or <c>regression</c> (squared error).</summary>
    public string Objective { get; init; } = "binary";
    /// <summary>What early stopping watches on validation rows: <c>auc</c> (default), <c>average_precision</c> or <c>binary_logloss</c> for binary, <c>l2</c> or <c>l1</c> (mean squared or absolute error) for either.</summary>
    public string Metric { get; init; } = "auc";
    /// <summary>Leaves per tree, 2 to 131072; default 31.</summary>
    public int Leaves { get; init; } = 31;
    /// <summary>Shrinkage, above 0; default 0.1.</summary>
    public double LearningRate { get; init; } = 0.1;
    /// <summary>Rows that a leaf needs, at least 1; default 20.</summary>
    public int MinRowsInLeaf { get; init; } = 20;
    /// <summary>Share of features tried per tree, (0, 1]; default 1.</summary>
    public double FeatureFraction { get; init; } = 1;
    /// <summary>Share of rows per tree, (0, 1], default 1; below 1 drawn anew for each tree.</summary>
    public double BaggingFraction { get; init; } = 1;
    /// <summary>L1 penalty, at least 0; default 0.</summary>
    public double Lambda1 { get; init; }
    /// <summary>L2 penalty, at least 0; default 0.</summary>
    public double Lambda2 { get; init; }
    /// <summary>Most trees, at least 1. LightGBM's default is 100; here 500, since early stopping decides.</summary>
    public int MaxRounds { get; init; } = 500;
    /// <summary>Stop when the metric has not improved for this many trees, at least 1; default 30. The model keeps the trees up to the best round.</summary>
    public int EarlyStoppingRounds { get; init; } = 30;
    /// <summary>Seed of everything random; default 1.</summary>
    public int Seed { get; init; } = 1;
    /// <summary>Threads; 0 (default): one per core. Not part of the fingerprint: training gives the same bytes for any number.</summary>
    public int Threads { get; init; }
    /// <summary>What the model gives beside <c>score</c>; default nothing.</summary>
    public LightGbmOutputs Outputs { get; init; }

    internal IEnumerable<string> Problems()
    {
        if (Objective is not ("binary" or "regression")) yield return $"Objective is '{Objective}'; expected binary or regression.";
        if (!ValidationMetric.Fits(Metric, Objective)) yield return $"Metric is '{Metric}'; expected one of {string.Join(", ", ValidationMetric.NamesFor(Objective))} for objective {Objective}.";
        if (Leaves is < 2 or > 131072) yield return $"Leaves is {Leaves}; expected 2 to 131072.";
        if (!(LearningRate > 0)) yield return $"LearningRate is {LearningRate}; expected a number above 0.";
        if (MinRowsInLeaf < 1) yield return $"MinRowsInLeaf is {MinRowsInLeaf}; expected at least 1.";
        if (FeatureFraction is not (> 0 and <= 1)) yield return $"FeatureFraction is {FeatureFraction}; expected a share above 0, at most 1.";
        if (BaggingFraction is not (> 0 and <= 1)) yield return $"BaggingFraction is {BaggingFraction}; expected a share above 0, at most 1.";
        if (!(Lambda1 >= 0)) yield return $"Lambda1 is {Lambda1}; expected at least 0.";
        if (!(Lambda2 >= 0)) yield return $"Lambda2 is {Lambda2}; expected at least 0.";
        if (MaxRounds < 1) yield return $"MaxRounds is {MaxRounds}; expected at least 1.";
        if (EarlyStoppingRounds < 1) yield return $"EarlyStoppingRounds is {EarlyStoppingRounds}; expected at least 1.";
        if (Threads < 0) yield return $"Threads is {Threads}; expected at least 0.";
    }
}
