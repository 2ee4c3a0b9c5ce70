using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>All datasets in a table.</summary>
sealed class DatasetsModel(DatasetBoard datasets) : PageModel
{
    public IReadOnlyList<DatasetView> Datasets { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel) => Datasets = await datasets.AllAsync(cancel);
}
