using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>A call that came in.</summary>
/// <param name="Method">Of HTTP.</param>
/// <param name="Path">Unescaped.</param>
/// <param name="Query">Parameters.</param>
/// <param name="Headers">By lower-case names.</param>
/// <param name="Json">The body, or the first part of a multipart one; null: none, or not JSON.</param>
/// <param name="Bytes">The body's length, inflated.</param>
public sealed record FakeRequest(string Method, string Path, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Headers, JsonObject? Json, int Bytes)
{
    /// <summary>What was answered; 0: nothing.</summary>
    public int Status { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => $"{Method} {Path}{(Query.Count == 0 ? "" : $"?{string.Join('&', Query.Select(q => $"{q.Key}={q.Value}"))}")} {Status}";
}
