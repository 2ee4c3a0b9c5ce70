using BatchMl.Lineage;
using Microsoft.Extensions.Logging;

namespace BatchMl.Runs;

/// <summary>What all parts of one run share.</summary>
sealed class RunContext(JobEnvironment environment, RunListener listener, Job job, RunRequest request, string verb)
{
    readonly ILogger logger = environment.Logging.CreateLogger("BatchMl.Runs");

    public JobEnvironment Environment { get; } = environment;
    public Job Job { get; } = job;
    public RunRequest Request { get; } = request;
    public string Verb { get; } = verb;
    public string RunId { get; } = Guid.CreateVersion7(environment.Clock.GetUtcNow()).ToString();
    public RetryPolicy Retries { get; } = new();
    public Publication Publication { get; } = new(environment);
    public OutboxDelivery Outbox { get; } = new(environment);
    public ICatalog Catalog => Environment.Catalog;
    public DateTimeOffset Now => Environment.Clock.GetUtcNow();

    /// <summary>Tells the listener; what it throws is logged and dropped.</summary>
    public void Tell(Action<RunListener> what)
    {
        try
        {
            what(listener);
        }
        catch (Exception e)
        {
            logger.LogWarning(e, "A listener failed");
        }
    }

    /// <summary>The run's own lineage identity.</summary>
    public LineageRun Lineage => new(RunId, Job.Name, null, null, null, null, null, null, null);

    /// <summary>An attempt's lineage identity.</summary>
    public LineageRun LineageOf(string attemptId, DatasetJob step, PlannedPartition partition) => new(
        attemptId, step.Name, RunId, Job.Name, RunId, Job.Name, partition.NominalStart, partition.NominalEnd, $"{partition.Key.Column}={partition.Key.Value}");
}
