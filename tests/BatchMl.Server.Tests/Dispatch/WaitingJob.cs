using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Server.Tests.Dispatch;

/// <summary>A job of one partition whose input is ready when a test says so; asked each time that it is planned.</summary>
sealed class WaitingJob(string name, Func<bool> isReady) : DatasetJob(name, "for tests")
{
    public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => Task.FromResult<JobPlan>(new Plan(this, (FolderSink)environment.Sink, isReady()));

    sealed class Plan(WaitingJob job, FolderSink sink, bool isReady) : JobPlan
    {
        public override DatasetJob Job => job;
        public override ISink Sink => sink;
        public override JobLineage Lineage => new([], new LineageDataset(new DatasetName("file", job.Name), []), new Dictionary<string, IReadOnlyList<ColumnOrigin>>(), []);
        public override IReadOnlyList<PlanSection> Describe() => [];
        public override IReadOnlyList<PlannedPartition> Partitions { get; } =
            [new PlannedPartition(new PartitionKey("folder", job.Name, "day", "1"), new Fingerprint("d", "", "i", "1"), 1, 1, null, null) { Awaits = isReady ? [] : [new AwaitedInput("flights", "nothing", "more")] }];

        public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [partitions];

        public override Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel) =>
            Task.FromResult<IReadOnlyList<PartitionResult>>([.. unit.Attempts.Select(a => new PartitionResult(sink.Stage(a.Partition.Key, a.Fence, "made", 0), new Dictionary<DatasetName, long>(), []))]);

        public override void VerifyInputs() { }
    }
}
