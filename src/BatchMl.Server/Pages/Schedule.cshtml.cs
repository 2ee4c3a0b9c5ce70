using BatchMl.Operations;
using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>A schedule: its file, its next occurrences, and what became of those before.</summary>
sealed class ScheduleModel(ScheduleBoard schedules) : PageModel
{
    public ScheduleView Schedule { get; private set; } = null!;
    public string Text { get; private set; } = "";
    public IReadOnlyList<QueuedRun> History { get; private set; } = [];

    public async Task<IActionResult> OnGetAsync(string name, CancellationToken cancel)
    {
        if (await schedules.FindAsync(name, cancel) is not { } schedule) return NotFound();
        (Schedule, Text, History) = (schedule, schedules.TextOf(name), await schedules.HistoryAsync(name, 100, cancel));
        return Page();
    }
}
