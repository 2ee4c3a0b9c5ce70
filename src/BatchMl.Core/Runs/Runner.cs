namespace BatchMl.Runs;

/// <summary>
/// The one that decides: plans, leases, executes, commits, publishes, retries, recovers, and tells lineage (design section 7).
/// </summary>
public sealed class Runner
{
    /// <summary>A runner in an environment.</summary>
    public Runner(JobEnvironment environment, RunListener listener) => throw new NotImplementedException();

    /// <summary>Runs a job to its end and returns how it went; errors of partitions are in the summary, not thrown. First finishes what crashed runs left.</summary>
    /// <exception cref="DefinitionException">The job can not be planned.</exception>
    public Task<RunSummary> RunAsync(Job job, RunRequest request, string verb, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>What <see cref="RunAsync"/> would do, per step, without moving a row. The caller disposes the plans.</summary>
    public Task<IReadOnlyList<(JobPlan Plan, IReadOnlyList<PartitionDecision> Decisions)>> PlanAsync(Job job, RunRequest request, CancellationToken cancel) =>
        throw new NotImplementedException();

    /// <summary>Does again the partitions of a run that failed or were aborted.</summary>
    public Task<RunSummary> RetryAsync(string run, Func<string, Job> jobs, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Makes again, whole, the partitions of a run that have dead letters.</summary>
    public Task<RunSummary> ReplayAsync(string run, Func<string, Job> jobs, CancellationToken cancel) => throw new NotImplementedException();
}
