using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace BatchMl.Telemetry;

/// <summary>
/// Metrics and spans of this process, for any listener (OpenTelemetry, <c>dotnet-counters</c>); they cost nothing while nobody listens. Names follow OpenTelemetry's conventions; attribute
/// <c>job_name</c> is the job's or the step's name, since <c>job</c> belongs to Prometheus.
/// </summary>
public static class Instruments
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string Name = "BatchMl";

    const string Job = "job_name", Outcome = "outcome";

    static readonly Meter meter = new(Name);
    static readonly ActivitySource spans = new(Name);

    static readonly Counter<double> stageTime = meter.CreateCounter<double>("batchml.stage.time", "s", "Time of all threads of a stage, by state: busy, waiting_for_input, waiting_for_output");
    static readonly Counter<long> rows = meter.CreateCounter<long>("batchml.rows", "{row}", "Rows of committed partitions");
    static readonly Counter<long> deadLetters = meter.CreateCounter<long>("batchml.dead_letters", "{row}", "Rows of committed partitions that could not be scored");
    static readonly Counter<long> partitions = meter.CreateCounter<long>("batchml.partitions", "{partition}", "Partitions, by outcome: committed, failed");
    static readonly Counter<long> runs = meter.CreateCounter<long>("batchml.job.runs", "{run}", "Runs that ended, by outcome: completed, failed, cancelled");
    static readonly Histogram<double> duration = meter.CreateHistogram<double>("batchml.job.duration", "s", "How long runs took", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600] });

    internal static void StageTime(string job, string stage, StageState state, TimeSpan time)
    {
        if (stageTime.Enabled) stageTime.Add(time.TotalSeconds, Tag(Job, job), Tag("stage", stage), Tag("state", state switch
        {
            StageState.WaitingForInput => "waiting_for_input",
            StageState.WaitingForOutput => "waiting_for_output",
            _ => "busy",
        }));
    }

    internal static void Committed(string job, long newRows, long newDeadLetters)
    {
        rows.Add(newRows, Tag(Job, job));
        deadLetters.Add(newDeadLetters, Tag(Job, job));
        partitions.Add(1, Tag(Job, job), Tag(Outcome, "committed"));
    }

    internal static void Failed(string job) => partitions.Add(1, Tag(Job, job), Tag(Outcome, "failed"));

    internal static void RunEnded(string job, string outcome, TimeSpan elapsed)
    {
        runs.Add(1, Tag(Job, job), Tag(Outcome, outcome));
        duration.Record(elapsed.TotalSeconds, Tag(Job, job), Tag(Outcome, outcome));
    }

    /// <summary>Begins a span inside the current one; null: nobody listens.</summary>
    internal static Activity? Span(string name, string job) => spans.StartActivity(name)?.SetTag(Job, job);

    /// <summary>Begins a span inside one of another process, or of a request that is long answered; null parent: inside the current one.</summary>
    internal static Activity? Span(string name, string job, string? parent) => parent is not null && ActivityContext.TryParse(parent, null, isRemote: true, out var context)
        ? spans.StartActivity(name, ActivityKind.Internal, context)?.SetTag(Job, job) : Span(name, job);

    /// <summary>Marks a span as failed.</summary>
    internal static void Fail(this Activity? span, Exception error) => span?.SetStatus(ActivityStatusCode.Error, error.Message).SetTag("error.type", error.GetType().FullName);

    static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
