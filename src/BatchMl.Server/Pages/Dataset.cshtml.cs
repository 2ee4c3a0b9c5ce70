using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>A dataset: its calendar, its partitions, where its columns come from, and what can be done with it.</summary>
sealed class DatasetModel(DatasetBoard datasets, PlanBoard plans, LineageBoard lineage) : PageModel
{
    const int PerPage = 100;

    public DatasetView Dataset { get; private set; } = null!;
    public DayCalendar? Calendar { get; private set; }
    public LineageView? Lineage { get; private set; }
    public JobPlanning? Planning { get; private set; }
    public IReadOnlyList<PartitionView> Partitions { get; private set; } = [];
    public int Found { get; private set; }
    public int Pages => Math.Max(1, (Found + PerPage - 1) / PerPage);

    [BindProperty(SupportsGet = true, Name = "page")]
    public int Number { get; set; } = 1;
    [BindProperty(SupportsGet = true)]
    public string? State { get; set; }
    [BindProperty(SupportsGet = true)]
    public DateOnly? From { get; set; }
    [BindProperty(SupportsGet = true)]
    public DateOnly? To { get; set; }
    [BindProperty(SupportsGet = true)]
    public DateOnly? Until { get; set; }

    public async Task<IActionResult> OnGetAsync(string name, CancellationToken cancel)
    {
        if (await datasets.FindAsync(name, cancel) is not { } dataset) return NotFound();
        Dataset = dataset;
        Calendar = dataset.IsDaily ? DayCalendar.Of(dataset, Until) : null;
        Lineage = lineage.Of(dataset);
        Planning = dataset.Job is null ? null : plans.Of(dataset.Job);
        var found = dataset.Partitions.Reverse().Where(p => (State is not { Length: > 0 } || Words.Class(p.State) == State) && (From is null || p.Day >= From) && (To is null || p.Day < To)).ToArray();
        Found = found.Length;
        Number = Math.Clamp(Number, 1, Pages);
        Partitions = [.. found.Skip((Number - 1) * PerPage).Take(PerPage)];
        return Page();
    }

    /// <summary>This page with another page of its list.</summary>
    public string At(int number) => Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(Links.Dataset(Dataset.Name), new Dictionary<string, string?>
    {
        ["state"] = State, ["from"] = From?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), ["to"] = To?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        ["page"] = number.ToString(System.Globalization.CultureInfo.InvariantCulture),
    }.Where(p => !string.IsNullOrEmpty(p.Value)));
}
