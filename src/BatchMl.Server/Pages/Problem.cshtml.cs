using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>What people see instead of a page that is not there, not theirs, or broke.</summary>
[AllowAnonymous]
[IgnoreAntiforgeryToken]
sealed class ProblemModel : PageModel
{
    public string Says { get; private set; } = "";

    public void OnGet(int code = 0) => Say(code);

    public void OnPost(int code = 0) => Say(code);

    void Say(int code) => Says = (code == 0 ? Response.StatusCode : code) switch
    {
        404 => "There is no such page, run, dataset or partition.",
        403 => "You may look, but not do that: it needs the role operator.",
        400 => "The form is not valid any more, or something in it is wrong. Go back, load the page again, and repeat it.",
        429 => "Too many logins failed from your address. Wait five minutes.",
        _ => "Something went wrong on the server. Its log says what.",
    };
}
