using System.Globalization;
using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.Operations;
using BatchMl.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Dispatch;

/// <summary>One try of a queued run that this process claimed: does it, tells that it is there, stops it when it is to stop, and records what came of it.</summary>
sealed class QueuedRunExecution(ServerContext context, IOperations operations, RunNews news, ScheduleTime time, DispatchSettings settings, QueuedRun run, ILogger logger)
{
    static readonly TimeSpan LongestRetry = TimeSpan.FromHours(1);

    /// <summary>Why it was told to stop.</summary>
    enum Stop
    {
        No,
        Cancelled,
        DeletedInHangfire,
        TimeIsOver,
        ServerStops,
        TakenAway,
    }

    TimeProvider Clock => context.Session.Environment.Clock;

    /// <summary>Does it.</summary>
    /// <param name="stopping">The server stops: the run is given back.</param>
    /// <param name="deleted">Hangfire wants the job to stop.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken deleted)
    {
        var watch = new RunWatch(context.Session.Environment.Workspace, Clock);
        var cancel = new CancellationTokenSource();
        var work = Task.Run(() => MakeAsync(watch, cancel.Token), CancellationToken.None);
        // Whatever becomes of this try, the work may go on beyond it: what it uses is let go when it ends by itself.
        _ = work.ContinueWith(_ => watch.Dispose(), TaskScheduler.Default);
        var stop = await AccompanyAsync(work, watch, cancel, stopping, deleted);
        await PersistAsync(() => EndAsync(work, watch.RunId, stop));
    }

    /// <summary>Returns when the work is over, or was told to stop and did not.</summary>
    async Task<Stop> AccompanyAsync(Task work, RunWatch watch, CancellationTokenSource cancel, CancellationToken stopping, CancellationToken deleted)
    {
        var (started, stop, since) = (Clock.GetTimestamp(), Stop.No, 0L);
        var woken = new TaskCompletionSource();
        using var whenStopping = stopping.Register(() => woken.TrySetResult());
        using var whenDeleted = deleted.Register(() => woken.TrySetResult());
        while (true)
        {
            await Task.WhenAny(stop == Stop.No ? [work, Task.Delay(settings.Heartbeat, Clock, CancellationToken.None), woken.Task] : [work, Task.Delay(settings.Heartbeat, Clock, CancellationToken.None)]);
            if (work.IsCompleted) return stop;
            if (stop != Stop.No && Clock.GetElapsedTime(since) >= settings.StopWithin) return stop;
            var told = await TellAsync(watch);
            if (stop != Stop.No) continue;
            stop = !told.IsHeld ? Stop.TakenAway : told.IsCancelRequested ? Stop.Cancelled : stopping.IsCancellationRequested ? Stop.ServerStops : deleted.IsCancellationRequested ? Stop.DeletedInHangfire
                : Clock.GetElapsedTime(started) >= run.TimeLimit ? Stop.TimeIsOver : Stop.No;
            if (stop == Stop.No) continue;
            since = Clock.GetTimestamp();
            await cancel.CancelAsync();
        }
    }

    async Task<QueueHeartbeat> TellAsync(RunWatch watch)
    {
        try
        {
            var beat = await operations.HeartbeatAsync(run.Id, settings.Holder, watch.RunId, CancellationToken.None);
            if (beat.IsHeld && watch.Progress() is { } progress) await operations.ReportAsync(progress, CancellationToken.None);
            return beat;
        }
        catch (BatchMlException e)
        {
            // Whoever takes the run for lost by then is told apart by its fences; here it goes on.
            logger.LogWarning(e, "Run {Id} could not tell that it is there", run.Id);
            return new QueueHeartbeat(true, false);
        }
    }

    async Task<RunSummary> MakeAsync(RunWatch watch, CancellationToken cancel)
    {
        var asked = JsonSerializer.Deserialize<RunRequest>(run.RequestJson)!;
        var given = new Dictionary<string, string?>(context.Options.Settings, StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in asked.Settings) given[key] = value;
        var application = context.Application;
        await using var session = application.Open(new SessionOptions(context.Session.Environment.Workspace.Root, given, asked.Memory, asked.Engine));
        session.Said.To = watch.Note;
        // A retry must meet the same sources; what else the server was given is its own, and may be secret.
        var request = asked with
        {
            Settings = given.Where(g => asked.Settings.ContainsKey(g.Key) || g.Key.StartsWith("Sources:", StringComparison.OrdinalIgnoreCase)).ToDictionary(),
            DeadLetterLimit = asked.DeadLetterLimit ?? session.DeadLetterLimit,
        };
        var runner = new Runner(session.Environment, watch);
        return await (run.Verb switch
        {
            "retry" => runner.RetryAsync(run.TargetRunId!, application.FindJob, cancel, asked.TraceParent),
            "replay" => runner.ReplayAsync(run.TargetRunId!, application.FindJob, cancel, asked.TraceParent),
            _ => runner.RunAsync(application.FindJob(run.Job), request, run.Verb, cancel),
        });
    }

    async Task EndAsync(Task<RunSummary> work, string? runId, Stop stop)
    {
        if (stop == Stop.TakenAway)
        {
            logger.LogWarning("Run {Id} was taken over by another process, since this one did not tell in time that it was there; it stopped here", run.Id);
            return;
        }
        if (work.IsCompletedSuccessfully && work.Result.State == RunState.Completed)
        {
            await FinishAsync(QueuedRunState.Succeeded, runId, null);
            return;
        }
        var left = work.IsCompleted ? "" : string.Create(CultureInfo.InvariantCulture, $" It did not stop within {settings.StopWithin.TotalSeconds} s and was left behind; what it does from now on is not waited for.");
        switch (stop)
        {
            case Stop.ServerStops:
                await operations.GiveBackAsync(run.Id, settings.Holder, null, null, "The server stopped; it goes on with the next.", CancellationToken.None, isTry: false);
                return;
            case Stop.Cancelled or Stop.DeletedInHangfire:
                var by = stop == Stop.Cancelled ? (await operations.FindQueuedAsync(run.Id, CancellationToken.None))?.Reason ?? "Cancelled." : "Deleted on Hangfire's dashboard.";
                await FinishAsync(QueuedRunState.Cancelled, runId, by + left);
                return;
            case Stop.TimeIsOver:
                await FailAsync(runId, $"It took longer than its time limit of {run.TimeLimit}.{left}", mayPass: work.IsCompleted);
                return;
        }
        var error = work.Exception?.InnerException;
        if (error is not null and not BatchMlException) logger.LogError(error, "Run {Id} of {Job} met a defect", run.Id, run.Job);
        if (work.IsCompletedSuccessfully && work.Result.IsWaiting && WaitsUntil() is { } until) await AgainAsync(until, work.Result.Error!, isTry: false);
        else if (work.IsCompletedSuccessfully) await FailAsync(runId, work.Result.Error ?? "It failed.", mayPass: work.Result.ExitCode == ExitCodes.Failed);
        else await FailAsync(runId, error?.Message ?? "It was cancelled.", mayPass: error is BatchMlException and not DefinitionException);
    }

    /// <summary>When to look again whether inputs are ready; null: not any more.</summary>
    DateTimeOffset? WaitsUntil()
    {
        if (run.Occurrence is not { } occurrence) return null;
        // Without a time by which it is late, a day.
        if (time.Now >= (news.LateAt(run) ?? occurrence + TimeSpan.FromDays(1))) return null;
        var again = settings.InputsAgain / context.Options.Speed;
        return Clock.GetUtcNow() + (again > settings.Heartbeat ? again : settings.Heartbeat);
    }

    async Task FailAsync(string? runId, string reason, bool mayPass)
    {
        if (!mayPass || run.Tries > run.Retries)
        {
            await FinishAsync(QueuedRunState.Failed, runId, reason);
            return;
        }
        var wait = settings.FirstRetry * Math.Pow(4, run.Tries - 1);
        await AgainAsync(Clock.GetUtcNow() + (wait < LongestRetry ? wait : LongestRetry), string.Create(CultureInfo.InvariantCulture, $"Try {run.Tries} of {run.Retries + 1} failed: {reason}"), isTry: true);
    }

    Task AgainAsync(DateTimeOffset notBefore, string reason, bool isTry) => operations.GiveBackAsync(run.Id, settings.Holder, null, notBefore, reason, CancellationToken.None, isTry);

    async Task FinishAsync(QueuedRunState state, string? runId, string? reason)
    {
        var now = Clock.GetUtcNow();
        if (!await operations.FinishQueuedAsync(run.Id, settings.Holder, state, runId, reason, now, CancellationToken.None)) return;
        await news.OverAsync(run with { State = state, RunId = runId, Reason = reason, FinishedAt = now }, CancellationToken.None);
    }

    // The end of a run is worth some patience: otherwise it would be taken for lost, and run again for nothing.
    async Task PersistAsync(Func<Task> record)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await record();
                return;
            }
            catch (BatchMlException e) when (e.Kind == FailureKind.Transient && tries < 10)
            {
                logger.LogWarning(e, "What came of run {Id} could not be recorded; it is tried again", run.Id);
                await Task.Delay(settings.Heartbeat, Clock, CancellationToken.None);
            }
        }
    }
}
