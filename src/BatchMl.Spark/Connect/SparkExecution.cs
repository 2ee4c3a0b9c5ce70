namespace BatchMl.Spark.Connect;

/// <summary>Options of one execution. The callbacks are called by whoever reads the results, between batches; they should be short, and what they throw ends the execution.</summary>
public sealed record SparkExecution
{
    internal static SparkExecution Default { get; } = new();

    /// <summary>Tags by which it can be interrupted (<see cref="SparkSession.InterruptTagAsync"/>); not empty, without commas.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Told what is done, some every two seconds. Spark 3.5 tells nothing.</summary>
    public Action<SparkProgress>? OnProgress { get; init; }

    /// <summary>Told the numbers of the physical plan's nodes once, at the end.</summary>
    public Action<SparkMetrics>? OnMetrics { get; init; }
}
