using BatchMl.Operations;
using Hangfire;
using Hangfire.States;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>
/// Puts queued runs into Hangfire's queue, each once per process: who promotes one puts it in at once, and all others when it stays behind, since whoever promoted it may be gone, and a queue in memory with it. One that is there twice is
/// claimed once.
/// </summary>
sealed class Deliveries(IBackgroundJobClient hangfire, TimeProvider clock, ILoggerFactory logging)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    sealed record Seen(int Tries, long Since, bool IsDelivered);

    readonly ILogger logger = logging.CreateLogger("BatchMl.Dispatch");
    readonly Lock gate = new();
    readonly Dictionary<string, Seen> seen = [];
    bool isFirst = true;

    /// <summary>Puts in what is not there.</summary>
    /// <param name="queued">All runs that wait for a worker.</param>
    /// <param name="promoted">Ids of those that this process promoted.</param>
    public void Deliver(IReadOnlyList<QueuedRun> queued, IReadOnlySet<string> promoted)
    {
        lock (gate)
        {
            var ids = queued.Select(q => q.Id).ToHashSet();
            foreach (var gone in seen.Keys.Where(id => !ids.Contains(id)).ToArray()) seen.Remove(gone);
            // Those asked for first come first.
            foreach (var run in queued.Reverse())
            {
                if (!seen.TryGetValue(run.Id, out var known) || known.Tries != run.Tries || promoted.Contains(run.Id)) known = new Seen(run.Tries, clock.GetTimestamp(), false);
                var isTime = isFirst || promoted.Contains(run.Id) || clock.GetElapsedTime(known.Since) >= Patience;
                seen[run.Id] = known.IsDelivered || !isTime ? known : known with { IsDelivered = PutIn(run) };
            }
            isFirst = false;
        }
    }

    /// <summary>A worker could not take a run that goes on being queued: it is put in again after a while.</summary>
    public void Forget(string id)
    {
        lock (gate) seen.Remove(id);
    }

    bool PutIn(QueuedRun run)
    {
        try
        {
            var (id, title) = (run.Id, $"{run.Schedule ?? run.Job} {run.Verb}");
            hangfire.Create<QueuedRunJob>(job => job.ExecuteAsync(id, title, CancellationToken.None), new EnqueuedState(run.Queue));
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever Hangfire's storage throws: the run is in our queue, and is put in at the next look.
            logger.LogWarning(e, "Run {Id} could not be put into Hangfire's queue; it is tried again", run.Id);
            return false;
        }
    }
}
