using BatchMl.Operations;
using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>The latest runs, and what was asked for and did not become one.</summary>
sealed class RunsModel(RunBoard runs, IOperations operations, ServerContext context) : PageModel
{
    public IReadOnlyList<RunView> Runs { get; private set; } = [];

    /// <summary>Asked for, and left out or failed before a run began.</summary>
    public IReadOnlyList<QueuedRun> NotBegun { get; private set; } = [];

    public IReadOnlyList<string> Jobs { get; private set; } = [];

    [BindProperty(SupportsGet = true)]
    public string? Job { get; set; }
    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }
    [BindProperty(SupportsGet = true)]
    public int Count { get; set; } = 100;

    public async Task OnGetAsync(CancellationToken cancel)
    {
        Jobs = [.. context.Application.NamedJobs().Keys];
        Count = Math.Clamp(Count, 1, 1_000);
        Runs = [.. (await runs.RecentAsync(Job is { Length: > 0 } || State is { Length: > 0 } ? 1_000 : Count, cancel)).Where(r => (Job is not { Length: > 0 } || r.Job == Job) && (State is not { Length: > 0 } || Words.Of(r.State) == State)).Take(Count)];
        NotBegun = [.. (await operations.QueueAsync(new QueueFilter([QueuedRunState.Failed, QueuedRunState.Cancelled, QueuedRunState.Skipped], Limit: 200), cancel)).Where(q => q.RunId is null).Take(20)];
    }
}
