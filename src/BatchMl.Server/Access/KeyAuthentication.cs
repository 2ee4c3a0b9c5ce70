using System.Security.Claims;
using System.Text.Encodings.Web;
using BatchMl.Operations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace BatchMl.Server.Access;

/// <summary>Knows programs by <c>Authorization: Bearer KEY</c>.</summary>
sealed class KeyAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, IOperations operations, LoginLimit limit)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    public const string SchemeName = "key";

    /// <summary>Whether a request says that it has a key.</summary>
    public static bool IsMeant(HttpRequest request) => request.Headers.ContainsKey(HeaderNames.Authorization);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return AuthenticateResult.Fail("expected Authorization: Bearer KEY");
        var address = Context.Connection.RemoteIpAddress;
        if (!limit.Allows(address)) return AuthenticateResult.Fail("too many failed logins");
        if (await operations.FindKeyAsync(KeyText.HashOf(header[7..].Trim()), Context.RequestAborted) is { } key) return AuthenticateResult.Success(new AuthenticationTicket(Roles.Somebody(key.Name, key.Role, Scheme.Name), Scheme.Name));
        limit.Failed(address, "no such API key, or it is revoked");
        return AuthenticateResult.Fail("no such API key");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = limit.Allows(Context.Connection.RemoteIpAddress) ? StatusCodes.Status401Unauthorized : StatusCodes.Status429TooManyRequests;
        Response.Headers.WWWAuthenticate = "Bearer";
        return Task.CompletedTask;
    }
}

/// <summary>Knows the machine's own user, or everybody where that is wanted: without a login.</summary>
sealed class OpenAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, AccessOptions access)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    public const string SchemeName = "open";

    /// <summary>Whether a request needs no login. The Host header is looked at too: a page elsewhere whose name leads here (DNS rebinding) has another one.</summary>
    public static bool IsMeant(HttpContext context, AccessOptions access) => access.AllowAnonymous || access.TrustsLoopback && IsLocal(context) && !IsForwarded(context.Request);

    static bool IsLocal(HttpContext context) => context.Connection.RemoteIpAddress is { } address && System.Net.IPAddress.IsLoopback(address) && AccessOptions.IsLoopbackName(context.Request.Host.Host);

    static bool IsForwarded(HttpRequest request) => new[] { "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via" }.Any(request.Headers.ContainsKey);

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(IsMeant(Context, access)
        ? AuthenticateResult.Success(new AuthenticationTicket(Roles.Somebody(access.AllowAnonymous ? "anonymous" : "local", AccessRole.Operator, Scheme.Name), Scheme.Name))
        : AuthenticateResult.NoResult());
}
