using System.Globalization;
using BatchMl.Hosting;
using Microsoft.Extensions.Configuration;
using MimeKit;

namespace BatchMl.Server.Notifications;

/// <summary>Who is told what, and how: the sections <c>Notifications:CHANNEL</c>.</summary>
/// <param name="Channels">The channels, by name.</param>
/// <param name="PublicUrl">Where people reach this server, for links; null: there are none.</param>
sealed record NotificationSettings(IReadOnlyDictionary<string, NotificationChannel> Channels, Uri? PublicUrl)
{
    /// <summary>All kinds of notification.</summary>
    public static readonly IReadOnlyList<string> Kinds = ["failed", "late", "recovered", "finished", "skipped"];

    static readonly string[] usual = ["failed", "late", "recovered"];
    static readonly string[] common = ["Kind", "On", "Jobs", "Schedules"];
    static readonly Dictionary<string, string[]> own = new()
    {
        ["webhook"] = ["Url", "Secret"], ["slack"] = ["Url"], ["email"] = ["To", "From", "SmtpHost", "SmtpPort", "SmtpUser", "SmtpPassword"],
    };

    /// <summary>Reads the settings.</summary>
    /// <exception cref="DefinitionException">Something is wrong; all problems are told at once.</exception>
    public static NotificationSettings Read(IConfiguration configuration, HttpClient client, TimeProvider clock)
    {
        var problems = new List<string>();
        var channels = new Dictionary<string, NotificationChannel>(StringComparer.OrdinalIgnoreCase);
        foreach (var section in configuration.GetSection("Notifications").GetChildren())
        {
            if (new Section(section, problems).Channel(client, clock) is { } channel) channels[channel.Name] = channel;
        }
        Uri? publicUrl = null;
        if (configuration["Server:PublicUrl"] is { Length: > 0 } text && !(Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out publicUrl) && publicUrl.Scheme is "http" or "https"))
            problems.Add($"Server:PublicUrl is '{text}'; expected an address, e.g. https://batchml.example.");
        return problems.Count == 0 ? new NotificationSettings(channels, publicUrl) : throw new DefinitionException(problems);
    }

    /// <summary>Reads one channel; what is wrong goes to the problems.</summary>
    sealed class Section(IConfigurationSection section, List<string> problems)
    {
        public NotificationChannel? Channel(HttpClient client, TimeProvider clock)
        {
            var before = problems.Count;
            if (section["Kind"] is not { } kind || !own.TryGetValue(kind, out var keys))
            {
                problems.Add($"{section.Path}:Kind is {(section["Kind"] is { } got ? $"'{got}'" : "not set")}; expected {string.Join(", ", own.Keys)}.");
                return null;
            }
            foreach (var unknown in section.GetChildren().Select(c => c.Key).Where(k => !common.Concat(keys).Contains(k, StringComparer.OrdinalIgnoreCase)))
            {
                problems.Add($"{section.Path}:{unknown} is not a setting of a {kind} channel; expected {string.Join(", ", common.Concat(keys))}.");
            }
            IReadOnlyList<string> on = List("On") is { Count: > 0 } given ? given : usual;
            foreach (var wrong in on.Where(o => !Kinds.Contains(o))) problems.Add($"{section.Path}:On has '{wrong}'; expected some of {string.Join(", ", Kinds)}.");
            var (jobs, schedules) = (List("Jobs"), List("Schedules"));
            if (kind == "email")
            {
                var (from, to, server) = (Mailboxes("From").OfType<MailboxAddress>().FirstOrDefault(), Mailboxes("To"), Smtp());
                return problems.Count > before ? null : new EmailChannel(section.Key, on, jobs, schedules, from!, to, server!);
            }
            var url = Url();
            if (kind == "slack") return problems.Count > before ? null : new SlackChannel(section.Key, on, jobs, schedules, url!, client);
            var secret = Required("Secret");
            var key = secret is null ? null : WebhookChannel.KeyOf(secret);
            if (secret is not null && key is null)
                problems.Add($"{section.Path}:Secret is not 24 to 64 bytes in base64, with or without 'whsec_' before them. Make one with: echo whsec_$(openssl rand -base64 32)");
            return problems.Count > before ? null : new WebhookChannel(section.Key, on, jobs, schedules, url!, client, secret!, key!, clock);
        }

        // As a list, or in one text with commas, as a variable of the environment has it.
        List<string> List(string key) =>
            [.. (section[key] is { } text ? text.Split(',') : section.GetSection(key).GetChildren().Select(c => c.Value ?? "")).Select(v => v.Trim()).Where(v => v.Length > 0)];

        string? Resolved(string key)
        {
            try
            {
                return Secret.Resolve(section[key], $"{section.Path}:{key}");
            }
            catch (DefinitionException e)
            {
                problems.AddRange(e.Problems);
                return null;
            }
        }

        string? Required(string key)
        {
            var before = problems.Count;
            var value = Resolved(key);
            if (string.IsNullOrWhiteSpace(value) && problems.Count == before) problems.Add($"{section.Path}:{key} is not set; a {section["Kind"]} channel needs it.");
            return string.IsNullOrWhiteSpace(value) ? null : value.Trim();
        }

        // Not shown: whoever has the address may write to it.
        Uri? Url()
        {
            if (Required("Url") is not { } text) return null;
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
            problems.Add($"{section.Path}:Url is not an address; expected e.g. https://hooks.example/batchml.");
            return null;
        }

        InternetAddressList Mailboxes(string key)
        {
            var text = section[key] ?? string.Join(',', List(key));
            if (InternetAddressList.TryParse(text, out var addresses) && addresses.Count > 0 && addresses.Mailboxes.All(m => m.Domain.Length > 0)) return addresses;
            problems.Add($"{section.Path}:{key} is {(text.Length > 0 ? $"'{text}'" : "not set")}; expected e.g. team@example.org{(key == "To" ? ", or several with commas between" : "")}.");
            return [];
        }

        SmtpServer? Smtp()
        {
            var (host, user, password) = (Required("SmtpHost"), Resolved("SmtpUser"), Resolved("SmtpPassword"));
            if (user is null != password is null) problems.Add($"{section.Path} has {(user is null ? "SmtpPassword and no SmtpUser" : "SmtpUser and no SmtpPassword")}; expected both or neither.");
            var port = 587;
            if (section["SmtpPort"] is { } text && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and < 65536))
                problems.Add($"{section.Path}:SmtpPort is '{text}'; expected a number from 1 to 65535, e.g. 587 (the default), 465 or 25.");
            return host is null ? null : new SmtpServer(host, port, user, password);
        }
    }
}
