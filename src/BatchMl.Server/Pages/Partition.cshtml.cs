using System.Text.Json.Nodes;
using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>A partition: its version, files, and rows that could not be scored.</summary>
sealed class PartitionModel(PartitionBoard partitions) : PageModel
{
    public const int Shown = 50;

    public PartitionDetails Details { get; private set; } = null!;
    public IReadOnlyList<JsonObject> DeadLetters { get; private set; } = [];
    public string? Problem { get; private set; }

    public async Task<IActionResult> OnGetAsync(string name, string value, CancellationToken cancel)
    {
        if (await partitions.FindAsync(name, value ?? "", cancel) is not { } details) return NotFound();
        Details = details;
        try
        {
            DeadLetters = await partitions.DeadLettersAsync(details, 0, Shown, cancel);
        }
        catch (DataException e)
        {
            Problem = e.Message;
        }
        return Page();
    }
}
