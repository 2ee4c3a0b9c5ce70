using BatchMl.Training;

namespace BatchMl.Monitoring;

/// <summary>One scored partition in a drift report.</summary>
/// <param name="Value">The partition's value, as in <c>2013-11-30</c>.</param>
/// <param name="Rows">Rows scored.</param>
/// <param name="DeadLetters">Rows that could not be scored and were set aside; not among <paramref name="Rows"/>.</param>
/// <param name="Profile">Its profile: the features and the score.</param>
/// <param name="Columns">Its columns against the reference.</param>
/// <param name="Realised">Metrics of the rows whose label is known; null without any.</param>
/// <param name="Labelled">Rows whose label is known.</param>
public sealed record DriftReportPartition(
    string Value, long Rows, long DeadLetters, Profile Profile, IReadOnlyList<ColumnDrift> Columns, BinaryMetrics? Realised, long Labelled);
