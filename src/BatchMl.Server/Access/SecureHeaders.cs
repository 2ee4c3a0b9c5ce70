using Microsoft.AspNetCore.Http;

namespace BatchMl.Server.Access;

/// <summary>What browsers may do with our pages: nothing comes from elsewhere, nobody frames them, no script is inline.</summary>
static class SecureHeaders
{
    const string Pages = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    // A report is one file with its style in it, shown in a frame of ours; it has no script, and gets none.
    const string Reports = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox";
    // Hangfire's own pages have styles and scripts inline.
    const string Hangfire = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path;
        var isReport = path.StartsWithSegments("/reports");
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = isReport ? Reports : path.StartsWithSegments("/hangfire") ? Hangfire : Pages;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = isReport ? "SAMEORIGIN" : "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        if (context.Request.IsHttps) headers.StrictTransportSecurity = "max-age=31536000";
        // What a person saw must not come out of a cache for the next one.
        if (!path.StartsWithSegments("/assets")) headers.CacheControl = "no-cache, no-store";
        return next(context);
    }
}
