using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Access;
using BatchMl.Server.Dispatch;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>What the buttons of all pages do: ask, then lead back to the page with a word on what was done. Only for operators, and only from our own forms.</summary>
[Authorize(Policy = Roles.Operator)]
sealed class ActionsModel(RunDesk desk) : PageModel
{
    string By => User.Actor();

    public Task<IActionResult> OnPostRunScheduleAsync(string schedule, CancellationToken cancel) => AskAsync(async () => $"{schedule} was asked to run: {Told(await desk.RunNowAsync(schedule, By, cancel))}");

    public Task<IActionResult> OnPostPauseAsync(string schedule, CancellationToken cancel) => DoAsync(() => desk.PauseAsync(schedule, By, cancel), $"{schedule} is paused. What runs goes on.");

    public Task<IActionResult> OnPostResumeAsync(string schedule, CancellationToken cancel) => DoAsync(() => desk.ResumeAsync(schedule, By, cancel), $"{schedule} goes on.");

    public Task<IActionResult> OnPostRunAsync(string job, CancellationToken cancel) => AskAsync(async () => $"{job} was asked to run: {Told(await desk.RunAsync(job, new RunRequest(), By, cancel))}");

    public Task<IActionResult> OnPostBackfillAsync(string job, DateOnly? from, DateOnly? to, int? maxParallel, string? order, string? which, CancellationToken cancel) => AskAsync(async () =>
    {
        if (!ModelState.IsValid) throw new DefinitionException("A date or number of the form can not be read; expected dates as YYYY-MM-DD.");
        if (maxParallel is < 0 or > 256) throw new DefinitionException($"At once is {maxParallel}; expected 1 to 256, or nothing for one per core.");
        var request = new RunRequest { From = from, To = to, MaxParallel = maxParallel ?? 0, Order = Choice.Of<PartitionOrder>(order, "Order") ?? default, Scope = Choice.Of<RunScope>(which, "Which") ?? default };
        return $"{job} from {from:yyyy-MM-dd} to {to:yyyy-MM-dd} was asked for: {Told(await desk.BackfillAsync(job, request, By, cancel))}";
    });

    public Task<IActionResult> OnPostRetryAsync(string run, CancellationToken cancel) => AskAsync(async () => $"What failed in run {run} is tried again: {Told(await desk.RetryAsync(run, By, cancel))}");

    public Task<IActionResult> OnPostReplayAsync(string run, CancellationToken cancel) => AskAsync(async () => $"Partitions of run {run} with dead letters are made again: {Told(await desk.ReplayAsync(run, By, cancel))}");

    public Task<IActionResult> OnPostCancelAsync(string id, CancellationToken cancel) => AskAsync(async () =>
        await desk.CancelAsync(id, By, cancel) ? "It was asked to stop. What it committed stays." : throw new DefinitionException("It is over already."));

    static string Told(QueuedRun run) => run.State switch
    {
        QueuedRunState.Skipped => $"left out ({run.Reason}).",
        _ => "it is in the queue.",
    };

    Task<IActionResult> DoAsync(Func<Task> action, string said) => AskAsync(async () =>
    {
        await action();
        return said;
    });

    async Task<IActionResult> AskAsync(Func<Task<string>> action)
    {
        try
        {
            TempData["Said"] = await action();
        }
        catch (BatchMlException e)
        {
            TempData["Refused"] = e.Message;
        }
        // Back to where the button was. The header is our own pages' only: forms of others do not get this far.
        var from = Uri.TryCreate(Request.Headers.Referer.ToString(), UriKind.Absolute, out var referer) && referer.Authority == Request.Host.Value ? referer.PathAndQuery : "/";
        return LocalRedirect(from.StartsWith("/actions", StringComparison.Ordinal) || !Url.IsLocalUrl(from) ? "/" : from);
    }
}
