using Hangfire.Dashboard;
using Microsoft.AspNetCore.Http;

namespace BatchMl.Server.Access;

/// <summary>Who may see Hangfire's own pages: viewers may look, and what they do there (retry, delete) is for operators.</summary>
sealed class HangfireAccess : IDashboardAuthorizationFilter
{
    public bool Authorize(DashboardContext context)
    {
        var http = context.GetHttpContext();
        return http.User.IsOperator() || http.User.IsInRole(Roles.Viewer) && HttpMethods.IsGet(http.Request.Method);
    }
}
