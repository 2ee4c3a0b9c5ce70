using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>Drift, with the reports of monitoring jobs.</summary>
sealed class DriftModel(DriftBoard drift) : PageModel
{
    public IReadOnlyList<DriftView> Drift { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel) => Drift = await drift.AllAsync(cancel);
}
