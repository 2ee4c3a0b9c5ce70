using BatchMl.Operations;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>What people were told, and what could not be told yet.</summary>
sealed class NotificationsModel(IOperations operations) : PageModel
{
    public IReadOnlyList<Notification> Notifications { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel) => Notifications = await operations.NotificationsAsync(200, cancel);

    public static State StateOf(Notification n) => n.SentAt is not null ? new State("done", "sent") : n.NextTryAt is null ? new State("failed", "given up") : n.Tries == 0 ? new State("waiting", "on its way") : new State("warning", "tried again");
}
