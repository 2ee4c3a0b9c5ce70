using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting;

/// <summary>The setting <c>Sink</c>, which <c>--sink</c> sets: where scored rows land.</summary>
static class SinkAddress
{
    /// <summary>The setting.</summary>
    public const string Setting = "Sink";

    const string Default = "parquet";

    /// <summary>The address of the sink; null: the workspace.</summary>
    /// <exception cref="DefinitionException">It is no address of a sink that there is.</exception>
    public static Uri? Of(string? setting, IEnumerable<string> schemes)
    {
        if (setting is null or Default) return null;
        return Uri.TryCreate(setting, UriKind.Absolute, out var address) && schemes.Contains(address.Scheme) && address.UserInfo.Length == 0
            ? address : throw new DefinitionException($"--sink (the setting Sink) is '{setting}'; expected '{Default}' for files in the workspace{string.Concat(schemes.Select(s => $", or an address that begins with {s}://"))}.");
    }

    /// <summary>The settings of a sink, for processes elsewhere that stage for it. How to log in is not among them: who stages needs no login.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Settings(Uri? address, IConfiguration configuration) => address is null ? []
        : configuration.GetSection(address.Scheme).AsEnumerable().Where(s => s.Value is not null && !s.Key.EndsWith(":Credentials", StringComparison.OrdinalIgnoreCase)).Append(new(Setting, configuration[Setting]));

    /// <summary>Some settings, and others.</summary>
    public static IReadOnlyDictionary<string, string?> With(this IReadOnlyDictionary<string, string?> settings, IEnumerable<KeyValuePair<string, string?>> others)
    {
        var both = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in others) both[key] = value;
        return both;
    }
}
