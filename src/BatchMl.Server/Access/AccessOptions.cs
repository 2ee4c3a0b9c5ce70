using System.Net;
using BatchMl.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Server.Access;

/// <summary>Who may come in, as the settings <c>Server:…</c> and the listening addresses say.</summary>
/// <param name="Urls">Where the server listens.</param>
/// <param name="AllowAnonymous"><c>Server:AllowAnonymous</c>: everybody may do everything.</param>
/// <param name="RequireLogin"><c>Server:RequireLogin</c>: on loopback too.</param>
/// <param name="PublicUrl"><c>Server:PublicUrl</c>: how people reach it, when that is not how it listens.</param>
/// <param name="Proxies"><c>Server:Proxies</c>: addresses of proxies whose word on client and scheme is taken, separated by commas.</param>
/// <param name="Oidc"><c>Server:Oidc</c>; null: no OpenID Connect.</param>
sealed record AccessOptions(IReadOnlyList<string> Urls, bool AllowAnonymous, bool RequireLogin, Uri? PublicUrl, IReadOnlyList<IPAddress> Proxies, OidcOptions? Oidc)
{
    /// <summary>Whether a request from this machine to a loopback name is its user's, who needs no login. Anything that tells of a proxy in front, behind which anybody may be, rules it out.</summary>
    public bool TrustsLoopback => !RequireLogin && Oidc is null && Proxies.Count == 0 && (PublicUrl is null || PublicUrl.IsLoopback) && Urls.All(IsLoopback);

    /// <exception cref="DefinitionException">Everything that is wrong with the settings.</exception>
    public static AccessOptions Of(string urls, IConfiguration configuration)
    {
        var problems = new List<string>();
        var section = configuration.GetSection("Server");
        var addresses = urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (addresses.Length == 0) problems.Add("--urls is empty; expected e.g. http://127.0.0.1:5080.");
        foreach (var url in addresses.Where(u => !IsUrl(u))) problems.Add($"--urls has '{url}'; expected e.g. http://127.0.0.1:5080 or https://0.0.0.0:5443.");
        Uri? publicUrl = null;
        if (section["PublicUrl"] is { Length: > 0 } given && !(Uri.TryCreate(given, UriKind.Absolute, out publicUrl) && publicUrl.Scheme is "http" or "https"))
        {
            problems.Add($"Server:PublicUrl is '{given}'; expected e.g. https://batchml.example.org.");
        }
        var proxies = new List<IPAddress>();
        foreach (var proxy in (section["Proxies"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (IPAddress.TryParse(proxy, out var address)) proxies.Add(address);
            else problems.Add($"Server:Proxies has '{proxy}'; expected IP addresses separated by commas, e.g. 10.0.0.5.");
        }
        var options = new AccessOptions(addresses, Flag(section, "AllowAnonymous", problems), Flag(section, "RequireLogin", problems), publicUrl, proxies, OidcOptions.Of(section.GetSection("Oidc"), problems));
        if (options.AllowAnonymous && (options.Oidc is not null || options.RequireLogin)) problems.Add("Server:AllowAnonymous=true contradicts Server:Oidc or Server:RequireLogin; expected one or the other.");
        return problems.Count == 0 ? options : throw new DefinitionException(problems);
    }

    static bool Flag(IConfigurationSection section, string name, List<string> problems)
    {
        if (section[name] is not { Length: > 0 } text) return false;
        if (!bool.TryParse(text, out var flag)) problems.Add($"Server:{name} is '{text}'; expected true or false.");
        return flag;
    }

    static bool IsUrl(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Scheme is "http" or "https";
        }
        catch (FormatException)
        {
            return false;
        }
    }

    static bool IsLoopback(string url)
    {
        var address = BindingAddress.Parse(url);
        return !address.IsUnixPipe && !address.IsNamedPipe && IsLoopbackName(address.Host);
    }

    /// <summary>Whether a host name or address can only be this machine's own.</summary>
    public static bool IsLoopbackName(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address);
}

/// <summary>An OpenID Connect provider, <c>Server:Oidc</c>.</summary>
/// <param name="Authority">Its address.</param>
/// <param name="ClientId">Who this server is to it.</param>
/// <param name="ClientSecret">What proves that; may be a reference (<c>env:NAME</c>, <c>file:PATH</c>).</param>
/// <param name="RoleClaim">The claim that holds a person's roles or groups; default <c>role</c>.</param>
/// <param name="OperatorRole">Who has it may start, stop and pause; default <c>operator</c>.</param>
/// <param name="ViewerRole">Who has it may look; null (the default): everybody whom the provider lets in.</param>
sealed record OidcOptions(string Authority, string ClientId, string? ClientSecret, string RoleClaim, string OperatorRole, string? ViewerRole)
{
    internal static OidcOptions? Of(IConfigurationSection section, List<string> problems)
    {
        if (!section.GetChildren().Any()) return null;
        foreach (var name in new[] { "Authority", "ClientId" }.Where(n => string.IsNullOrEmpty(section[n]))) problems.Add($"Server:Oidc:{name} is missing; OpenID Connect needs Authority and ClientId.");
        var authority = section["Authority"] ?? "";
        if (authority.Length > 0 && !(Uri.TryCreate(authority, UriKind.Absolute, out var uri) && (uri.Scheme == "https" || uri.Scheme == "http" && uri.IsLoopback)))
        {
            problems.Add($"Server:Oidc:Authority is '{authority}'; expected an https:// address (http:// only on this machine).");
        }
        string? secret = null;
        try
        {
            secret = Secret.Resolve(section["ClientSecret"], "Server:Oidc:ClientSecret");
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
        }
        return new OidcOptions(authority, section["ClientId"] ?? "", secret, section["RoleClaim"] ?? "role", section["OperatorRole"] ?? "operator", section["ViewerRole"]);
    }

    // Not the secret: a record prints its members.
    public override string ToString() => $"{ClientId} at {Authority}";
}
