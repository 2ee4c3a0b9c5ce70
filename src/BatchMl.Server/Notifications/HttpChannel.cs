using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchMl.Operations;

namespace BatchMl.Server.Notifications;

/// <summary>A channel that posts JSON. What it posts is the same at each try; the address may be a secret.</summary>
abstract class HttpChannel(string name, IReadOnlyList<string> on, IReadOnlyList<string> jobs, IReadOnlyList<string> schedules, Uri url, HttpClient client, params string[] secrets)
    : NotificationChannel(name, on, jobs, schedules, [url.AbsoluteUri, url.OriginalString, url.PathAndQuery.Length > 1 ? url.PathAndQuery : "", .. secrets])
{
    public override async Task SendAsync(Notification notification, CancellationToken cancel)
    {
        var body = Body(notification);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.UserAgent.ParseAdd("batchml");
        Sign(request, notification, body);
        HttpStatusCode status;
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            if (response.IsSuccessStatusCode) return;
            status = response.StatusCode;
        }
        catch (HttpRequestException e)
        {
            throw new NotificationException($"{url.Host} can not be reached: {e.Message}", inner: e);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new NotificationException(string.Create(CultureInfo.InvariantCulture, $"{url.Host} did not answer within {client.Timeout.TotalSeconds} s."), inner: e);
        }
        // 410: the receiver wants no more of them, says the standard.
        throw new NotificationException(string.Create(CultureInfo.InvariantCulture, $"{url.Host} answered {(int)status} {status}; expected 2xx."), isFinal: status == HttpStatusCode.Gone);
    }

    protected abstract string Body(Notification notification);

    protected virtual void Sign(HttpRequestMessage request, Notification notification, string body)
    {
    }
}

/// <summary>A webhook, signed as https://www.standardwebhooks.com says: HMAC-SHA256 over id, time and body.</summary>
sealed class WebhookChannel(string name, IReadOnlyList<string> on, IReadOnlyList<string> jobs, IReadOnlyList<string> schedules, Uri url, HttpClient client, string secret, byte[] key, TimeProvider clock)
    : HttpChannel(name, on, jobs, schedules, url, client, secret)
{
    /// <summary>The key of a secret: <c>whsec_</c>, which may be left out, and 24 to 64 bytes in base64; null: it is something else.</summary>
    public static byte[]? KeyOf(string secret)
    {
        var key = new byte[64];
        return Convert.TryFromBase64String(secret.StartsWith("whsec_", StringComparison.Ordinal) ? secret[6..] : secret, key, out var length) && length >= 24 ? key[..length] : null;
    }

    protected override string Body(Notification notification) => new JsonObject
    {
        ["type"] = $"run.{notification.Kind}",
        ["timestamp"] = notification.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        ["data"] = new JsonObject { ["subject"] = notification.Subject, ["text"] = notification.Body, ["run"] = JsonNode.Parse(notification.DetailsJson) },
    }.ToJsonString();

    protected override void Sign(HttpRequestMessage request, Notification notification, string body)
    {
        var time = clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        request.Headers.Add("webhook-id", notification.Id);
        request.Headers.Add("webhook-timestamp", time);
        request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{notification.Id}.{time}.{body}")))}");
    }
}

/// <summary>What Slack's incoming webhooks take, and those of Mattermost, Rocket.Chat and others after them. The address is the secret.</summary>
sealed class SlackChannel(string name, IReadOnlyList<string> on, IReadOnlyList<string> jobs, IReadOnlyList<string> schedules, Uri url, HttpClient client) : HttpChannel(name, on, jobs, schedules, url, client)
{
    protected override string Body(Notification notification) => JsonSerializer.Serialize(new { text = $"*{Escaped(notification.Subject)}*\n{Escaped(notification.Body)}" });

    // https://docs.slack.dev/messaging/formatting-message-text: these three, and no others.
    static string Escaped(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
