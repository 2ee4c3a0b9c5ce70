namespace BatchMl.Spark.Connect;

/// <summary>Which rows a join returns. The numbers are the protocol's.</summary>
public enum SparkJoinKind
{
    /// <summary>Pairs that match.</summary>
    Inner = 1,

    /// <summary>Those, and rows of either side without a match.</summary>
    FullOuter = 2,

    /// <summary>Those, and left rows without a match.</summary>
    LeftOuter = 3,

    /// <summary>Those, and right rows without a match.</summary>
    RightOuter = 4,

    /// <summary>Left rows without a match, left columns only.</summary>
    LeftAnti = 5,

    /// <summary>Left rows with a match, each once, left columns only.</summary>
    LeftSemi = 6,
}
