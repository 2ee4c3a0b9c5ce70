using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace BatchMl.Server.Tests.Web;

/// <summary>A real browser, one for all tests here.</summary>
public sealed class Chromium : IAsyncLifetime
{
    const string Path = "/usr/bin/chromium";

    IPlaywright? playwright;

    public IBrowser Browser { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Path)) return;
        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Path,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        playwright?.Dispose();
    }

    public void Require() => Shared.RequireOrSkip(Browser is not null, $"{Path} is not installed.");
}

/// <summary>The pages, in real Chromium.</summary>
public sealed class PagesInChromiumTests(Chromium chromium) : IClassFixture<Chromium>
{
    static readonly string[] pages =
    [
        "/", "/runs", "/datasets", "/datasets/demo/score", "/datasets/demo/score?state=missing", "/partitions/demo/score?value=2013-10-03", "/partitions/demo/score?value=2013-10-05", "/models", "/drift", "/schedules", "/notifications", "/audit", "/login", "/nope",
    ];

    [Fact]
    public async Task Every_page_renders_without_an_error_asks_nobody_else_and_is_accessible_in_light_and_dark()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        var run = await server.FillAsync();
        await server.Operations.NotifyAsync(new Notification(Guid.NewGuid().ToString(), "k", "team", "failed", "demo/score failed", "body", "{}", DateTimeOffset.UnixEpoch), default);
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            var (page, heard) = await OpenAsync(server, new BrowserNewContextOptions { ColorScheme = scheme });
            await PlannedAsync(page);
            foreach (var path in (string[])[.. pages, $"/runs/{run.RunId}"])
            {
                await page.GotoAsync(server.Url + path);
                var found = await page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] } });
                Assert.True(found.Violations.Length == 0, $"{path} {scheme}: {string.Join("; ", found.Violations.Select(v => $"{v.Id}: {v.Help}: {string.Join(" | ", v.Nodes.Take(3).Select(n => n.Html))}"))}");
                Assert.True(await page.Locator("h1").CountAsync() == 1, $"{path} has not one heading");
            }
            // The page that is not there is told as such, by the browser too.
            heard.RemoveAll(h => h.Contains("404"));
            Assert.Empty(heard);
        }
    }

    [Fact]
    public async Task Buttons_ask_for_what_they_say_and_the_page_tells_so()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        var run = await server.FillAsync();
        var (page, heard) = await OpenAsync(server);
        await PlannedAsync(page);

        await page.GotoAsync(server.Url + "/datasets/demo/score");
        await page.GetByText("Backfill a range of days").ClickAsync();
        await page.Locator("form[action='/actions/backfill'] input[name=from]").FillAsync("2013-10-06");
        await page.Locator("form[action='/actions/backfill'] input[name=to]").FillAsync("2013-10-09");
        await page.GetByLabel("At once").FillAsync("2");
        await page.GetByLabel("Order").SelectOptionAsync("newest");
        await page.GetByRole(AriaRole.Button, new() { Name = "Backfill" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("demo/score from 2013-10-06 to 2013-10-09 was asked for");
        Assert.EndsWith("/datasets/demo/score", page.Url);
        var backfill = await AskedAsync(server, "backfill");
        var request = System.Text.Json.JsonSerializer.Deserialize<RunRequest>(backfill.RequestJson)!;
        Assert.Equal((new DateOnly(2013, 10, 6), new DateOnly(2013, 10, 9), 2, PartitionOrder.Newest), (request.From!.Value, request.To!.Value, request.MaxParallel, request.Order));

        await page.GotoAsync($"{server.Url}/runs/{run.RunId}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry failed only" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("is tried again");
        Assert.Equal(run.RunId, (await AskedAsync(server, "retry")).TargetRunId);
        await page.GetByRole(AriaRole.Button, new() { Name = "Replay dead letters" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("made again");
        Assert.Equal(run.RunId, (await AskedAsync(server, "replay")).TargetRunId);

        await page.GotoAsync(server.Url + "/datasets/demo/score");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run now" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("demo/score was asked to run");
        await AskedAsync(server, "run");
        Assert.Empty(heard);
        Assert.Equal(["run.run", "run.replay", "run.retry", "run.backfill"], (await server.Operations.AuditAsync(10, null, default)).Select(e => e.Action));
    }

    [Fact]
    public async Task What_waits_is_cancelled_from_the_home_page()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        // It waits for a time that is far away, so that no worker takes it first.
        await server.Operations.EnqueueAsync(new QueuedRun
        {
            Id = Guid.NewGuid().ToString(), Job = "demo/score", Verb = "run", RequestJson = "{}", Queue = "score", RequestedBy = "ann", RequestedAt = DateTimeOffset.UnixEpoch, NotBefore = new DateTimeOffset(2200, 1, 1, 0, 0, 0, TimeSpan.Zero),
        }, OverlapPolicy.Queue, default);
        var (page, heard) = await OpenAsync(server);
        await page.GotoAsync(server.Url);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel demo/score" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("asked to stop");
        Assert.Equal(QueuedRunState.Cancelled, Assert.Single(await server.Operations.QueueAsync(new QueueFilter([]), default)).State);
        Assert.Empty(heard);
    }

    [Fact]
    public async Task Who_may_only_look_gets_no_buttons_and_can_not_press_them_either()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync(new Dictionary<string, string?> { ["Server:RequireLogin"] = "true" }, before: s => s.KeyAsync("first", AccessRole.Viewer));
        var run = await server.FillAsync();
        var key = await server.KeyAsync("vic", AccessRole.Viewer);
        var (page, _) = await OpenAsync(server);
        await page.GotoAsync($"{server.Url}/runs/{run.RunId}");
        await page.GetByLabel("API key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToContainTextAsync("run demo/score");
        Assert.Equal(["Log out"], await page.Locator("main button, .who form button").AllInnerTextsAsync());

        var token = await page.Locator("input[name=__RequestVerificationToken]").First.GetAttributeAsync("value");
        var answer = await page.APIRequest.PostAsync($"{server.Url}/actions/retry", new() { Form = page.APIRequest.CreateFormData().Set("run", run.RunId).Set("__RequestVerificationToken", token!) });
        Assert.Equal(403, answer.Status);
        Assert.Empty(await server.Operations.QueueAsync(new QueueFilter([]), default));
        await page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Log in");
    }

    [Fact]
    public async Task The_keyboard_alone_leads_to_a_day()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        await server.FillAsync();
        var (page, heard) = await OpenAsync(server);
        await PlannedAsync(page);
        await page.GotoAsync(server.Url);
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to content", await page.EvaluateAsync<string>("document.activeElement.textContent"));
        await page.Keyboard.PressAsync("Enter");
        for (var i = 0; i < 60 && !await page.EvaluateAsync<bool>("!!document.activeElement.closest('.calendar')"); i++) await page.Keyboard.PressAsync("Tab");
        Assert.Contains("9 Oct 2013: missing", await page.EvaluateAsync<string>("document.activeElement.getAttribute('aria-label')"));
        // The 9th is a Wednesday; left of it is the Wednesday before.
        await page.Keyboard.PressAsync("ArrowLeft");
        Assert.Contains("2 Oct 2013: published", await page.EvaluateAsync<string>("document.activeElement.getAttribute('aria-label')"));
        await page.Keyboard.PressAsync("ArrowDown");
        Assert.Contains("3 Oct 2013: dead letters", await page.EvaluateAsync<string>("document.activeElement.getAttribute('aria-label')"));
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("day=2013-10-03");
        Assert.Empty(heard);
    }

    [Fact]
    public async Task Light_and_dark_are_chosen_and_remembered()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        var (page, _) = await OpenAsync(server, new BrowserNewContextOptions { ColorScheme = ColorScheme.Light });
        Task<string> BackAsync() => page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
        await page.GotoAsync(server.Url);
        Assert.Equal("rgb(246, 247, 249)", await BackAsync());
        await page.GetByRole(AriaRole.Button, new() { Name = "Switch between light and dark" }).ClickAsync();
        Assert.Equal("rgb(18, 22, 27)", await BackAsync());
        await page.ReloadAsync();
        Assert.Equal("rgb(18, 22, 27)", await BackAsync());
    }

    [Fact]
    public async Task What_goes_on_is_shown_without_loading_the_page_again()
    {
        chromium.Require();
        await using var server = await TestServer.StartAsync();
        var (page, heard) = await OpenAsync(server);
        await page.GotoAsync(server.Url);
        await Assertions.Expect(page.Locator("#now")).ToContainTextAsync("Nothing runs");
        var going = new TaskCompletionSource();
        server.Job.Making = (_, _) => going.Task;
        var run = new Runner(server.Environment, new Silent()).RunAsync(server.Job, new RunRequest(), "run", CancellationToken.None);
        await Assertions.Expect(page.Locator("#now")).ToContainTextAsync("running", new() { Timeout = 30_000 });
        going.SetResult();
        await run;
        await Assertions.Expect(page.Locator("#now")).ToContainTextAsync("Nothing runs", new() { Timeout = 30_000 });
        Assert.Empty(heard);
    }

    // Partitions that were never made are known once jobs were planned.
    static async Task PlannedAsync(IPage page)
    {
        var server = page.Url;
        for (var i = 0; i < 300; i++)
        {
            await page.GotoAsync(new Uri(new Uri(server), "/datasets/demo/score").ToString());
            if (await page.GetByText("2013-10-09").CountAsync() > 0) return;
            await Task.Delay(100);
        }
        Assert.Fail("The job was not planned in half a minute.");
    }

    static async Task<QueuedRun> AskedAsync(TestServer server, string verb) => Assert.Single(await server.Operations.QueueAsync(new QueueFilter([]), default), q => q.Verb == verb);

    /// <summary>A page, and what it says that it should not: errors, and requests to anybody else.</summary>
    async Task<(IPage Page, List<string> Heard)> OpenAsync(TestServer server, BrowserNewContextOptions? options = null)
    {
        var context = await chromium.Browser.NewContextAsync(options ?? new());
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(20_000);
        var (heard, own) = (new List<string>(), server.Url);
        page.Console += (_, m) =>
        {
            if (m.Type is "error" or "warning") heard.Add($"{m.Type}: {m.Text}");
        };
        page.PageError += (_, e) => heard.Add($"thrown: {e}");
        page.Request += (_, r) =>
        {
            if (!r.Url.StartsWith(own, StringComparison.Ordinal) && !r.Url.StartsWith("data:", StringComparison.Ordinal)) heard.Add($"asked: {r.Url}");
        };
        await page.GotoAsync(own);
        return (page, heard);
    }

    sealed class Silent : RunListener;
}
