using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>A run: how it went or goes, where the time went, its partitions, log and lineage.</summary>
sealed class RunModel(RunBoard runs, PlanBoard plans) : PageModel
{
    public RunDetails Details { get; private set; } = null!;
    public IReadOnlyList<string>? Log { get; private set; }
    public IReadOnlyList<string> Events { get; private set; } = [];

    /// <summary>Plans of its steps, as they are now.</summary>
    public IReadOnlyList<JobPlanning> Plans { get; private set; } = [];

    public Task<IActionResult> OnGetAsync(string id, CancellationToken cancel) => FindAsync(id, () =>
    {
        Plans = [.. (Details.Summary?.Steps.Select(s => s.Job) ?? [Details.Run.Job]).Select(plans.Of).OfType<JobPlanning>()];
        return Task.FromResult<IActionResult>(Page());
    }, cancel);

    /// <summary>The part that changes while it goes on.</summary>
    public Task<IActionResult> OnGetNowAsync(string id, CancellationToken cancel) => FindAsync(id, () => Task.FromResult<IActionResult>(Partial("_RunNow", this)), cancel);

    /// <summary>Its lineage events, which take a while to find.</summary>
    public Task<IActionResult> OnGetEventsAsync(string id, CancellationToken cancel) => FindAsync(id, () =>
    {
        Events = runs.Events(Details.Run, 200, cancel);
        return Task.FromResult<IActionResult>(Partial("_Events", Events));
    }, cancel);

    async Task<IActionResult> FindAsync(string id, Func<Task<IActionResult>> then, CancellationToken cancel)
    {
        if (await runs.FindAsync(id, cancel) is not { } details) return NotFound();
        Details = details;
        Log = await runs.LogAsync(details.Run.RunId, 200, cancel);
        return await then();
    }
}
