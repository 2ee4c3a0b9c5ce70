using System.Collections.Concurrent;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Operations;
using BatchMl.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Board;

/// <summary>What a job's latest planning said.</summary>
/// <param name="Job">The job.</param>
/// <param name="PlannedAt">When that was.</param>
/// <param name="Decisions">What would be done with each partition, by its key.</param>
/// <param name="Sections">The plan in words.</param>
/// <param name="Missing">Inputs that are not there yet.</param>
/// <param name="Lineage">What is read and written; null: it could not be planned.</param>
/// <param name="Problem">Why it can not be planned; null: it can.</param>
sealed record JobPlanning(
    DatasetJob Job, DateTimeOffset PlannedAt, IReadOnlyDictionary<PartitionKey, PartitionDecision> Decisions, IReadOnlyList<PlanSection> Sections, IReadOnlyList<string> Missing, JobLineage? Lineage, string? Problem);

/// <summary>
/// Plans every job now and then, and soon after partitions changed, so that pages know what is missing or changed. Planning may take seconds: it is never done in a request, and takes up a tenth of the time at most.
/// </summary>
sealed class PlanBoard(ServerContext context, IOperations operations, ILoggerFactory logging) : BackgroundService
{
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1), Every = TimeSpan.FromMinutes(10);

    readonly ConcurrentDictionary<string, JobPlanning> plannings = new(StringComparer.Ordinal);
    readonly ILogger logger = logging.CreateLogger("BatchMl.Server.Board");
    readonly IReadOnlyList<DatasetJob> jobs = [.. context.Application.NamedJobs().Values.OfType<DatasetJob>()];
    long version;

    /// <summary>Jobs that make datasets, in order of definition.</summary>
    public IReadOnlyList<DatasetJob> Jobs => jobs;

    /// <summary>Grows whenever something was planned.</summary>
    public long Version => Interlocked.Read(ref version);

    /// <summary>The latest planning of a job; null: there was none yet.</summary>
    public JobPlanning? Of(string job) => plannings.GetValueOrDefault(job);

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        var clock = context.Session.Environment.Clock;
        await Task.Yield();
        for (long? seen = null; !stop.IsCancellationRequested;)
        {
            try
            {
                var now = await operations.PartitionsVersionAsync(stop);
                var started = clock.GetTimestamp();
                if (seen is null || seen != now || PlannedAgo(clock) >= Every)
                {
                    foreach (var job in jobs) plannings[job.Name] = await PlanAsync(job, stop);
                    Interlocked.Increment(ref version);
                    seen = now;
                }
                var rest = clock.GetElapsedTime(started) * 9;
                await Task.Delay(rest > Look ? rest : Look, clock, stop);
            }
            catch (BatchMlException e)
            {
                logger.LogWarning("Jobs can not be planned now: {Why}", e.Message);
                await Task.Delay(Look * 5, clock, stop);
            }
        }
    }

    TimeSpan PlannedAgo(TimeProvider clock) => plannings.IsEmpty ? TimeSpan.MaxValue : clock.GetUtcNow() - plannings.Values.Min(p => p.PlannedAt);

    async Task<JobPlanning> PlanAsync(DatasetJob job, CancellationToken cancel)
    {
        var environment = context.Session.Environment;
        var at = environment.Clock.GetUtcNow();
        try
        {
            var steps = await new Runner(environment, new Silent()).PlanAsync(job, new RunRequest { Settings = context.Options.Settings }, cancel);
            var (plan, decisions) = steps[0];
            using (plan) return new JobPlanning(job, at, decisions.ToDictionary(d => d.Partition.Key), plan.Describe(), plan.Missing, plan.Missing.Count == 0 ? plan.Lineage : TryLineage(plan), null);
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            // What was planned before still says more than nothing.
            var before = Of(job.Name);
            return new JobPlanning(job, at, before?.Decisions ?? new Dictionary<PartitionKey, PartitionDecision>(), before?.Sections ?? [], before?.Missing ?? [], before?.Lineage, e.Message);
        }
    }

    // A plan whose inputs are not there may not know their columns.
    static JobLineage? TryLineage(JobPlan plan)
    {
        try
        {
            return plan.Lineage;
        }
        catch (Exception e) when (e is BatchMlException or InvalidOperationException or NullReferenceException)
        {
            return null;
        }
    }

    sealed class Silent : RunListener;
}
