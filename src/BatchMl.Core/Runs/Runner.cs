using System.Text.Json;
using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>
/// The one that decides: plans, leases, executes, commits, publishes, retries, recovers, and tells lineage (design section 7).
/// </summary>
public sealed class Runner(JobEnvironment environment, RunListener listener)
{
    const int Done = 0, Failed = 1, TooManyDeadLetters = 3;

    /// <summary>Runs a job to its end and returns how it went; errors of partitions are in the summary, not thrown. First finishes what crashed runs left.</summary>
    /// <exception cref="DefinitionException">The job can not be planned; what steps before it committed stays.</exception>
    public async Task<RunSummary> RunAsync(Job job, RunRequest request, string verb, CancellationToken cancel)
    {
        var run = new RunContext(environment, listener, job, request, verb);
        var started = environment.Clock.GetTimestamp();
        await run.Catalog.StartRunAsync(new RunRecord(
            run.RunId, job.Name, verb, JsonSerializer.Serialize(request), RunState.Running, run.Now, null, null, null, Holder.Self, null), cancel);
        await run.Catalog.EnqueueAsync([OpenLineageEvents.Start(run.Lineage, null, run.Now)], cancel);
        run.Tell(l => l.RunStarted(run.RunId, job.Name));
        var steps = new List<StepSummary>();
        Exception? error = null;
        try
        {
            await new Recovery(run).RunAsync(Steps(job), cancel);
            error = await RunStepsAsync(run, steps, cancel);
        }
        catch (Exception e)
        {
            error = e;
        }
        var summary = Summarise(run, steps, error, environment.Clock.GetElapsedTime(started));
        await EndAsync(run, summary, error);
        run.Tell(l => l.RunFinished(summary));
        if (error is DefinitionException definition) throw definition;
        return summary;
    }

    static async Task<Exception?> RunStepsAsync(RunContext run, List<StepSummary> steps, CancellationToken cancel)
    {
        var deadLetters = new Dictionary<DatasetJob, DeadLetterBudget>();
        foreach (var job in Steps(run.Job))
        {
            var step = new StepRun(run, job, deadLetters[job] = new DeadLetterBudget(run.Request.DeadLetterLimit ?? job.DeadLetterLimit));
            steps.Add(await step.RunAsync(run.Request, cancel));
            // What comes after depends on it.
            if (step.Fatal is { } fatal) return fatal;
            if (step.Errors.Count > 0) return step.Errors.First();
        }
        return null;
    }

    static RunSummary Summarise(RunContext run, List<StepSummary> steps, Exception? error, TimeSpan elapsed)
    {
        var (state, code) = error switch
        {
            null => (RunState.Completed, Done),
            OperationCanceledException => (RunState.Cancelled, Failed),
            DeadLetterLimitException => (RunState.Failed, TooManyDeadLetters),
            _ => (RunState.Failed, Failed),
        };
        var message = error switch
        {
            null => null,
            OperationCanceledException => "Cancelled. What was committed stays; run it again to go on.",
            BatchMlException { Kind: not FailureKind.Bug } => error.Message,
            _ => $"A defect of BatchMl or of a function of yours: {error}",
        };
        return new RunSummary(run.RunId, run.Job.Name, state, message, elapsed, steps, code);
    }

    static async Task EndAsync(RunContext run, RunSummary summary, Exception? error)
    {
        var ended = summary.State switch
        {
            RunState.Completed => OpenLineageEvents.Complete(run.Lineage, null, null, false, run.Now),
            RunState.Cancelled => OpenLineageEvents.Abort(run.Lineage, null, summary.Error!, run.Now),
            _ => OpenLineageEvents.Fail(run.Lineage, null, summary.Error!, error!.StackTrace, run.Now),
        };
        await run.Catalog.EnqueueAsync([ended], CancellationToken.None);
        await run.Catalog.FinishRunAsync(run.RunId, summary.State, summary.Error, JsonSerializer.Serialize(summary), run.Now, CancellationToken.None);
        await run.Outbox.DeliverAsync(CancellationToken.None);
    }

    /// <summary>What <see cref="RunAsync"/> would do, per step, without moving a row. The caller disposes the plans.</summary>
    public async Task<IReadOnlyList<(JobPlan Plan, IReadOnlyList<PartitionDecision> Decisions)>> PlanAsync(Job job, RunRequest request, CancellationToken cancel)
    {
        var plans = new List<(JobPlan, IReadOnlyList<PartitionDecision>)>();
        try
        {
            foreach (var step in Steps(job))
            {
                var plan = await step.PlanAsync(environment, request, cancel);
                plans.Add((plan, []));
                plans[^1] = (plan, await Decisions.OfAsync(plan, request, environment.Catalog, cancel));
            }
            return plans;
        }
        catch
        {
            foreach (var (plan, _) in plans) plan.Dispose();
            throw;
        }
    }

    /// <summary>Does again the partitions of a run that failed or were aborted.</summary>
    /// <exception cref="DefinitionException">There is no such run, or nothing of it failed.</exception>
    public async Task<RunSummary> RetryAsync(string run, Func<string, Job> jobs, CancellationToken cancel)
    {
        var (record, attempts) = await FindAsync(run, cancel);
        var failed = attempts.Where(a => a.State is AttemptState.Failed or AttemptState.Aborted).ToArray();
        if (failed.Length == 0 && record.State is not (RunState.Failed or RunState.Aborted or RunState.Cancelled)) throw new DefinitionException($"Nothing of run {record.RunId} failed; there is nothing to retry.");
        // Before any partition failed (a plan that could not be made) the whole request is what failed.
        return await RunAsync(jobs(record.Job), RequestOf(record, failed, force: false), "retry", cancel);
    }

    /// <summary>Makes again, whole, the partitions of a run that have dead letters.</summary>
    /// <exception cref="DefinitionException">There is no such run, or it has no dead letters.</exception>
    public async Task<RunSummary> ReplayAsync(string run, Func<string, Job> jobs, CancellationToken cancel)
    {
        var (record, attempts) = await FindAsync(run, cancel);
        var lettered = attempts.Where(a => a.DeadLetters > 0).ToArray();
        if (lettered.Length == 0) throw new DefinitionException($"Run {record.RunId} has no dead letters; there is nothing to replay.");
        var datasets = lettered.Select(a => a.Key.Dataset).Distinct().ToArray();
        // Dead letters belong to one step: only that job is run, whatever pipeline it was in.
        return await RunAsync(jobs(datasets[0]), RequestOf(record, lettered, force: true), "replay", cancel);
    }

    async Task<(RunRecord Run, IReadOnlyList<AttemptRecord> Attempts)> FindAsync(string run, CancellationToken cancel)
    {
        var record = await environment.Catalog.FindRunAsync(run, cancel) ?? throw new DefinitionException($"There is no run '{run}'. 'status' lists the latest.");
        return (record, await environment.Catalog.AttemptsAsync(record.RunId, cancel));
    }

    static RunRequest RequestOf(RunRecord record, IReadOnlyList<AttemptRecord> attempts, bool force)
    {
        var request = JsonSerializer.Deserialize<RunRequest>(record.ArgumentsJson)!;
        var partitions = attempts.Where(a => a.Key.Column is not ("version" or "period")).Select(a => a.Key.Value).Distinct().ToArray();
        return request with { Force = force, Partitions = partitions.Length > 0 ? partitions : request.Partitions };
    }

    static IReadOnlyList<DatasetJob> Steps(Job job) => job switch
    {
        PipelineJob pipeline => pipeline.Steps,
        DatasetJob single => [single],
        _ => throw new ArgumentException($"Job '{job.Name}' is of type {job.GetType().Name}; expected a pipeline or a dataset job.", nameof(job)),
    };
}
