using System.Text.Json;
using BatchMl.Operations;
using BatchMl.Server.Notifications;

namespace BatchMl.Server.Tests.Notifications;

/// <summary>Notifications on their way to real receivers.</summary>
public sealed class DeliveryTests
{
    const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    static (string, string)[] Webhook(HttpReceiver receiver) => [("Notifications:ops:Kind", "webhook"), ("Notifications:ops:Url", receiver.Url), ("Notifications:ops:Secret", Secret)];

    [Fact]
    public async Task A_webhook_waits_for_a_receiver_that_is_down_and_is_signed_as_the_standard_says()
    {
        await using var receiver = new HttpReceiver();
        await using var h = new NotificationHarness(Webhook(receiver));
        await h.StartAsync();
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        var waiting = await h.UntilAsync(n => n is { Tries: >= 2, Error: not null });
        Assert.Contains("127.0.0.1 can not be reached", waiting.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("t0ps3cret", waiting.Error, StringComparison.Ordinal);
        await receiver.UpAsync();
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        var sent = await h.UntilAsync(n => n.SentAt is not null);
        Assert.Null(sent.Error);
        var (headers, body) = Assert.Single(receiver.Got);
        Assert.Equal(sent.Id, headers["webhook-id"]);
        var content = JsonDocument.Parse(body).RootElement;
        Assert.Equal(("run.failed", "r-q1", "flight-delays/score"), (content.GetProperty("type").GetString(), content.GetProperty("data").GetProperty("run").GetProperty("run").GetString(),
            content.GetProperty("data").GetProperty("run").GetProperty("job").GetString()));
        Assert.Equal("good", await VerifyAsync(headers, body));
        Assert.Contains("No matching signature", await VerifyAsync(headers, body + " "), StringComparison.Ordinal);
    }

    static async Task<string> VerifyAsync(Dictionary<string, string> headers, string body)
    {
        using var verify = NotificationHarness.Node("verify.js");
        await verify.StandardInput.WriteAsync(JsonSerializer.Serialize(new { secret = Secret, headers, body }));
        verify.StandardInput.Close();
        return (await verify.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim();
    }

    [Fact]
    public async Task A_receiver_that_never_takes_it_is_tried_twelve_times_over_hours_with_one_id()
    {
        await using var receiver = await new HttpReceiver { Answer = 302 }.UpAsync();
        await using var h = new NotificationHarness(Webhook(receiver));
        await h.StartAsync();
        var began = h.Clock.GetUtcNow();
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        var given = await h.UntilAsync(n => n.NextTryAt is null, TimeSpan.FromMinutes(10));
        Assert.Equal((NotificationSender.MostTries, null, "127.0.0.1 answered 302 Found; expected 2xx."), (given.Tries, given.SentAt, given.Error));
        Assert.Equal((12, 1), (receiver.Got.Count, receiver.Got.Select(g => g.Headers["webhook-id"]).Distinct().Count()));
        Assert.Single(receiver.Got.Select(g => g.Body).Distinct());
        Assert.InRange(h.Clock.GetUtcNow() - began, TimeSpan.FromHours(5), TimeSpan.FromHours(24));
        Assert.Equal([1, 4, 16, 64, 256, 1024, 3600, 3600], Enumerable.Range(1, 8).Select(t => (int)NotificationSender.PauseAfter(t).TotalSeconds));
    }

    [Fact]
    public async Task A_receiver_that_is_gone_for_good_is_not_tried_again()
    {
        await using var receiver = await new HttpReceiver { Answer = 410 }.UpAsync();
        await using var h = new NotificationHarness(Webhook(receiver));
        await h.StartAsync();
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        Assert.Equal(1, (await h.UntilAsync(n => n.NextTryAt is null)).Tries);
    }

    [Fact]
    public async Task What_waits_for_a_channel_that_is_no_more_is_given_up()
    {
        await using var h = new NotificationHarness();
        await h.Operations.NotifyAsync(new Notification("n1", "k", "gone", "failed", "s", "b", "{}", h.Clock.GetUtcNow()), default);
        await h.StartAsync();
        Assert.Contains("no channel gone", (await h.UntilAsync(n => n.NextTryAt is null)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slack_gets_its_own_form()
    {
        await using var receiver = await new HttpReceiver().UpAsync();
        await using var h = new NotificationHarness(("Notifications:chat:Kind", "slack"), ("Notifications:chat:Url", receiver.Url));
        await h.StartAsync();
        await h.Notifier.OverAsync(h.Run(), null, null, default);
        await h.UntilAsync(n => n.SentAt is not null);
        var text = JsonDocument.Parse(Assert.Single(receiver.Got).Body).RootElement.GetProperty("text").GetString()!;
        Assert.StartsWith("*Failed: daily-score (flight-delays/score) of 2013-10-02 05:30Z*\n", text, StringComparison.Ordinal);
        Assert.Contains("no column &lt;dep_delay&gt; &amp; no \"tail\"", text, StringComparison.Ordinal);
    }

    static (string, string)[] Mail(int port, string password) =>
    [
        ("Notifications:mail:Kind", "email"), ("Notifications:mail:From", "BatchMl <batchml@example.org>"), ("Notifications:mail:To", "team@example.org, Boss <boss@example.org>"), ("Notifications:mail:SmtpHost", "127.0.0.1"),
        ("Notifications:mail:SmtpPort", NotificationHarness.Text(port)), ("Notifications:mail:SmtpUser", "user"), ("Notifications:mail:SmtpPassword", password),
    ];

    static async Task<int> PortAsync(System.Diagnostics.Process server) =>
        int.Parse((await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task Mail_reaches_a_real_server_and_is_one_message_however_often_it_is_sent()
    {
        using var server = NotificationHarness.Node("smtp.js", null, "user", "p4ss");
        try
        {
            await using var h = new NotificationHarness([.. Mail(await PortAsync(server), "p4ss"), ("Server:PublicUrl", "https://ml.example")]);
            await h.StartAsync();
            await h.Notifier.OverAsync(h.Run() with { Reason = "Straße fehlt" }, null, null, default);
            var sent = await h.UntilAsync(n => n.SentAt is not null);
            var mail = JsonDocument.Parse((await server.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!).RootElement;
            string Of(string name) => mail.GetProperty(name).ToString();
            Assert.Equal(("\"BatchMl\" <batchml@example.org>", "team@example.org, \"Boss\" <boss@example.org>", "user"), (Of("from"), Of("to"), Of("user")));
            Assert.Equal((sent.Subject, $"<{sent.Id}@example.org>", "auto-generated"), (Of("subject"), Of("id"), Of("automatic")));
            Assert.Equal(sent.Body.Trim(), Of("text").Trim());
            Assert.Contains("Straße fehlt", Of("text"), StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    public async Task A_server_that_refuses_the_login_or_that_nobody_vouches_for_gets_no_mail_and_the_error_has_no_password(string encrypted)
    {
        using var server = NotificationHarness.Node("smtp.js", new Dictionary<string, string> { ["STARTTLS"] = encrypted }, "user", "p4ss");
        try
        {
            await using var h = new NotificationHarness(Mail(await PortAsync(server), encrypted.Length > 0 ? "p4ss" : "wr0ng"));
            await h.StartAsync();
            await h.Notifier.OverAsync(h.Run(), null, null, default);
            var failed = await h.UntilAsync(n => n.Error is not null);
            Assert.StartsWith("127.0.0.1 did not take the mail: ", failed.Error, StringComparison.Ordinal);
            Assert.Contains(encrypted.Length > 0 ? "certificate" : "No such user", failed.Error, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("wr0ng", failed.Error, StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
        }
    }
}
