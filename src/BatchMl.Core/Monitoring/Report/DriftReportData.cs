using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>What a drift report shows; see <see cref="DriftReport.Render"/>.</summary>
public sealed record DriftReportData
{
    /// <summary>The monitoring job, as in <c>flight-delays/monitor</c>.</summary>
    public required string Job { get; init; }
    /// <summary>The model that scored, as in <c>flight-delays@1</c>.</summary>
    public required string Model { get; init; }
    /// <summary>Digest of the model's content; the report shows its beginning.</summary>
    public required string ModelDigest { get; init; }
    /// <summary>The column whose values the partitions are, as in <c>flight_date</c>.</summary>
    public required string PartitionColumn { get; init; }
    /// <summary>What partitions are compared with: features of the training rows, the score of the test rows.</summary>
    public required Profile Reference { get; init; }
    /// <summary>The model's metrics by split (<c>train</c>, <c>validation</c>, <c>test</c>); may be empty.</summary>
    public required IReadOnlyDictionary<string, BinaryMetrics> Splits { get; init; }
    /// <summary>The scored partitions in order.</summary>
    public required IReadOnlyList<DriftReportPartition> Partitions { get; init; }
    /// <summary>Metrics over all partitions' rows whose label is known; null without any.</summary>
    public BinaryMetrics? Realised { get; init; }
    /// <summary>Curves of the same rows; null without any, or where none are to be drawn.</summary>
    public BinaryCurves? Curves { get; init; }
}
