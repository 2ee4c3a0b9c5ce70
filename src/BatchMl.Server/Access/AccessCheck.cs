using BatchMl.Operations;
using Microsoft.Extensions.Hosting;

namespace BatchMl.Server.Access;

/// <summary>Keeps a server from starting where others could reach it and nobody was told how to come in.</summary>
sealed class AccessCheck(AccessOptions access, IOperations operations) : IHostedService
{
    public async Task StartAsync(CancellationToken cancel)
    {
        if (access.AllowAnonymous || access.TrustsLoopback || access.Oidc is not null) return;
        if ((await operations.KeysAsync(cancel)).Any(k => k.RevokedAt is null)) return;
        throw new DefinitionException(
            $"This server would be open to others ({string.Join(", ", access.Urls)}{(access.PublicUrl is { } url ? $", Server:PublicUrl={url}" : "")}), and there is no way to log in. Make a key with 'keys add NAME --role operator', "
            + "or set Server:Oidc:Authority and Server:Oidc:ClientId, or listen on 127.0.0.1 only, or let everybody in who can reach it with Server:AllowAnonymous=true.");
    }

    public Task StopAsync(CancellationToken cancel) => Task.CompletedTask;
}
