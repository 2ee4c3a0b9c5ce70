using System.ComponentModel;
using BatchMl.Operations;
using Hangfire;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>What Hangfire's workers call. Whether and how a run is done is decided by the store: delivered twice it is done once.</summary>
sealed class QueuedRunJob(
    ServerContext context, IOperations operations, RunNews news, ScheduleTime time, DispatchBell bell, Deliveries deliveries, IdleMemory memory, DispatchSettings settings, IHostApplicationLifetime lifetime, ILoggerFactory logging)
{
    /// <summary>Takes a queued run and does it; returns when it is over or was given back.</summary>
    /// <param name="id">Id of the queued run.</param>
    /// <param name="title">For Hangfire's dashboard.</param>
    /// <param name="cancel">Cancelled when the server stops or the job is deleted on Hangfire's dashboard.</param>
    [AutomaticRetry(Attempts = 0)]
    [DisplayName("{1}")]
    public async Task ExecuteAsync(string id, string title, CancellationToken cancel)
    {
        // In a server that stops it would only be given back.
        if (lifetime.ApplicationStopping.IsCancellationRequested) return;
        if (await ClaimAsync(id) is not { } run) return;
        memory.Begin();
        try
        {
            await new QueuedRunExecution(context, operations, news, time, settings, run, logging.CreateLogger("BatchMl.Dispatch")).RunAsync(lifetime.ApplicationStopping, cancel);
        }
        finally
        {
            memory.End();
        }
        bell.Ring();
    }

    async Task<QueuedRun?> ClaimAsync(string id)
    {
        try
        {
            var claim = await operations.ClaimAsync(id, settings.Holder, context.Session.Environment.Clock.GetUtcNow(), CancellationToken.None);
            if (claim == ClaimResult.GroupIsFull) deliveries.Forget(id);
            return claim == ClaimResult.Claimed ? await operations.FindQueuedAsync(id, CancellationToken.None) : null;
        }
        catch (BatchMlException)
        {
            // The store is away: Hangfire has delivered and is done with it, so it must be put in again. If it was claimed it is found lost.
            deliveries.Forget(id);
            throw;
        }
    }
}
