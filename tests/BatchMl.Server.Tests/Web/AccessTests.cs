using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using BatchMl.Operations;
using BatchMl.Server.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace BatchMl.Server.Tests.Web;

/// <summary>Who may come in, over real HTTP.</summary>
public sealed partial class AccessTests
{
    static readonly Dictionary<string, string?> login = new() { ["Server:RequireLogin"] = "true" };

    [Fact]
    public async Task On_loopback_nobody_logs_in_but_for_those_who_come_under_another_name_or_through_a_proxy()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/runs")).StatusCode);

        // DNS rebinding: a name of somebody else's that leads to this machine.
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(Get("/api/v1/runs", r => r.Headers.Host = "evil.example:5080"))).StatusCode);
        foreach (var header in new[] { "X-Forwarded-For", "Forwarded", "Via" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(Get("/api/v1/runs", r => r.Headers.TryAddWithoutValidation(header, "for=10.1.1.1")))).StatusCode);
        }
    }

    [Theory]
    [InlineData("http://0.0.0.0:0", null)]
    [InlineData("http://127.0.0.1:0", "Server:RequireLogin=true")]
    [InlineData("http://127.0.0.1:0", "Server:PublicUrl=https://batchml.example")]
    [InlineData("http://127.0.0.1:0", "Server:Proxies=127.0.0.1")]
    public async Task A_server_that_others_could_reach_does_not_start_before_there_is_a_way_to_log_in(string urls, string? setting)
    {
        var settings = setting is null ? [] : new Dictionary<string, string?> { [setting.Split('=')[0]] = setting.Split('=')[1] };
        var error = await Assert.ThrowsAsync<DefinitionException>(() => TestServer.StartAsync(settings, urls));
        Assert.Contains("keys add", error.Message);
        Assert.Contains("Server:AllowAnonymous=true", error.Message);

        await using var withKey = await TestServer.StartAsync(settings, urls, before: s => s.KeyAsync("ann", AccessRole.Viewer));
    }

    [Fact]
    public async Task Everybody_comes_in_only_where_that_is_said()
    {
        await using var server = await TestServer.StartAsync(new Dictionary<string, string?> { ["Server:AllowAnonymous"] = "true" }, "http://0.0.0.0:0");
        using var client = new HttpClient { BaseAddress = new Uri(server.Url.Replace("0.0.0.0", "127.0.0.1")) };
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(Get("/api/v1/runs", r => r.Headers.Host = "batchml.example"))).StatusCode);
    }

    [Fact]
    public void All_that_is_wrong_with_the_settings_is_said_at_once()
    {
        var settings = new Dictionary<string, string?>
        {
            ["Server:AllowAnonymous"] = "maybe", ["Server:PublicUrl"] = "batchml", ["Server:Proxies"] = "proxy.example", ["Server:Oidc:Authority"] = "http://login.example", ["Server:Oidc:ClientSecret"] = "env:NO_SUCH_VARIABLE_OF_OURS",
        };
        var error = Assert.Throws<DefinitionException>(() => AccessOptions.Of("ftp://x", new Microsoft.Extensions.Configuration.ConfigurationBuilder().AddInMemory(settings)));
        foreach (var name in new[] { "--urls", "Server:AllowAnonymous", "Server:PublicUrl", "Server:Proxies", "Server:Oidc:Authority", "Server:Oidc:ClientId", "NO_SUCH_VARIABLE_OF_OURS" }) Assert.Contains(error.Problems, p => p.Contains(name));
    }

    [Fact]
    public async Task A_key_allows_what_its_role_does_until_it_is_revoked()
    {
        await using var server = await TestServer.StartAsync(login, before: s => s.KeyAsync("ann", AccessRole.Viewer));
        var (viewer, op) = (await server.KeyAsync("vic", AccessRole.Viewer), await server.KeyAsync("olga", AccessRole.Operator));
        using var client = server.Client();

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "/api/v1/runs", viewer));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, "/runs", viewer));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(client, "/api/v1/runs", viewer, new { job = "demo/score" }));
        Assert.Equal(HttpStatusCode.Accepted, await StatusAsync(client, "/api/v1/runs", op, new { job = "demo/score" }));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, "/api/v1/runs", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, "/api/v1/runs", viewer + "x"));
        Assert.Contains((await server.Operations.AuditAsync(10, null, default)).Select(e => (e.Actor, e.Action)), e => e == ("olga", "run.run"));

        Assert.True(await server.Operations.RevokeKeyAsync("vic", DateTimeOffset.UnixEpoch, default));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, "/api/v1/runs", viewer));
    }

    [Fact]
    public async Task After_ten_wrong_keys_an_address_has_no_more_tries()
    {
        await using var server = await TestServer.StartAsync(login, before: s => s.KeyAsync("ann", AccessRole.Viewer));
        var right = await server.KeyAsync("vic", AccessRole.Viewer);
        using var client = server.Client();
        for (var i = 0; i < 10; i++) Assert.Contains(await StatusAsync(client, "/api/v1/runs", $"wrong{i}"), new[] { HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests });
        Assert.Equal(HttpStatusCode.TooManyRequests, await StatusAsync(client, "/api/v1/runs", right));
        Assert.Contains("no more tries", server.Said.ToString());
    }

    [Fact]
    public async Task Nothing_but_login_health_and_its_own_style_is_seen_without_a_login()
    {
        await using var server = await TestServer.StartAsync(login, before: s => s.KeyAsync("ann", AccessRole.Viewer));
        using var client = server.Client();
        var open = new List<string>();
        foreach (var endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            {
                open.Add(endpoint.RoutePattern.RawText!.Trim('/'));
                continue;
            }
            var path = "/" + ParameterPattern().Replace(endpoint.RoutePattern.RawText!, "1").TrimStart('/');
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"])
            {
                var response = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized || response.StatusCode == HttpStatusCode.Redirect && response.Headers.Location!.ToString().Contains("/login"), $"{method} {path} answered {(int)response.StatusCode}");
            }
        }
        Assert.Equal(["healthz/live", "healthz/ready", "login", "problem/{code:int?}"], open.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/assets/site.css")).StatusCode);
    }

    [Fact]
    public async Task Pages_of_other_sites_can_make_a_browser_do_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        async Task<HttpStatusCode> Post(string path, Action<HttpRequestMessage> change)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new { job = "demo/score" }) };
            change(request);
            return (await client.SendAsync(request)).StatusCode;
        }
        Assert.Equal(HttpStatusCode.Forbidden, await Post("/api/v1/runs", r => r.Headers.Add("Origin", "https://evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("/api/v1/runs", r => r.Headers.Add("Sec-Fetch-Site", "cross-site")));
        Assert.Equal(HttpStatusCode.Forbidden, await Post("/api/v1/runs", r => r.Headers.Add("Sec-Fetch-Site", "same-site")));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, await Post("/api/v1/runs", r => r.Content = new StringContent("{\"job\":\"demo/score\"}")));
        Assert.Equal(HttpStatusCode.Accepted, await Post("/api/v1/runs", r => r.Headers.Add("Origin", server.Url)));
        Assert.Single(await server.Operations.QueueAsync(new QueueFilter([]), default));

        // A form of ours without its token is somebody else's.
        var form = await client.PostAsync("/actions/run", new FormUrlEncodedContent([new("job", "demo/score")]));
        Assert.Equal(HttpStatusCode.BadRequest, form.StatusCode);
        Assert.Single(await server.Operations.QueueAsync(new QueueFilter([]), default));
    }

    [Fact]
    public async Task Somebody_logs_in_with_a_key_and_is_out_when_it_is_revoked()
    {
        await using var server = await TestServer.StartAsync(login, before: s => s.KeyAsync("ann", AccessRole.Viewer));
        var key = await server.KeyAsync("olga", AccessRole.Operator);
        var cookies = new CookieContainer();
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = cookies }) { BaseAddress = new Uri(server.Url) };

        var asked = await client.GetAsync("/runs");
        Assert.Equal(HttpStatusCode.Redirect, asked.StatusCode);
        var page = await client.GetStringAsync(asked.Headers.Location!);
        async Task<HttpResponseMessage> TryAsync(string with, string returnUrl) => await client.PostAsync("/login", new FormUrlEncodedContent(
            [new("key", with), new("returnUrl", returnUrl), new("__RequestVerificationToken", TokenPattern().Match(page).Groups[1].Value)]));
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync("nonsense", "/runs")).StatusCode);
        var elsewhere = await TryAsync(key, "https://evil.example/");
        Assert.True(elsewhere.Headers.Location?.ToString() == "/", $"{elsewhere.StatusCode} {elsewhere.Headers.Location} {server.Said}");
        // Who is logged in gets another token than somebody unknown.
        page = await client.GetStringAsync("/login");
        var done = await TryAsync(key, "/runs");
        Assert.Equal("/runs", done.Headers.Location!.ToString());
        var cookie = Assert.Single(done.Headers.GetValues("Set-Cookie"), c => c.StartsWith("batchml_session", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(key, cookie);

        Assert.Contains("olga", await client.GetStringAsync("/runs"));
        Assert.True(await server.Operations.RevokeKeyAsync("olga", DateTimeOffset.UnixEpoch, default));
        Assert.Equal(HttpStatusCode.Redirect, (await client.GetAsync("/runs")).StatusCode);
    }

    [Fact]
    public async Task Answers_carry_what_keeps_browsers_safe()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        foreach (var path in new[] { "/", "/nope", "/api/v1/runs", "/healthz/live" })
        {
            var response = await client.GetAsync(path);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            var policy = response.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy);
            Assert.Contains("frame-ancestors 'none'", policy);
            Assert.DoesNotContain("unsafe", policy);
            Assert.Equal("same-origin", response.Headers.GetValues("Referrer-Policy").Single());
            Assert.False(response.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task Reports_are_shown_and_nothing_beside_them()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        var reports = Directory.CreateDirectory(Path.Combine(server.Environment.Workspace.Reports, "demo")).FullName;
        await File.WriteAllTextAsync(Path.Combine(reports, "monitor.html"), "<p>drift</p>");
        await File.WriteAllTextAsync(Path.Combine(server.Workspace, "secret.html"), "secret");
        var report = await client.GetAsync("/reports/demo/monitor.html");
        Assert.Equal("<p>drift</p>", await report.Content.ReadAsStringAsync());
        Assert.Contains("sandbox", report.Headers.GetValues("Content-Security-Policy").Single());
        foreach (var outside in new[] { "/reports/..%2Fsecret.html", "/reports/demo/..%2f..%2fsecret.html", "/reports/../catalog.db", "/reports//etc/passwd" }) Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(outside)).StatusCode);
    }

    [Fact]
    public async Task Keys_are_made_listed_and_revoked_by_a_verb_and_kept_only_as_digests()
    {
        await using var server = await TestServer.StartAsync();
        await Verb(server, "keys", "add", "ann", "--role", "operator");
        var key = server.Out.ToString().Trim();
        Assert.StartsWith("batchml_", key);
        var kept = Assert.Single(await server.Operations.KeysAsync(default));
        Assert.Equal(("ann", AccessRole.Operator, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)))), (kept.Name, kept.Role, kept.Hash));
        Assert.Equal(2, await new KeysApplication(server).RunAsync("keys", "add", "ann"));

        server.Out.GetStringBuilder().Clear();
        await Verb(server, "keys", "list");
        Assert.Contains("ann", server.Out.ToString());
        Assert.DoesNotContain(key, server.Out.ToString());
        await Verb(server, "keys", "revoke", "ann");
        Assert.NotNull(Assert.Single(await server.Operations.KeysAsync(default)).RevokedAt);
        Assert.Equal(["key.revoke", "key.add"], (await server.Operations.AuditAsync(10, null, default)).Select(e => e.Action));
    }

    static async Task Verb(TestServer server, params string[] args) => Assert.Equal(0, await new KeysApplication(server).RunAsync(args));

    // The application of a server, with the verb.
    sealed class KeysApplication(TestServer server)
    {
        public Task<int> RunAsync(params string[] args)
        {
            var a = server.Application;
            return new Hosting.BatchMlApplication
            {
                Jobs = a.Jobs, SourceFormats = a.SourceFormats, Sink = a.Sink, Catalog = a.Catalog, Operations = a.Operations, Scorers = a.Scorers, Out = a.Out, Error = a.Error, MoreVerbs = [x => new KeysVerb(x)],
            }.RunAsync([.. args, "--workspace", server.Workspace]);
        }
    }

    static HttpRequestMessage Get(string path, Action<HttpRequestMessage> change)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        change(request);
        return request;
    }

    static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path, string? key, object? body = null)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path);
        if (body is not null) request.Content = JsonContent.Create(body);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return (await client.SendAsync(request)).StatusCode;
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex ParameterPattern();

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]+)\"")]
    private static partial Regex TokenPattern();
}

static class Configurations
{
    public static Microsoft.Extensions.Configuration.IConfiguration AddInMemory(this Microsoft.Extensions.Configuration.ConfigurationBuilder builder, IReadOnlyDictionary<string, string?> settings) =>
        Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(builder, settings).Build();
}
