using System.Globalization;
using System.Text.Json;
using BatchMl.Contracts;
using BatchMl.Jobs;
using BatchMl.Lineage;
using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>
/// The one that decides: plans, leases, executes, commits, publishes, retries, recovers, and tells lineage (design section 7).
/// </summary>
public sealed class Runner
{
    readonly JobEnvironment environment;
    readonly RunListener listener;
    readonly RunnerSettings settings;

    /// <summary>A runner in an environment.</summary>
    /// <param name="environment">Catalog, sinks, clock.</param>
    /// <param name="listener">Told of everything.</param>
    public Runner(JobEnvironment environment, RunListener listener) : this(environment, listener, new RunnerSettings())
    {
    }

    internal Runner(JobEnvironment environment, RunListener listener, RunnerSettings settings) => (this.environment, this.listener, this.settings) = (environment, listener, settings);

    /// <summary>Runs a job to its end and returns how it went; errors of partitions are in the summary, not thrown. First finishes what crashed runs left.</summary>
    /// <param name="job">A pipeline or a dataset job.</param>
    /// <param name="request">What is asked of it.</param>
    /// <param name="verb">How it was asked, for <c>status</c>, e.g. <c>run</c>.</param>
    /// <param name="cancel">Stops the run: leases are given back, what was committed stays, the state is Cancelled.</param>
    /// <exception cref="DefinitionException">The job can not be planned; what steps before it committed stays.</exception>
    public Task<RunSummary> RunAsync(Job job, RunRequest request, string verb, CancellationToken cancel) => RunAsync(job, request, verb, parentRunId: null, cancel);

    async Task<RunSummary> RunAsync(Job job, RunRequest request, string verb, string? parentRunId, CancellationToken cancel)
    {
        var steps = StepsOf(job, request);
        var run = new RunContext(environment, listener, settings, job);
        var lineage = RunContext.LineageOf(run.RunId, job.Name);
        var started = run.Clock.GetTimestamp();
        using var span = Instruments.Span("batchml.run", job.Name, request.TraceParent)?.SetTag("batchml.run_id", run.RunId);
        await run.Catalog.StartRunAsync(
            new RunRecord(run.RunId, job.Name, verb, JsonSerializer.Serialize(request, RunJson.Default.RunRequest), RunState.Running, run.Now, null, null, null, settings.Holder, parentRunId),
            [OpenLineageEvents.Start(lineage, null, run.Now)], cancel);
        run.Tell(l => l.RunStarted(run.RunId, job.Name));
        var done = new List<StepSummary>();
        var end = await EndOfAsync(run, () => MakeAsync(run, steps, request, done, cancel), cancel);
        var summary = new RunSummary(run.RunId, job.Name, end.State, end.Message, run.Clock.GetElapsedTime(started), done, end.ExitCode) { IsWaiting = end.Error is InputsNotReadyException };
        Instruments.RunEnded(job.Name, end.State.ToString().ToLowerInvariant(), summary.Elapsed);
        if (end.Error is { } error) span.Fail(error);
        try
        {
            await run.Catalog.FinishRunAsync(run.RunId, end.State, end.Message, JsonSerializer.Serialize(summary, RunJson.Default.RunSummary), [end.Event(lineage, run.Now)], run.Now, CancellationToken.None);
        }
        catch (BatchMlException e)
        {
            // What was done is told all the same.
            summary = summary.NotRecorded(e);
        }
        await run.DeliverAsync(o => o.DeliverAsync(CancellationToken.None));
        await run.EndDeliveryAsync();
        run.Tell(l => l.RunFinished(summary));
        return end.Error is DefinitionException definition ? throw definition : summary;
    }

    static async Task<RunEnd> EndOfAsync(RunContext run, Func<Task> make, CancellationToken cancel)
    {
        try
        {
            await make();
            return RunEnd.Completed;
        }
        catch (Exception e)
        {
            return RunEnd.Of(RetryPolicy.Unwrap(e), run.RunId, cancel.IsCancellationRequested);
        }
    }

    /// <summary>
    /// Makes the steps, one after the other; a step that failed stops those behind it, which depend on it. Behind a step with partitions that wait the others go on with what is there, and the run fails in the end.
    /// </summary>
    static async Task MakeAsync(RunContext run, IReadOnlyList<DatasetJob> steps, RunRequest request, List<StepSummary> done, CancellationToken cancel)
    {
        var recovery = new Recovery(run);
        await recovery.RunAsync(cancel);
        // All steps that can be: a breaking change of the last one is not found out after hours of work of those before.
        foreach (var step in steps) await OutputContract.CheckAsync(step, run.Environment, request, cancel);
        var waiting = new List<PartitionDecision>();
        for (var i = 0; i < steps.Count; i++)
        {
            DecisionKind? before = waiting.Count > 0 ? DecisionKind.Waiting : done.Any(d => d.NotDue > 0) ? DecisionKind.NotDue : null;
            var step = new StepRun(run, steps[i], request, recovery, before);
            done.Add(await step.RunAsync(cancel));
            if (step.Fatal is { } fatal) throw new StepFailedException(steps[i].Name, step.Failed, [.. steps.Skip(i + 1).Select(s => s.Name)], fatal);
            if (step.Failed.Count > 0) throw new StepFailedException(steps[i].Name, step.Failed, [.. steps.Skip(i + 1).Select(s => s.Name)], null);
            waiting.AddRange(step.Waiting);
        }
        if (waiting.Count > 0) throw new InputsNotReadyException(waiting);
    }

    /// <summary>What <see cref="RunAsync(Job, RunRequest, string, CancellationToken)"/> would do, per step, without moving a row. The caller disposes the plans.</summary>
    /// <exception cref="DefinitionException">The job can not be planned.</exception>
    public async Task<IReadOnlyList<(JobPlan Plan, IReadOnlyList<PartitionDecision> Decisions)>> PlanAsync(Job job, RunRequest request, CancellationToken cancel)
    {
        var plans = new List<(JobPlan Plan, IReadOnlyList<PartitionDecision> Decisions)>();
        try
        {
            foreach (var step in StepsOf(job, request))
            {
                plans.Add((await step.PlanAsync(environment, request, cancel), []));
                await OutputContract.CheckAsync(step, environment, request, cancel);
                plans[^1] = (plans[^1].Plan, await Decisions.OfAsync(plans[^1].Plan, request, environment.Catalog, new HashSet<Data.PartitionKey>(), cancel));
            }
            return plans;
        }
        catch
        {
            foreach (var (plan, _) in plans) plan.Dispose();
            throw;
        }
    }

    /// <summary>Published partitions of a job whose inputs changed since they were made, whatever else did, in order. Plans, but moves no row.</summary>
    /// <param name="job">A pipeline or a dataset job.</param>
    /// <param name="request">Dates, settings and engine, as for a run.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="DefinitionException">The job can not be planned.</exception>
    public async Task<IReadOnlyList<LatePartition>> LateAsync(Job job, RunRequest request, CancellationToken cancel)
    {
        var late = new List<LatePartition>();
        foreach (var step in StepsOf(job, request))
        {
            // A version of a model is never late: the next one takes its place.
            if (step.SinkIn(environment) is not Data.IBatchSink sink) continue;
            // What readers see: of scores that are kept by model version, also what another version made.
            var made = (await CurrentPartitions.OfAsync(environment.Catalog, sink, await step.DatasetInAsync(environment, request, cancel), cancel)).ToDictionary(e => e.Key.Value);
            if (made.Count == 0) continue;
            using var plan = await step.PlanAsync(environment, Over(request, [.. made.Keys]), cancel);
            foreach (var partition in plan.Partitions.Where(p => Decisions.IsAffected(p, made.GetValueOrDefault(p.Key.Value))))
            {
                var version = made[partition.Key.Value].Committed!;
                late.Add(new LatePartition(step.Name, partition.Key.Column, partition.Key.Value, partition.Fingerprint!.ChangesSince(version.Fingerprint), step.Policy, version.CommittedAt, version.RunId));
            }
        }
        return late;
    }

    /// <summary>A request over the dates of some partitions, unless it says which.</summary>
    static RunRequest Over(RunRequest request, IReadOnlyList<string> values)
    {
        var dates = values.Select(v => DateOnly.TryParseExact(v, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : (DateOnly?)null).ToArray();
        return dates.Contains(null) ? request : request with { From = request.From ?? dates.Min(), To = request.To ?? dates.Max()!.Value.AddDays(1) };
    }

    /// <summary>Does again the partitions of a run that failed or were aborted and were not made since; a run that failed before any partition did is done again whole.</summary>
    /// <param name="run">Run id, or the begin of one.</param>
    /// <param name="jobs">A job by its name.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="traceParent">See <see cref="RunRequest.TraceParent"/>.</param>
    /// <exception cref="DefinitionException">There is no such run, or nothing of it is left to do.</exception>
    public async Task<RunSummary> RetryAsync(string run, Func<string, Job> jobs, CancellationToken cancel, string? traceParent = null)
    {
        var (record, request) = await new Reruns(environment.Catalog).RetryOfAsync(run, cancel);
        return await RunAsync(jobs(record.Job), request with { TraceParent = traceParent }, "retry", record.RunId, cancel);
    }

    /// <summary>Makes again, whole, the partitions of a run that have dead letters and were not made again since.</summary>
    /// <param name="run">Run id, or the begin of one.</param>
    /// <param name="jobs">A job by its name.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="traceParent">See <see cref="RunRequest.TraceParent"/>.</param>
    /// <exception cref="DefinitionException">There is no such run, or nothing of it has dead letters.</exception>
    public async Task<RunSummary> ReplayAsync(string run, Func<string, Job> jobs, CancellationToken cancel, string? traceParent = null)
    {
        var (record, request) = await new Reruns(environment.Catalog).ReplayOfAsync(run, cancel);
        return await RunAsync(jobs(record.Job), request with { TraceParent = traceParent }, "replay", record.RunId, cancel);
    }

    /// <exception cref="DefinitionException">The job is of no kind that is known, or scores with no model that the request names.</exception>
    static IReadOnlyList<DatasetJob> StepsOf(Job job, RunRequest request)
    {
        var steps = StepsOf(job);
        ModelReference.CheckAsked(job.Name, steps, request.Models);
        return steps;
    }

    static IReadOnlyList<DatasetJob> StepsOf(Job job) => job switch
    {
        PipelineJob pipeline => pipeline.Steps,
        DatasetJob single => [single],
        _ => throw new DefinitionException($"Job '{job.Name}' is of type {job.GetType().Name}; expected a {nameof(PipelineJob)} or a {nameof(DatasetJob)}."),
    };
}
