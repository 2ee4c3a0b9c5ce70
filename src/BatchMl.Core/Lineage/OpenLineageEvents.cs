using BatchMl.Runs;

namespace BatchMl.Lineage;

/// <summary>Whose event it is.</summary>
/// <param name="RunId">UUID of this (sub-)run: the attempt's, or the run's own.</param>
/// <param name="Job">Job name; stable, without dates.</param>
/// <param name="ParentRunId">The run that an attempt belongs to; null for the run itself.</param>
/// <param name="ParentJob">The parent's job name.</param>
/// <param name="RootRunId">The outermost run.</param>
/// <param name="RootJob">The outermost job.</param>
/// <param name="NominalStart">Begin of the time that the partition is about.</param>
/// <param name="NominalEnd">End, exclusive.</param>
/// <param name="Partition">E.g. <c>flight_date=2013-10-01</c>; null for the run itself.</param>
public sealed record LineageRun(
    string RunId, string Job, string? ParentRunId, string? ParentJob, string? RootRunId, string? RootJob, DateTimeOffset? NominalStart, DateTimeOffset? NominalEnd, string? Partition);

/// <summary>
/// OpenLineage 2-0-2 run events as single-line JSON. Pure: the same arguments give the same bytes. One START and exactly one of COMPLETE, FAIL or ABORT per run id.
/// </summary>
public static class OpenLineageEvents
{
    /// <summary>A run begins. <paramref name="lineage"/> is null for runs that only group others.</summary>
    public static string Start(LineageRun run, JobLineage? lineage, DateTimeOffset at) => throw new NotImplementedException();

    /// <summary>A run is done; <paramref name="result"/> gives statistics, quality metrics and version (null for runs that only group others); <paramref name="replaces"/>: an earlier version was overwritten.</summary>
    public static string Complete(LineageRun run, JobLineage? lineage, PartitionResult? result, bool replaces, DateTimeOffset at) => throw new NotImplementedException();

    /// <summary>A run failed.</summary>
    public static string Fail(LineageRun run, JobLineage? lineage, string message, string? stackTrace, DateTimeOffset at) => throw new NotImplementedException();

    /// <summary>A run was cancelled, lost its lease, or its process died.</summary>
    public static string Abort(LineageRun run, JobLineage? lineage, string reason, DateTimeOffset at) => throw new NotImplementedException();
}
