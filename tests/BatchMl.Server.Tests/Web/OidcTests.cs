using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace BatchMl.Server.Tests.Web;

/// <summary>Logging in through a provider of OpenID Connect: over real HTTP, with tokens that are really signed, by a provider that checks what the standard has it check.</summary>
public sealed class OidcTests
{
    [Theory]
    [InlineData("olga", "[\"team-ml\",\"other\"]", "operator")]
    [InlineData("vic", "[\"readers\"]", "viewer")]
    public async Task Somebody_whom_the_provider_knows_comes_in_with_the_role_of_their_groups(string name, string groups, string role)
    {
        await using var provider = await Provider.StartAsync(name, groups);
        await using var server = await TestServer.StartAsync(provider.Settings);
        using var browser = Browser(server.Url);

        Assert.Equal("/login", (await browser.GetAsync("/runs")).Headers.Location!.AbsolutePath());
        var home = await LogInAsync(browser);
        Assert.Equal("/", home.Headers.Location!.ToString());
        var page = await browser.GetStringAsync("/runs");
        Assert.Contains($"{name}@example.org", page);
        Assert.Contains($">{role}<", page);
        Assert.Equal((name + "@example.org", "login", role), (await server.Operations.AuditAsync(1, null, default)).Select(e => (e.Actor, e.Action, e.Target)).Single());
        Assert.DoesNotContain(Provider.Secret, page + server.Said);
    }

    [Fact]
    public async Task Somebody_without_a_role_of_ours_stays_outside()
    {
        await using var provider = await Provider.StartAsync("eve", "[\"other\"]");
        await using var server = await TestServer.StartAsync(provider.Settings);
        using var browser = Browser(server.Url);
        Assert.Equal("/login?failed=role", (await LogInAsync(browser)).Headers.Location!.ToString());
        Assert.Equal("/login", (await browser.GetAsync("/runs")).Headers.Location!.AbsolutePath());
    }

    [Fact]
    public async Task A_token_that_another_key_signed_lets_nobody_in()
    {
        await using var provider = await Provider.StartAsync("olga", "[\"team-ml\"]", isForged: true);
        await using var server = await TestServer.StartAsync(provider.Settings);
        using var browser = Browser(server.Url);
        Assert.Equal("/login?failed=oidc", (await LogInAsync(browser)).Headers.Location!.ToString());
        Assert.Equal("/login", (await browser.GetAsync("/runs")).Headers.Location!.AbsolutePath());
    }

    static HttpClient Browser(string url) => new(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = new Uri(url) };

    // To the provider, which knows the person already, and back.
    static async Task<HttpResponseMessage> LogInAsync(HttpClient browser)
    {
        var toProvider = await browser.GetAsync("/login/oidc");
        Assert.Equal(HttpStatusCode.Redirect, toProvider.StatusCode);
        var back = await browser.GetAsync(toProvider.Headers.Location);
        return await browser.GetAsync(back.Headers.Location);
    }

    sealed class Provider(WebApplication web) : IAsyncDisposable
    {
        public const string Secret = "a-secret-of-the-client";

        public Dictionary<string, string?> Settings => new()
        {
            ["Server:Oidc:Authority"] = web.Urls.First(), ["Server:Oidc:ClientId"] = "batchml", ["Server:Oidc:ClientSecret"] = Secret, ["Server:Oidc:RoleClaim"] = "groups", ["Server:Oidc:OperatorRole"] = "team-ml", ["Server:Oidc:ViewerRole"] = "readers",
        };

        public static async Task<Provider> StartAsync(string name, string groups, bool isForged = false)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var web = builder.Build();
            var (key, other) = (new RsaSecurityKey(RSA.Create(2048)) { KeyId = "k1" }, new RsaSecurityKey(RSA.Create(2048)) { KeyId = "k1" });
            string? nonce = null, challenge = null;
            string Self() => web.Urls.First();
            web.MapGet("/.well-known/openid-configuration", () => new Dictionary<string, object>
            {
                ["issuer"] = Self(), ["authorization_endpoint"] = Self() + "/authorize", ["token_endpoint"] = Self() + "/token", ["userinfo_endpoint"] = Self() + "/userinfo", ["jwks_uri"] = Self() + "/keys",
                ["response_types_supported"] = new[] { "code" }, ["subject_types_supported"] = new[] { "public" }, ["id_token_signing_alg_values_supported"] = new[] { "RS256" },
            });
            web.MapGet("/keys", () =>
            {
                var p = key.Rsa.ExportParameters(false);
                return new { keys = new[] { new { kty = "RSA", use = "sig", kid = "k1", alg = "RS256", n = Base64UrlEncoder.Encode(p.Modulus), e = Base64UrlEncoder.Encode(p.Exponent) } } };
            });
            web.MapGet("/authorize", (HttpRequest r) =>
            {
                if (r.Query["client_id"] != "batchml" || r.Query["response_type"] != "code" || r.Query["code_challenge_method"] != "S256" || !r.Query["scope"].ToString().Split(' ').Contains("openid")) return Results.BadRequest();
                (nonce, challenge) = (r.Query["nonce"], r.Query["code_challenge"]);
                return Results.Redirect($"{r.Query["redirect_uri"]}?code=c0de&state={Uri.EscapeDataString(r.Query["state"]!)}");
            });
            web.MapPost("/token", async (HttpRequest r) =>
            {
                var form = await r.ReadFormAsync();
                var proof = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
                if (form["code"] != "c0de" || form["client_secret"] != Secret || proof != challenge) return Results.BadRequest(new { error = "invalid_grant" });
                var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
                {
                    Issuer = Self(), Audience = "batchml", Subject = new ClaimsIdentity([new Claim("sub", name), new Claim("nonce", nonce!)]), SigningCredentials = new SigningCredentials(isForged ? other : key, "RS256"),
                });
                return Results.Json(new { access_token = "at", token_type = "Bearer", expires_in = 300, id_token = token });
            });
            web.MapGet("/userinfo", (HttpRequest r) => r.Headers.Authorization == "Bearer at"
                ? Results.Text($$"""{"sub":"{{name}}","email":"{{name}}@example.org","groups":{{groups}}}""", "application/json") : Results.Unauthorized());
            await web.StartAsync();
            return new Provider(web);
        }

        public ValueTask DisposeAsync() => web.DisposeAsync();
    }
}

static class Uris
{
    public static string AbsolutePath(this Uri uri) => uri.IsAbsoluteUri ? uri.AbsolutePath : uri.OriginalString.Split('?')[0];
}
