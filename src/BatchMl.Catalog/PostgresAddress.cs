using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace BatchMl.Catalog;

/// <summary>
/// Where a PostgreSQL catalog is: <c>postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=batchml</c>. Characters that mean something in an address are percent-encoded; a host that is a folder (<c>%2Fvar%2Frun%2Fpostgresql</c>) is that of
/// a socket. Without a password that of <c>PGPASSWORD</c> or <c>~/.pgpass</c> is taken. Parameters: <c>schema</c> (default <c>batchml</c>; made if it is missing), <c>sslmode</c> (disable, allow, prefer, require, verify-ca, verify-full; default
/// prefer), <c>sslrootcert</c> (a file), <c>connect_timeout</c> (seconds, default 10), <c>application_name</c> (default batchml).
/// </summary>
public sealed partial class PostgresAddress
{
    const string Example = "postgres://batchml:PASSWORD@db.example:5432/batchml?schema=batchml&sslmode=require";

    static readonly Dictionary<string, SslMode> sslModes = new()
    {
        ["disable"] = SslMode.Disable, ["allow"] = SslMode.Allow, ["prefer"] = SslMode.Prefer, ["require"] = SslMode.Require, ["verify-ca"] = SslMode.VerifyCA, ["verify-full"] = SslMode.VerifyFull,
    };

    readonly NpgsqlConnectionStringBuilder builder;

    PostgresAddress(NpgsqlConnectionStringBuilder builder, string schema)
    {
        (this.builder, Schema) = (builder, schema);
        builder.SearchPath = schema;
    }

    /// <summary>The schema that has the catalog's tables.</summary>
    public string Schema { get; }

    /// <summary>What Npgsql takes. May hold the password: never to be shown.</summary>
    public string ConnectionString => builder.ConnectionString;

    /// <summary>Reads an address.</summary>
    /// <exception cref="DefinitionException">It is not one; the text itself is in no message, since it may hold a password.</exception>
    public static PostgresAddress Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match)
            throw new DefinitionException($"The address of the PostgreSQL catalog can not be read. Expected e.g. {Example}, with ':', '@', '/', '?' and '%' in names or password percent-encoded.");
        var problems = new List<string>();
        string? Part(string name) => match.Groups[name] is { Success: true, Length: > 0 } group ? Uri.UnescapeDataString(group.Value) : null;
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Part("host")?.Trim('[', ']') ?? "localhost", Port = 5432, Database = Part("database"), Username = Part("user"), Password = Part("password"),
            ApplicationName = "batchml", Timeout = 10, MaxPoolSize = 20, Enlist = false, TcpKeepAlive = true,
        };
        if (Part("port") is { } port)
        {
            if (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536) builder.Port = number;
            else problems.Add($"The port of the PostgreSQL catalog is '{port}'; expected a number from 1 to 65535.");
        }
        var schema = "batchml";
        foreach (var parameter in match.Groups["query"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = parameter.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (parameter[..at], Uri.UnescapeDataString(parameter[(at + 1)..])) : (parameter, "");
            void Set(bool isGood, string expected)
            {
                if (!isGood) problems.Add($"The parameter {name} of the PostgreSQL catalog's address is '{value}'; expected {expected}.");
            }
            switch (name)
            {
                case "schema":
                    Set(SchemaName().IsMatch(value), "a name of small letters, digits and '_', up to 50 of them");
                    schema = value;
                    break;
                case "sslmode":
                    Set(sslModes.TryGetValue(value, out var mode), $"one of {string.Join(", ", sslModes.Keys)}");
                    builder.SslMode = mode;
                    break;
                case "sslrootcert":
                    Set(File.Exists(value), "a file that is there");
                    builder.RootCertificate = value;
                    break;
                case "connect_timeout":
                    Set(int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 300, "seconds from 1 to 300");
                    builder.Timeout = Math.Clamp(seconds, 1, 300);
                    break;
                case "application_name":
                    Set(value.Length > 0, "a name");
                    builder.ApplicationName = value;
                    break;
                default:
                    problems.Add($"The PostgreSQL catalog's address has the parameter '{name}'; expected schema, sslmode, sslrootcert, connect_timeout or application_name.");
                    break;
            }
        }
        return problems.Count == 0 ? new PostgresAddress(builder, schema) : throw new DefinitionException(problems);
    }

    /// <summary>Host, database and schema, for messages.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{builder.Host}:{builder.Port}/{builder.Database}?schema={Schema}");

    /// <summary>Who connects, for messages.</summary>
    internal string User => builder.Username ?? "the user of this process";

    [GeneratedRegex(@"^postgres(?:ql)?://(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<host>\[[0-9A-Fa-f:.]+\]|[^:@/?\[\]]*)(?::(?<port>[0-9]*))?/(?<database>[^:@/?]+)(?:\?(?<query>.*))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    [GeneratedRegex("^(?!pg_)[a-z_][a-z0-9_]{0,49}$", RegexOptions.CultureInvariant)]
    private static partial Regex SchemaName();
}
