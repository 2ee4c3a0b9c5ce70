using BatchMl.Operations;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchMl.Server.Signals;

/// <summary>Whether the server lives, and whether it can work: for those who start, stop and route to it. They need no login and are told no more than that.</summary>
static class Health
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What a check found.</summary>
    /// <param name="Status"><c>ok</c> or <c>failed</c>.</param>
    /// <param name="Catalog">The catalog answers.</param>
    /// <param name="Storage">The workspace can be written.</param>
    public sealed record Readiness(string Status, bool Catalog, bool Storage);

    public static void MapHealth(this IEndpointRouteBuilder server)
    {
        var group = server.MapGroup("/healthz").AllowAnonymous().WithTags("health");
        group.MapGet("/live", () => Results.Ok(new { status = "ok" })).WithSummary("Whether the process answers").Produces(200);
        group.MapGet("/ready", async (IOperations operations, ServerContext context, CancellationToken cancel) =>
        {
            var (catalog, storage) = (await AnswersAsync(operations, cancel), IsWritable(context.Session.Environment.Workspace.Root));
            return Results.Json(new Readiness(catalog && storage ? "ok" : "failed", catalog, storage), statusCode: catalog && storage ? 200 : 503);
        }).WithSummary("Whether catalog and storage can be used").Produces<Readiness>().Produces<Readiness>(503);
    }

    static async Task<bool> AnswersAsync(IOperations operations, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            await operations.PartitionsVersionAsync(patience.Token).WaitAsync(patience.Token);
            return true;
        }
        catch (Exception e) when (e is BatchMlException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    static bool IsWritable(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            using var file = new FileStream(Path.Combine(folder, $".ready-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            file.WriteByte(1);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
