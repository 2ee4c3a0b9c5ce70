using System.Security.Claims;
using BatchMl.Operations;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace BatchMl.Server.Access;

/// <summary>Who may come in: three ways (this machine's user, a key, OpenID Connect), two roles, and everything denied that is not allowed to somebody.</summary>
static class AccessServices
{
    const string Any = "batchml", Oidc = "oidc";

    /// <summary>Claim of a session that began with a key: its hash.</summary>
    public const string KeyClaim = "batchml_key";

    public static void AddAccess(this IServiceCollection services, ServerContext context)
    {
        var access = AccessOptions.Of(context.Options.Urls, context.Configuration);
        services.AddSingleton(access);
        services.AddSingleton<LoginLimit>();
        services.AddHostedService<AccessCheck>();
        services.AddSingleton<IDashboardAuthorizationFilter, HangfireAccess>();
        // Sessions outlive a restart, and hold on every server of the workspace.
        var keys = Directory.CreateDirectory(Path.Combine(context.Session.Environment.Workspace.Root, "server", "keys"));
        if (!OperatingSystem.IsWindows()) keys.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        services.AddDataProtection().SetApplicationName("BatchMl").PersistKeysToFileSystem(keys);
        services.AddAntiforgery(o =>
        {
            o.Cookie.Name = "batchml_form";
            o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
        services.Configure<ForwardedHeadersOptions>(o =>
        {
            o.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            o.KnownProxies.Clear();
            o.KnownIPNetworks.Clear();
            foreach (var proxy in access.Proxies) o.KnownProxies.Add(proxy);
        });
        var authentication = services.AddAuthentication(Any)
            .AddPolicyScheme(Any, null, o => o.ForwardDefaultSelector = c =>
                KeyAuthentication.IsMeant(c.Request) ? KeyAuthentication.SchemeName : OpenAuthentication.IsMeant(c, access) ? OpenAuthentication.SchemeName : CookieAuthenticationDefaults.AuthenticationScheme)
            .AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(KeyAuthentication.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, OpenAuthentication>(OpenAuthentication.SchemeName, null)
            .AddCookie(Session);
        if (access.Oidc is { } oidc) authentication.AddOpenIdConnect(Oidc, o => Provider(o, oidc));
        services.AddAuthorizationBuilder()
            .AddPolicy(Roles.Operator, p => p.RequireRole(Roles.Operator))
            .AddPolicy(Roles.Viewer, p => p.RequireRole(Roles.Viewer, Roles.Operator))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireRole(Roles.Viewer, Roles.Operator).Build());
    }

    static void Session(CookieAuthenticationOptions o)
    {
        o.Cookie.Name = "batchml_session";
        o.Cookie.HttpOnly = true;
        o.Cookie.SameSite = SameSiteMode.Lax;
        o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        o.ExpireTimeSpan = TimeSpan.FromHours(12);
        o.LoginPath = "/login";
        o.Events.OnRedirectToLogin = AskForLogin;
        o.Events.OnRedirectToAccessDenied = c =>
        {
            c.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
        o.Events.OnValidatePrincipal = async c =>
        {
            // A revoked key ends the sessions that began with it.
            if (c.Principal?.FindFirstValue(KeyClaim) is not { } hash) return;
            var operations = c.HttpContext.RequestServices.GetRequiredService<IOperations>();
            if (await operations.FindKeyAsync(hash, c.HttpContext.RequestAborted) is not null) return;
            c.RejectPrincipal();
            await c.HttpContext.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        };
    }

    // People are led to the login page; programs, and parts of a page that is open, are told.
    static Task AskForLogin(RedirectContext<CookieAuthenticationOptions> c)
    {
        if (IsPage(c.Request)) c.Response.Redirect(c.RedirectUri);
        else c.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    }

    static bool IsPage(HttpRequest request) => !request.Path.StartsWithSegments("/api") && !request.Path.StartsWithSegments("/metrics") && !request.Path.StartsWithSegments("/openapi") && !request.Headers.ContainsKey("HX-Request");

    static void Provider(OpenIdConnectOptions o, OidcOptions oidc)
    {
        o.Authority = oidc.Authority;
        o.RequireHttpsMetadata = !new Uri(oidc.Authority).IsLoopback;
        o.ClientId = oidc.ClientId;
        o.ClientSecret = oidc.ClientSecret;
        o.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        o.ResponseType = OpenIdConnectResponseType.Code;
        // The answer comes as a link, so that cookies need not be sent with what other sites post.
        o.ResponseMode = OpenIdConnectResponseMode.Query;
        o.UsePkce = true;
        o.SaveTokens = false;
        o.MapInboundClaims = false;
        o.GetClaimsFromUserInfoEndpoint = true;
        o.ClaimActions.MapAll();
        o.CallbackPath = "/login/oidc/done";
        o.Scope.Clear();
        foreach (var scope in new[] { "openid", "profile", "email" }) o.Scope.Add(scope);
        foreach (var cookie in new[] { o.CorrelationCookie, o.NonceCookie })
        {
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }
        o.Events.OnTicketReceived = c => ReceivedAsync(c, oidc);
        o.Events.OnRemoteFailure = c =>
        {
            c.HttpContext.RequestServices.GetRequiredService<LoginLimit>().Failed(c.HttpContext.Connection.RemoteIpAddress, $"OpenID Connect: {c.Failure?.Message}");
            c.Response.Redirect("/login?failed=oidc");
            c.HandleResponse();
            return Task.CompletedTask;
        };
    }

    // Of all that the provider says, the session keeps who it is and what they may do.
    static async Task ReceivedAsync(TicketReceivedContext c, OidcOptions oidc)
    {
        var claims = c.Principal!.Claims.ToArray();
        string? Of(string type) => claims.FirstOrDefault(x => x.Type == type)?.Value;
        var name = Of("email") ?? Of("preferred_username") ?? Of("name") ?? Of("sub") ?? "unknown";
        var roles = claims.Where(x => x.Type == oidc.RoleClaim).SelectMany(x => RolesIn(x.Value)).ToHashSet();
        AccessRole? role = roles.Contains(oidc.OperatorRole) ? AccessRole.Operator : oidc.ViewerRole is null || roles.Contains(oidc.ViewerRole) ? AccessRole.Viewer : null;
        if (role is not { } allowed)
        {
            c.HttpContext.RequestServices.GetRequiredService<LoginLimit>().Failed(c.HttpContext.Connection.RemoteIpAddress, $"{name} has neither the role '{oidc.ViewerRole}' nor '{oidc.OperatorRole}'");
            c.Response.Redirect("/login?failed=role");
            c.HandleResponse();
            return;
        }
        c.Principal = Roles.Somebody(name, allowed, Oidc);
        await LoggedInAsync(c.HttpContext, name, allowed, Oidc);
    }

    // Some providers send a list as one claim that is a JSON array.
    static IEnumerable<string> RolesIn(string value)
    {
        if (!value.StartsWith('[')) return [value];
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize<string[]>(value) ?? [];
        }
        catch (System.Text.Json.JsonException)
        {
            return [value];
        }
    }

    /// <summary>Records that somebody came in.</summary>
    public static Task LoggedInAsync(HttpContext context, string name, AccessRole role, string how) => context.RequestServices.GetRequiredService<IOperations>().RecordAsync(
        name, "login", Roles.NameOf(role), System.Text.Json.JsonSerializer.Serialize(new { how }), context.RequestServices.GetRequiredService<ServerContext>().Session.Environment.Clock.GetUtcNow(), context.RequestAborted);

    /// <summary>What each request passes before it reaches its page.</summary>
    public static void UseAccess(this WebApplication server)
    {
        var access = server.Services.GetRequiredService<AccessOptions>();
        if (access.Proxies.Count > 0) server.UseForwardedHeaders();
        server.Use(SecureHeaders.AddAsync);
        server.Use(SameOrigin.CheckAsync);
        server.UseAuthentication();
        server.UseAuthorization();
        server.UseAntiforgery();
        if (access.Oidc is not null) server.MapGet("/login/oidc", () => Microsoft.AspNetCore.Http.Results.Challenge(new AuthenticationProperties { RedirectUri = "/" }, [Oidc])).AllowAnonymous().ExcludeFromDescription();
    }
}
