using System.Buffers.Binary;
using BatchMl.Lineage;
using Microsoft.Extensions.Logging;

namespace BatchMl.Runs;

/// <summary>What all parts of one run share.</summary>
sealed class RunContext
{
    static readonly TimeSpan SendPatience = TimeSpan.FromSeconds(10);

    readonly RunListener listener;
    readonly Guid id;
    readonly HttpLineage? http;
    Task<string?> sending = Task.FromResult<string?>(null);
    readonly long started;

    public RunContext(JobEnvironment environment, RunListener listener, RunnerSettings settings, Job job)
    {
        (Environment, this.listener, Settings, Job) = (environment, listener, settings, job);
        id = Guid.CreateVersion7(environment.Clock.GetUtcNow());
        started = environment.Clock.GetTimestamp();
        Logger = environment.Logging.CreateLogger("BatchMl.Runs");
        // Two processes must not wait in step, so the jitter comes from the run's id.
        Retries = new RetryPolicy(BinaryPrimitives.ReadInt32BigEndian(id.ToByteArray().AsSpan(12)));
        Watch = new LeaseWatch(environment.Clock, settings.IsGone);
        Publication = new Publication(environment);
        Outbox = new OutboxDelivery(environment);
        http = environment.LineageReceiver is null ? null : new HttpLineage(environment);
    }

    public JobEnvironment Environment { get; }
    public RunnerSettings Settings { get; }
    public Job Job { get; }
    public string RunId => id.ToString();
    public ILogger Logger { get; }
    public RetryPolicy Retries { get; }
    public LeaseWatch Watch { get; }
    public Publication Publication { get; }
    public OutboxDelivery Outbox { get; }
    public ICatalog Catalog => Environment.Catalog;
    public TimeProvider Clock => Environment.Clock;
    public DateTimeOffset Now => Environment.Clock.GetUtcNow();

    /// <summary>What is left of a time that began with the run; negative when it is over.</summary>
    public TimeSpan LeftOf(TimeSpan time) => time - Clock.GetElapsedTime(started);

    /// <summary>A run's own identity in lineage.</summary>
    public static LineageRun LineageOf(string runId, string job) => new(runId, job, null, null, null, null, null, null, null);

    /// <summary>An attempt's identity in lineage.</summary>
    public LineageRun LineageOf(string attemptId, DatasetJob step, PlannedPartition partition) => new(
        attemptId, step.Name, RunId, Job.Name, RunId, Job.Name, partition.NominalStart, partition.NominalEnd, $"{partition.Key.Column}={partition.Key.Value}");

    /// <summary>Tells the listener; what it throws is logged and dropped.</summary>
    public void Tell(Action<RunListener> what)
    {
        try
        {
            what(listener);
        }
        catch (Exception e)
        {
            Logger.LogWarning(e, "A listener of the run failed; the run goes on");
        }
    }

    /// <summary>Delivers lineage. What can not be delivered waits in the catalog for the next run, and stops nothing.</summary>
    public async Task DeliverAsync(Func<OutboxDelivery, Task> deliver)
    {
        try
        {
            await deliver(Outbox);
            // Beside the run: a receiver that is slow or gone slows nothing down.
            if (http is not null && sending.IsCompleted) sending = http.DeliverAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            Tell(l => l.Note($"Lineage events wait in the catalog; they can not be written now: {e.Message}"));
        }
    }

    /// <summary>Waits a while for the rest of the events to be sent. What is not is sent by the next run, or by a server of the workspace.</summary>
    public async Task EndDeliveryAsync()
    {
        if (http is null) return;
        try
        {
            // What was written last came after the delivery that goes on.
            var why = await SendRestAsync().WaitAsync(SendPatience, Clock);
            if (why is not null) Tell(l => l.Note(why));
        }
        catch (TimeoutException)
        {
            Tell(l => l.Note($"Lineage events are still being sent to {Environment.LineageReceiver}; the next run sends the rest."));
        }
        catch (Exception e)
        {
            Logger.LogWarning(e, "Lineage events could not be sent; the run is what it is");
        }
    }

    async Task<string?> SendRestAsync() => await sending ?? await http!.DeliverAsync(CancellationToken.None);
}
