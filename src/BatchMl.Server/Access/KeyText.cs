using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace BatchMl.Server.Access;

/// <summary>API keys as texts: a mark by which scanners find leaked ones, then 256 random bits.</summary>
static class KeyText
{
    const string Mark = "batchml_";

    /// <summary>A new key.</summary>
    public static string New() => Mark + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>What is kept of a key.</summary>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
