namespace BatchMl.Scoring;

/// <summary>What a missing number becomes.</summary>
public enum Imputation
{
    /// <summary>NaN.</summary>
    None,
    /// <summary>The mean over training rows.</summary>
    Mean,
    /// <summary>The median over training rows (of an even number of values the mean of the middle two).</summary>
    Median,
    /// <summary>Zero.</summary>
    Zero,
}
