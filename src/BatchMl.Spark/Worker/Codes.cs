namespace BatchMl.Spark.Worker;

/// <summary>The control integers of Spark's worker protocol, and the one evaluation type that is spoken here.</summary>
static class Codes
{
    internal const int EndOfDataSection = -1, ExceptionThrown = -2, TimingData = -3, EndOfStream = -4, StartArrowStream = -6, StartOfInitMessage = -8;

    /// <summary>mapInArrow: Arrow batches in, Arrow batches out.</summary>
    internal const int MapInArrow = 207;
}
