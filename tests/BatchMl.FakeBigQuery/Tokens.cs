using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Tokens for service accounts: developers.google.com/identity/protocols/oauth2/service-account#httprest.</summary>
sealed class Tokens(TimeProvider time) : IDisposable
{
    const string Account = "batch@test-project.iam.gserviceaccount.com";

    /// <summary>Google's libraries name it whatever the key's token_uri says.</summary>
    const string Audience = "https://oauth2.googleapis.com/token";

    readonly RSA key = RSA.Create(2048);
    readonly HashSet<string> valid = [];

    public void Allow(string token) => valid.Add(token);

    public void Expire() => valid.Clear();

    public bool IsValid(string? authorization) => authorization is not null && authorization.StartsWith("Bearer ", StringComparison.Ordinal) && valid.Contains(authorization[7..]);

    /// <summary>The key file of a service account that asks here for tokens.</summary>
    public string KeyFile(string url) => new JsonObject
    {
        ["type"] = "service_account", ["project_id"] = "test-project", ["private_key_id"] = "1", ["private_key"] = key.ExportPkcs8PrivateKeyPem(), ["client_email"] = Account, ["client_id"] = "1", ["token_uri"] = $"{url}/token",
    }.ToJsonString();

    /// <summary>A token for an assertion, or OAuth's error.</summary>
    public (int Status, JsonObject Answer) Grant(string? grantType, string? assertion)
    {
        if (grantType != "urn:ietf:params:oauth:grant-type:jwt-bearer" || assertion?.Split('.') is not { Length: 3 } parts) return Refuse("unsupported_grant_type", "Invalid grant_type");
        if (!key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Decode(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)) return Refuse("invalid_grant", "Invalid JWT Signature.");
        using var claims = JsonDocument.Parse(Decode(parts[1]));
        var (issued, expires, now) = (claims.RootElement.GetProperty("iat").GetInt64(), claims.RootElement.GetProperty("exp").GetInt64(), time.GetUtcNow().ToUnixTimeSeconds());
        // Wording: metabase/metabase#13228; an hour at most. Assumption: five minutes of difference are taken.
        if (issued > now + 300 || expires < now || expires - issued > 3600) return Refuse("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.");
        if (claims.RootElement.GetProperty("iss").GetString() != Account || claims.RootElement.GetProperty("aud").GetString() != Audience) return Refuse("invalid_grant", "Invalid grant: account not found");
        if (claims.RootElement.GetProperty("scope").GetString() is not { } scope || !scope.Split(' ').Any(s => s is "https://www.googleapis.com/auth/bigquery" or "https://www.googleapis.com/auth/cloud-platform")) return Refuse("invalid_scope", "Empty or missing scope not allowed.");
        var token = $"fake-{Guid.NewGuid():N}";
        valid.Add(token);
        return (200, new() { ["access_token"] = token, ["expires_in"] = 3600, ["token_type"] = "Bearer" });
    }

    public void Dispose() => key.Dispose();

    static (int, JsonObject) Refuse(string error, string description) => (400, new() { ["error"] = error, ["error_description"] = description });

    static byte[] Decode(string part) => System.Buffers.Text.Base64Url.DecodeFromChars(part);
}
