using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Telemetry;

namespace BatchMl.Runs;

/// <summary>What happens to partitions that are published and whose fingerprint changed.</summary>
public enum ChangePolicy
{
    /// <summary>Listed, not redone. The default.</summary>
    Report,
    /// <summary>Made again.</summary>
    Restate,
    /// <summary>Left alone, without a word beyond the plan.</summary>
    Freeze,
}

/// <summary>A named piece of work over partitions of one dataset, or a pipeline of such jobs.</summary>
/// <param name="name">E.g. <c>flight-delays/score</c>. The same job keeps its name for ever.</param>
/// <param name="description">One line for <c>list</c>.</param>
/// <exception cref="DefinitionException">The name is one that only a version of a dataset may have.</exception>
public abstract class Job(string name, string description)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = DatasetVersion.Of(name) is null ? name : throw new DefinitionException($"A job is called '{name}', which is the name of a version of dataset '{DatasetVersion.Of(name)!.Dataset}'. Expected a name that does not end with @ and a number; call it otherwise.");

    /// <summary>One line.</summary>
    public string Description { get; } = description;
}

/// <summary>Jobs one after the other. Each is planned when its turn comes, so it sees what those before it published.</summary>
public sealed class PipelineJob(string name, string description, params IReadOnlyList<DatasetJob> steps) : Job(name, description)
{
    /// <summary>The steps.</summary>
    public IReadOnlyList<DatasetJob> Steps { get; } = steps;
}

/// <summary>A job that makes partitions of one dataset.</summary>
public abstract class DatasetJob(string name, string description) : Job(name, description)
{
    /// <summary>What happens to published partitions whose fingerprint changed.</summary>
    public ChangePolicy Policy { get; init; } = ChangePolicy.Report;

    /// <summary>Raised by hand when the job computes something else from the same definitions and inputs.</summary>
    public int SemanticsVersion { get; init; } = 1;

    /// <summary>Dead letters that one run may have; once crossed, open partitions do not commit. Default 1,000.</summary>
    public long DeadLetterLimit { get; init; } = 1_000;

    /// <summary>
    /// How long after the end of its time (<see cref="PlannedPartition.NominalEnd"/>) a partition's time has come, for <see cref="RunRequest.Due"/>. Default 0: as soon as it is over; negative: before, for rows that are asked for ahead of time.
    /// </summary>
    public TimeSpan DueAfter { get; init; }

    /// <summary>Where its partitions land.</summary>
    public virtual ISink SinkIn(JobEnvironment environment) => environment.Sink;

    /// <summary>The dataset that a request's partitions are of: by default that of the job's name.</summary>
    /// <exception cref="DefinitionException">The request asks for what is not there.</exception>
    public virtual Task<string> DatasetInAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => Task.FromResult(Name);

    /// <summary>What its rows look like, for its contract; null: it has no rows of its own design, or an input that says so is not made yet. Reads no source.</summary>
    /// <exception cref="DefinitionException">It can not be planned.</exception>
    public virtual Task<JobOutput?> OutputAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => Task.FromResult<JobOutput?>(null);

    /// <summary>What it asks engines: a process that computes for another one finds the question here.</summary>
    public virtual IReadOnlyList<FeatureQuery> Queries => [];

    /// <summary>
    /// Pins the inputs and says what there is to do, without moving a row.
    /// </summary>
    /// <exception cref="DefinitionException">Everything that is wrong with the definitions, the configuration or the request.</exception>
    public abstract Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel);
}

/// <summary>What the rows of a job's dataset look like to those who read them.</summary>
/// <param name="Schema">The columns.</param>
/// <param name="PartitionColumn">The column by which they are kept apart.</param>
/// <param name="Keys">The columns that say which row it is.</param>
public sealed record JobOutput(Schema Schema, string PartitionColumn, IReadOnlyList<string> Keys);

/// <summary>In which order partitions are made.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PartitionOrder>))]
public enum PartitionOrder
{
    /// <summary>As the plan has them, the oldest first. The default.</summary>
    Oldest,
    /// <summary>The newest first: what is looked at most is there soonest.</summary>
    Newest,
}

/// <summary>Which partitions of a range a run is about.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunScope>))]
public enum RunScope
{
    /// <summary>All. The default.</summary>
    All,
    /// <summary>Those whose latest attempt failed or was aborted: they were not made since.</summary>
    Failed,
    /// <summary>Those that are published and whose inputs changed since: they are made again whatever the policy says, unless that is <see cref="ChangePolicy.Freeze"/>. A changed model or definition alone does not count.</summary>
    Affected,
}

/// <summary>What the user asked of one run.</summary>
public sealed record RunRequest
{
    /// <summary>First partition date; null: the job's own.</summary>
    public DateOnly? From { get; init; }
    /// <summary>End of the dates, exclusive; null: the job's own.</summary>
    public DateOnly? To { get; init; }
    /// <summary>Only these partition values; empty: all in range.</summary>
    public IReadOnlyList<string> Partitions { get; init; } = [];
    /// <summary>Do also what is up to date.</summary>
    public bool Force { get; init; }
    /// <summary>Only partitions whose time has come at this instant; null: all.</summary>
    public DateTimeOffset? Due { get; init; }
    /// <summary>How long the run waits for inputs that are not ready, counted from its start; 0: not at all. Partitions whose inputs are not ready then are not made.</summary>
    public TimeSpan Wait { get; init; }
    /// <summary>Order of the work.</summary>
    public PartitionOrder Order { get; init; }
    /// <summary>Which partitions of the range.</summary>
    public RunScope Scope { get; init; }
    /// <summary>Moves the splits of training sets, as a whole, so that their test rows end at this date (exclusive), and has models trained on that period; null: the jobs' own.</summary>
    public DateOnly? SplitUntil { get; init; }
    /// <summary>Versions of models to score with, each <c>NAME@VERSION</c>, or <c>NAME</c> for the latest, in place of what the jobs say; a model that is not named is the jobs' own.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];
    /// <summary>Units of work at once; 0: one per core.</summary>
    public int MaxParallel { get; init; }
    /// <summary>Memory budget in bytes for features; beyond it data is spilled. 0: half of the machine's.</summary>
    public long Memory { get; init; }
    /// <summary>Name of the engine, so that a retry uses the same.</summary>
    public string Engine { get; init; } = LocalEngine.EngineName;
    /// <summary>Dead letters that the run may have; null: the job's own limit.</summary>
    public long? DeadLetterLimit { get; init; }
    /// <summary>Exactly these partitions, of whichever step, and no others; empty: no such restriction. Set by <c>retry</c> and <c>replay</c>.</summary>
    public IReadOnlyList<PartitionKey> Only { get; init; } = [];
    /// <summary>The trace that the run belongs to, as W3C's <c>traceparent</c>: that of the request that asked for it; null: it begins one, or is in that of whoever calls.</summary>
    public string? TraceParent { get; init; }
    /// <summary>Settings given for this run (<c>--set</c>), so that a retry sees the same.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}

/// <summary>A partition that a plan knows of.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Fingerprint">What it depends on; null while an input of it is not made yet (an earlier step of the pipeline), or while its source has no rows for it.</param>
/// <param name="Rows">Rows expected; -1 unknown.</param>
/// <param name="Bytes">Input bytes expected to be read; -1 unknown.</param>
/// <param name="NominalStart">Begin of the time it is about, inclusive; null without one.</param>
/// <param name="NominalEnd">End, exclusive.</param>
public sealed record PlannedPartition(
    PartitionKey Key, Fingerprint? Fingerprint, long Rows, long Bytes, DateTimeOffset? NominalStart, DateTimeOffset? NominalEnd)
{
    /// <summary>Inputs that are not ready for it; empty: it can be made.</summary>
    public IReadOnlyList<AwaitedInput> Awaits { get; init; } = [];
}

/// <summary>An input that is not ready.</summary>
/// <param name="Source">Name of the source.</param>
/// <param name="Has">What there is of it.</param>
/// <param name="Needed">What is needed.</param>
public sealed record AwaitedInput(string Source, string Has, string Needed)
{
    /// <summary>For a person.</summary>
    public override string ToString() => $"{Source} has {Has}, needed is {Needed}";
}

/// <summary>
/// What a job will do: pinned inputs, partitions, and how to make them. Safe for concurrent <see cref="ExecuteAsync"/> of different units.
/// </summary>
public abstract class JobPlan : IDisposable
{
    /// <summary>The job.</summary>
    public abstract DatasetJob Job { get; }

    /// <summary>Where partitions land.</summary>
    public abstract ISink Sink { get; }

    /// <summary>All partitions in the request's range, in order.</summary>
    public abstract IReadOnlyList<PlannedPartition> Partitions { get; }

    /// <summary>Inputs that are not there yet and which job makes them; a plan with any can be shown but not run.</summary>
    public virtual IReadOnlyList<string> Missing => [];

    /// <summary>Sections for <c>plan</c>: a title and lines, e.g. sources, features with conventions, model, sink.</summary>
    public abstract IReadOnlyList<PlanSection> Describe();

    /// <summary>How the engine would make some partitions, in its own words; may ask it, and moves no row.</summary>
    /// <param name="partitions">Some of <see cref="Partitions"/>, in the same order.</param>
    /// <param name="cancel">Stops asking.</param>
    public virtual Task<IReadOnlyList<PlanSection>> DescribeEngineAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel) => Task.FromResult<IReadOnlyList<PlanSection>>([]);

    /// <summary>Asks where some partitions would land whether they can, without changing anything there; what it says. By default nothing is asked.</summary>
    /// <param name="partitions">Those of <see cref="Partitions"/> that are to be made.</param>
    /// <param name="cancel">Stops asking.</param>
    /// <exception cref="DefinitionException">Everything for which they can not land there.</exception>
    public virtual Task<IReadOnlyList<PlanSection>> CheckOutputAsync(IReadOnlyList<PlannedPartition> partitions, CancellationToken cancel) => Task.FromResult<IReadOnlyList<PlanSection>>([]);

    /// <summary>Input and output datasets with schemas and column lineage: known before any row moves.</summary>
    public abstract JobLineage Lineage { get; }

    /// <summary>Groups adjacent partitions that are best made together.</summary>
    /// <param name="partitions">Some of <see cref="Partitions"/>, in the same order.</param>
    public abstract IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions);

    /// <summary>
    /// Makes and stages the partitions of a unit; all or nothing. Does not commit.
    /// </summary>
    public abstract Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel);

    /// <summary>Throws <see cref="InputChangedException"/> if a pinned input changed. Called between staging and commit.</summary>
    public abstract void VerifyInputs();

    /// <summary>
    /// Called once after the last unit, also when nothing was to do: makes what belongs to the whole dataset (a report). Must be cheap when nothing changed. Returns
    /// lines for the summary.
    /// </summary>
    public virtual Task<IReadOnlyList<string>> FinishAsync(JobEnvironment environment, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>A part of what <c>plan</c> prints.</summary>
public sealed record PlanSection(string Title, IReadOnlyList<string> Lines);

/// <summary>Partitions that one pipeline makes together, under leases.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Attempts">The partitions with their fences.</param>
/// <param name="DeadLetters">Counts dead letters over the whole run.</param>
/// <param name="Progress">Told of rows done and of time spent by stage.</param>
/// <param name="StartedAt">Taken once per unit: <c>scored_at</c>.</param>
public sealed record UnitOfWork(
    string RunId, IReadOnlyList<PartitionAttempt> Attempts, DeadLetterBudget DeadLetters, UnitProgress Progress, DateTimeOffset StartedAt);

/// <summary>One try at one partition.</summary>
public sealed record PartitionAttempt(PlannedPartition Partition, long Fence);

/// <summary>What an attempt made.</summary>
/// <param name="Staged">The staged version.</param>
/// <param name="InputRows">Rows read of inputs, for lineage statistics; inputs that were not counted are absent.</param>
/// <param name="QualityMetrics">Per column, for OpenLineage's dataQualityMetrics: null count, min, max, …; may be empty.</param>
public sealed record PartitionResult(
    StagedPartition Staged, IReadOnlyDictionary<DatasetName, long> InputRows, IReadOnlyList<ColumnQuality> QualityMetrics)
{
    /// <summary>How it will get where readers look, if that is elsewhere than its files; see <see cref="IBatchSink.TraceOf"/>.</summary>
    public IReadOnlyDictionary<string, string> Trace { get; init; } = new Dictionary<string, string>();
}

/// <summary>Counts a step's dead letters against its limit, over all attempts that count. Thread-safe.</summary>
public sealed class DeadLetterBudget
{
    readonly long limit;
    readonly DeadLetterBudget? whole;
    long count;

    /// <summary>A budget.</summary>
    public DeadLetterBudget(long limit) => this.limit = limit;

    DeadLetterBudget(DeadLetterBudget whole) => (limit, this.whole) = (whole.limit, whole);

    /// <summary>Dead letters so far; of one attempt's share only its own.</summary>
    public long Count => Interlocked.Read(ref count);

    /// <summary>How many more there may be.</summary>
    public long Left => Math.Max(0, limit - (whole ?? this).Count);

    /// <summary>Whether there are more than the limit: then nothing commits any more.</summary>
    public bool IsExceeded => (whole ?? this).Count > limit;

    /// <summary>A share that counts towards this budget, so that a failed attempt's dead letters can be taken back before it is tried again.</summary>
    public DeadLetterBudget Share() => new(whole ?? this);

    /// <summary>Takes back what this share counted, but for <paramref name="kept"/> of partitions that were committed: the rest of its attempt does not count.</summary>
    public void TakeBack(long kept)
    {
        var own = Interlocked.Exchange(ref count, kept);
        if (whole is not null) Interlocked.Add(ref whole.count, kept - own);
    }

    /// <summary>Counts more.</summary>
    /// <exception cref="DeadLetterLimitException">There are now more than the limit.</exception>
    public void Add(long letters, string latestReason)
    {
        var total = Interlocked.Add(ref count, letters);
        if (whole is not null) total = Interlocked.Add(ref whole.count, letters);
        if (total > limit)
        {
            throw new DeadLetterLimitException(
                $"{total} rows could not be scored, allowed are {limit}. The latest reason: {latestReason}. Partitions that were committed stay; open ones do not commit. "
                + "Mend the rows or the model, or raise the limit with --set DeadLetterLimit=N.");
        }
    }
}

/// <summary>
/// Progress and stage timings of a step; thread-safe. Stage names: <c>read</c>, <c>features</c>, <c>encode</c>, <c>score</c>, <c>write</c>, <c>train</c>, <c>commit</c>, …. Times are
/// metrics too, see <see cref="Instruments"/>.
/// </summary>
/// <param name="job">The step's name.</param>
public sealed class UnitProgress(string job)
{
    long rows;
    // Ticks by state.
    readonly ConcurrentDictionary<string, long[]> stages = new();

    /// <summary>Rows done.</summary>
    public long Rows => Interlocked.Read(ref rows);

    /// <summary>Adds rows done.</summary>
    public void AddRows(long count) => Interlocked.Add(ref rows, count);

    /// <summary>Adds busy time of a stage.</summary>
    public void AddTime(string stage, TimeSpan time) => AddTime(stage, StageState.Busy, time);

    /// <summary>Adds time of a stage.</summary>
    public void AddTime(string stage, StageState state, TimeSpan time)
    {
        Interlocked.Add(ref stages.GetOrAdd(stage, static _ => new long[3])[(int)state], time.Ticks);
        Instruments.StageTime(job, stage, state, time);
    }

    /// <summary>Adds busy time of a stage: from here until what is returned is disposed.</summary>
    internal BusyTime Measure(string stage) => new(this, stage, Stopwatch.GetTimestamp());

    /// <summary>All stages that were told of, in the order in which data flows.</summary>
    public IReadOnlyList<StageTime> Times => Stages.InOrder(stages.Select(s => new StageTime(s.Key, Of(s.Value, StageState.Busy), Of(s.Value, StageState.WaitingForInput), Of(s.Value, StageState.WaitingForOutput))));

    static TimeSpan Of(long[] ticks, StageState state) => TimeSpan.FromTicks(Interlocked.Read(ref ticks[(int)state]));
}

/// <summary>Time of a stage that goes on until this is disposed.</summary>
readonly struct BusyTime(UnitProgress progress, string stage, long started) : IDisposable
{
    public void Dispose() => progress.AddTime(stage, Stopwatch.GetElapsedTime(started));
}
