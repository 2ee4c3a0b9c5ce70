using System.Globalization;
using System.Net;
using System.Text;

namespace BatchMl.Spark.Connect;

/// <summary>Where a Spark Connect server is and how it is addressed, as Spark's own clients write it: <c>sc://host:port/;token=…;use_ssl=true;user_id=…;session_id=…;user_agent=…;other=header</c>.</summary>
public sealed class SparkRemote
{
    const int DefaultPort = 15002;
    const string Form = "Expected sc://host:port/;key=value;key=value";

    SparkRemote(string host, int port) => (Host, Port) = (host, port);

    /// <summary>Name or address of the machine; an IPv6 address without its brackets.</summary>
    public string Host { get; }

    /// <summary>TCP port, 1 to 65535; 15002 unless said.</summary>
    public int Port { get; }

    /// <summary>Whether the connection is encrypted: <c>use_ssl</c>, else whether there is a token and the server is not on this machine.</summary>
    public bool UseTls { get; private init; }

    /// <summary>User under whom Spark keeps the session; <c>batchml</c> unless said. Never empty.</summary>
    public string UserId { get; private init; } = "batchml";

    /// <summary>A session to join, which is then not released at the end; null: a new one.</summary>
    public Guid? SessionId { get; private init; }

    /// <summary>Name of this client in Spark's logs; <c>batchml</c> unless said.</summary>
    public string UserAgent { get; private init; } = "batchml";

    /// <summary>Headers sent with every call: all keys that Spark does not know.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; private init; } = new Dictionary<string, string>();

    /// <summary>Secret sent as <c>authorization: Bearer …</c>; null: none.</summary>
    internal string? Token { get; private init; }

    internal Uri Address => new UriBuilder(UseTls ? "https" : "http", Host, Port).Uri;

    /// <summary>Reads the text form. Values are percent-encoded where they hold a <c>;</c> or a <c>%</c>.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="DefinitionException">The text is not of this form: every problem at once. The token is never shown.</exception>
    public static SparkRemote Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith("sc://", StringComparison.Ordinal))
            throw new DefinitionException($"A Spark remote begins with 'sc://'; got '{text.Split([':', '/', ';'], 2)[0]}…'. {Form}.");
        var rest = text["sc://".Length..];
        var end = rest.IndexOfAny(['/', ';']);
        var problems = new List<string>();
        var (host, port) = Authority(end < 0 ? rest : rest[..end], problems);
        var values = Parameters(end < 0 ? "" : rest[end..], problems);
        var session = values.Remove("session_id", out var id) ? SessionOf(id, problems) : null;
        bool? tls = values.Remove("use_ssl", out var ssl) ? TlsOf(ssl, problems) : null;
        values.Remove("token", out var token);
        values.Remove("user_id", out var user);
        values.Remove("user_agent", out var agent);
        // Spark's 4.x clients know it; ours takes what the server may send.
        values.Remove("grpc_max_message_size");
        if (token is not null && tls == false && !IsThisMachine(host))
            problems.Add($"A token is not sent to '{host}' without encryption: take 'use_ssl=false' away.");
        foreach (var header in values.Keys.Where(k => !k.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || k.EndsWith("-bin", StringComparison.OrdinalIgnoreCase)))
            problems.Add($"The key '{header}' can be no header: expected letters, digits, '-', '_' and '.', not ending in '-bin'.");
        foreach (var (key, _) in values.Append(KeyValuePair.Create("token", token ?? "")).Where(v => v.Value.Any(c => c is < ' ' or > '~')))
            problems.Add($"The value of '{key}' can be no header: expected printable ASCII.");
        if (problems.Count > 0) throw new DefinitionException(problems);
        return new SparkRemote(host, port)
        {
            UseTls = tls ?? (token is not null && !IsThisMachine(host)),
            UserId = user ?? "batchml",
            UserAgent = agent ?? "batchml",
            SessionId = session,
            Token = token,
            Headers = values,
        };
    }

    /// <summary>The text form with the values of token and headers hidden.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"sc://{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}/;user_id={UserId}");
        if (UseTls) text.Append(";use_ssl=true");
        if (SessionId is { } session) text.Append(CultureInfo.InvariantCulture, $";session_id={session}");
        foreach (var hidden in Headers.Keys.Concat(Token is null ? [] : ["token"])) text.Append(CultureInfo.InvariantCulture, $";{hidden}=***");
        return text.ToString();
    }

    static (string Host, int Port) Authority(string text, List<string> problems)
    {
        var colon = text.EndsWith(']') ? -1 : text.LastIndexOf(':');
        var host = (colon < 0 ? text : text[..colon]).Trim('[', ']');
        var port = DefaultPort;
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
            problems.Add($"'{host}' is no host. {Form}.");
        if (colon >= 0 && !(int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= IPEndPoint.MaxPort))
            problems.Add($"'{text[(colon + 1)..]}' is no port: expected 1 to {IPEndPoint.MaxPort}.");
        return (host, port);
    }

    static Dictionary<string, string> Parameters(string text, List<string> problems)
    {
        var values = new Dictionary<string, string>();
        var start = text.IndexOf(';', StringComparison.Ordinal);
        var path = start < 0 ? text : text[..start];
        if (path is not ("" or "/")) problems.Add($"Got the path '{path}', expected none. {Form}.");
        foreach (var part in start < 0 ? [] : text[(start + 1)..].Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=', 2);
            // A part without '=' may be the rest of a secret with a ';' in it, so it is not shown.
            if (pair is not [{ Length: > 0 } key, { Length: > 0 } value]) problems.Add($"A part{(pair.Length == 2 && pair[0].Length > 0 ? $" '{pair[0]}='" : "")} has no {(pair.Length == 2 && pair[0].Length > 0 ? "value" : "key")}. {Form}.");
            else if (!values.TryAdd(key, Uri.UnescapeDataString(value))) problems.Add($"The key '{key}' is given twice.");
        }
        return values;
    }

    static Guid? SessionOf(string text, List<string> problems)
    {
        if (Guid.TryParseExact(text, "D", out var id)) return id;
        problems.Add($"'session_id={text}' is no session: expected a UUID such as 123e4567-e89b-12d3-a456-426614174000.");
        return null;
    }

    static bool? TlsOf(string text, List<string> problems)
    {
        if (bool.TryParse(text, out var tls)) return tls;
        problems.Add($"Got 'use_ssl={text}', expected true or false.");
        return null;
    }

    static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
