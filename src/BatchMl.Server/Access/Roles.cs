using System.Security.Claims;
using BatchMl.Operations;

namespace BatchMl.Server.Access;

/// <summary>What somebody may do, as claims and policies say it.</summary>
static class Roles
{
    /// <summary>Name of the role and of the policy that asks for it.</summary>
    public const string Viewer = "viewer", Operator = "operator";

    public static string NameOf(AccessRole role) => role == AccessRole.Operator ? Operator : Viewer;

    /// <summary>Somebody who has come in.</summary>
    /// <param name="name">Who, as actions are recorded.</param>
    /// <param name="role">What they may do.</param>
    /// <param name="scheme">How they came in.</param>
    /// <param name="more">Further claims.</param>
    public static ClaimsPrincipal Somebody(string name, AccessRole role, string scheme, params IReadOnlyList<Claim> more) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, NameOf(role)), .. more], scheme, ClaimTypes.Name, ClaimTypes.Role));

    /// <summary>Who does something, for records of it.</summary>
    public static string Actor(this ClaimsPrincipal user) => user.Identity?.Name ?? throw new InvalidOperationException("Nobody is logged in.");

    /// <summary>Whether somebody may start, stop and pause things.</summary>
    public static bool IsOperator(this ClaimsPrincipal user) => user.IsInRole(Operator);
}
