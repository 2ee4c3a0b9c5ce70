using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace BatchMl.Server.Access;

/// <summary>
/// Refuses what pages of other sites make a browser send. Forms have a token against that too; this also guards the API, where a browser needs no token. Programs send neither header, and a key in a request is no browser's doing.
/// </summary>
static class SameOrigin
{
    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method) || KeyAuthentication.IsMeant(request) || IsOwn(request)) return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsJsonAsync(new { title = "A page of another site asked for this; only this server's own pages may.", status = 403 }, options: null, "application/problem+json");
    }

    static bool IsOwn(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0 && site is not ("same-origin" or "none")) return false;
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || origin.Equals(UriHelper.BuildAbsolute(request.Scheme, request.Host).TrimEnd('/'), StringComparison.OrdinalIgnoreCase);
    }
}
