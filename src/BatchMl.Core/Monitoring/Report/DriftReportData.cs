using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>What a drift report shows.</summary>
public sealed record DriftReportData
{
    /// <summary>The job, e.g. <c>flight-delays/monitor</c>.</summary>
    public required string Job { get; init; }
    /// <summary>Name and version of the model.</summary>
    public required string Model { get; init; }
    /// <summary>Its digest.</summary>
    public required string ModelDigest { get; init; }
    /// <summary>The partition column, e.g. <c>flight_date</c>.</summary>
    public required string PartitionColumn { get; init; }
    /// <summary>Features of training rows, scores of test rows.</summary>
    public required Profile Reference { get; init; }
    /// <summary>Metrics of the train, validation and test splits; empty for models made elsewhere.</summary>
    public required IReadOnlyDictionary<string, BinaryMetrics> Splits { get; init; }
    /// <summary>The scored partitions, in order.</summary>
    public required IReadOnlyList<DriftReportPartition> Partitions { get; init; }
    /// <summary>How the scores of all partitions turned out, where labels are known; null: none is.</summary>
    public BinaryMetrics? Realised { get; init; }
}

/// <summary>A scored partition in a drift report.</summary>
/// <param name="Value">The partition's value.</param>
/// <param name="Rows">Scored rows.</param>
/// <param name="DeadLetters">Rows that could not be scored.</param>
/// <param name="Profile">Features and score.</param>
/// <param name="Columns">Each column against the reference.</param>
/// <param name="Realised">How the scores turned out; null: no label is known.</param>
/// <param name="Labelled">Rows whose label is known.</param>
public sealed record DriftReportPartition(
    string Value, long Rows, long DeadLetters, Profile Profile, IReadOnlyList<ColumnDrift> Columns, BinaryMetrics? Realised, long Labelled);
