using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>A step's plan with what its units need of it.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="Lineage">Its lineage, read off once.</param>
/// <param name="Progress">The step's progress; goes on when the step is planned again.</param>
/// <param name="Lost">Committed partitions that can not be published any more.</param>
sealed record StepPlan(JobPlan Plan, RunRequest Request, JobLineage Lineage, UnitProgress Progress, IReadOnlySet<PartitionKey> Lost);
