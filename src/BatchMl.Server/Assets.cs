using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;

namespace BatchMl.Server;

/// <summary>Scripts, styles and pictures of the pages. They are in the assembly, so that they are found from wherever the program is started, and nothing comes from elsewhere.</summary>
static class Assets
{
    static readonly EmbeddedFileProvider files = new(typeof(Assets).Assembly, "BatchMl.Server.wwwroot");

    // A build's own, so that browsers keep what they have until it changes.
    static readonly string version = Convert.ToHexStringLower(SHA256.HashData(typeof(Assets).Assembly.ManifestModule.ModuleVersionId.ToByteArray()))[..12];

    /// <summary>Where a page finds a file.</summary>
    public static string Url(string file) => $"/assets/{file}?v={version}";

    public static void UseAssets(this WebApplication server) => server.UseStaticFiles(new StaticFileOptions
    {
        FileProvider = files,
        RequestPath = "/assets",
        OnPrepareResponse = c => c.Context.Response.Headers.CacheControl = c.Context.Request.Query["v"] == version ? "public, max-age=31536000, immutable" : "no-cache",
    });
}
