using BatchMl.Lineage;
using BatchMl.Hosting.Places;

namespace BatchMl.Hosting;

/// <summary>The settings <c>OpenLineage:…</c>.</summary>
static class LineageSettings
{
    /// <summary>Who gets events over HTTP: <c>Url</c>, the receiver's address; <c>Endpoint</c>, the path below it, default <c>api/v1/lineage</c>; <c>ApiKey</c>, which may be a reference to a secret. Null: nobody.</summary>
    /// <exception cref="DefinitionException">One of them is wrong.</exception>
    public static LineageReceiver? Receiver(ProgramSettings settings)
    {
        var section = settings.Configuration.GetSection("OpenLineage");
        if (section["Url"] is not { Length: > 0 } text) return null;
        if (!Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0)
        {
            throw new DefinitionException("OpenLineage:Url is not an address such as http://marquez.example:5000; a key belongs into OpenLineage:ApiKey, not into the address.");
        }
        return new LineageReceiver(new Uri(url, (section["Endpoint"] ?? "api/v1/lineage").TrimStart('/')), Secret.Resolve(section["ApiKey"], "OpenLineage:ApiKey", settings.Origin("OpenLineage:ApiKey")));
    }
}
