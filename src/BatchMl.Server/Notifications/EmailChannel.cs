using System.Net;
using BatchMl.Operations;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using MimeKit.Utils;

namespace BatchMl.Server.Notifications;

/// <summary>Where mail is handed in.</summary>
/// <param name="Host">The server.</param>
/// <param name="Port">465: encrypted from the start; any other: encrypted if the server offers it, and always when a user logs in from another machine.</param>
/// <param name="User">Who logs in; null: nobody does.</param>
/// <param name="Password">With what.</param>
sealed record SmtpServer(string Host, int Port, string? User, string? Password)
{
    public SecureSocketOptions Encryption => Port == 465 ? SecureSocketOptions.SslOnConnect
        : User is null || Host == "localhost" || IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address) ? SecureSocketOptions.StartTlsWhenAvailable : SecureSocketOptions.StartTls;
}

/// <summary>E-mail. A message that is sent twice has one id, by which mailboxes know it.</summary>
sealed class EmailChannel(string name, IReadOnlyList<string> on, IReadOnlyList<string> jobs, IReadOnlyList<string> schedules, MailboxAddress from, InternetAddressList to, SmtpServer server)
    : NotificationChannel(name, on, jobs, schedules, [server.Password ?? ""])
{
    // Of connecting, and of each answer.
    const int TimeoutMilliseconds = 15_000;

    public override async Task SendAsync(Notification notification, CancellationToken cancel)
    {
        using var message = new MimeMessage
        {
            Subject = notification.Subject, Date = notification.CreatedAt, MessageId = $"{notification.Id}@{from.Domain}", Body = new TextPart("plain") { Text = notification.Body },
        };
        message.From.Add(from);
        message.To.AddRange(to);
        // So that no absence notice answers.
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        try
        {
            using var client = new SmtpClient { Timeout = TimeoutMilliseconds };
            await client.ConnectAsync(server.Host, server.Port, server.Encryption, cancel);
            if (server.User is not null) await client.AuthenticateAsync(server.User, server.Password ?? "", cancel);
            await client.SendAsync(message, cancel);
            await client.DisconnectAsync(quit: true, cancel);
        }
        catch (SmtpCommandException e) when (e.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.SenderNotAccepted && (int)e.StatusCode >= 500)
        {
            throw new NotificationException($"{server.Host} takes no mail {(e.ErrorCode == SmtpErrorCode.RecipientNotAccepted ? "for" : "from")} {e.Mailbox?.Address}: {e.Message}", isFinal: true, e);
        }
        catch (Exception e) when (e is ProtocolException or CommandException or AuthenticationException or SslHandshakeException or ServiceNotAuthenticatedException or NotSupportedException or IOException or System.Net.Sockets.SocketException or TimeoutException)
        {
            throw new NotificationException($"{server.Host} did not take the mail: {e.Message.ReplaceLineEndings(" ")}", inner: e);
        }
    }
}
