using BatchMl.Operations;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>Who did what.</summary>
sealed class AuditModel(IOperations operations) : PageModel
{
    public const int PerPage = 100;

    public IReadOnlyList<AuditEntry> Entries { get; private set; } = [];

    /// <summary>The first entry that is not what was recorded; null: all are, or nobody asked.</summary>
    public long? Broken { get; private set; }

    [BindProperty(SupportsGet = true)]
    public long? Before { get; set; }
    [BindProperty(SupportsGet = true)]
    public bool Verify { get; set; }

    public async Task OnGetAsync(CancellationToken cancel)
    {
        Entries = await operations.AuditAsync(PerPage, Before, cancel);
        if (Verify) Broken = await operations.VerifyAuditAsync(cancel);
    }
}
