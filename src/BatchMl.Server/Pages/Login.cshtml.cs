using System.Security.Claims;
using BatchMl.Operations;
using BatchMl.Server.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>Where people come in: with a key, or through the OpenID Connect provider.</summary>
[AllowAnonymous]
sealed class LoginModel(IOperations operations, LoginLimit limit, AccessOptions access) : PageModel
{
    public bool HasOidc => access.Oidc is not null;

    public string? Problem { get; private set; }

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public void OnGet(string? failed) => Problem = failed switch
    {
        "oidc" => "The login provider did not let you in. The server's log says why.",
        "role" => "The login provider knows you, but you have no role here. Ask whoever runs this server.",
        _ => null,
    };

    public async Task<IActionResult> OnPostAsync(string? key, CancellationToken cancel)
    {
        var address = HttpContext.Connection.RemoteIpAddress;
        if (!limit.Allows(address)) return Refuse("Too many logins failed; wait five minutes.", 429);
        var hash = KeyText.HashOf((key ?? "").Trim());
        if (await operations.FindKeyAsync(hash, cancel) is not { } known)
        {
            limit.Failed(address, "no such API key, or it is revoked");
            return Refuse("There is no such key, or it is revoked.", 401);
        }
        await HttpContext.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, Roles.Somebody(known.Name, known.Role, CookieAuthenticationDefaults.AuthenticationScheme, new Claim(AccessServices.KeyClaim, hash)));
        await AccessServices.LoggedInAsync(HttpContext, known.Name, known.Role, "key");
        return LocalRedirect(Url.IsLocalUrl(ReturnUrl) ? ReturnUrl : "/");
    }

    PageResult Refuse(string why, int status)
    {
        Problem = why;
        Response.StatusCode = status;
        return Page();
    }
}
