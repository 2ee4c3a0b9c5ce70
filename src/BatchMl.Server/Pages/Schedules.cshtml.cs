using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>All schedules.</summary>
sealed class SchedulesModel(ScheduleBoard schedules) : PageModel
{
    public IReadOnlyList<ScheduleView> Schedules { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel) => Schedules = await schedules.AllAsync(cancel);
}
