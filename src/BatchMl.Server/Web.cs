using BatchMl.Server.Access;
using BatchMl.Server.Api;
using BatchMl.Server.Board;
using BatchMl.Server.Dispatch;
using BatchMl.Server.Schedules;
using BatchMl.Server.Signals;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace BatchMl.Server;

/// <summary>Pages and API: what people and programs see of a server.</summary>
static class Web
{
    public static void AddWeb(this IServiceCollection services, ServerContext context)
    {
        services.AddAccess(context);
        services.AddSingleton<PlanBoard>();
        services.AddHostedService<FirstLook>();
        services.AddHostedService(s => s.GetRequiredService<PlanBoard>());
        foreach (var board in new[] { typeof(DatasetBoard), typeof(PartitionBoard), typeof(ModelBoard), typeof(DriftBoard), typeof(RunBoard), typeof(LineageBoard), typeof(ScheduleBoard), typeof(Lateness), typeof(Overview) }) services.AddSingleton(board);
        services.AddSingleton<MeterReadings>();
        services.AddSingleton<Metrics>();
        services.AddHostedService<LineageDelivery>();
        services.AddRazorPages();
        services.AddApi();
        services.Configure<Microsoft.AspNetCore.Routing.RouteOptions>(o => o.LowercaseUrls = true);
    }

    public static void MapWeb(this WebApplication server)
    {
        // People get a page that says what went wrong, programs problem details.
        server.UseWhen(c => !ApiServices.IsApi(c), pages => pages.UseExceptionHandler("/problem").UseStatusCodePagesWithReExecute("/problem/{0}"));
        server.UseWhen(ApiServices.IsApi, api => api.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = ApiServices.ProblemAsync }).UseStatusCodePages());
        server.UseAssets();
        server.UseRouting();
        server.UseAccess();
        server.MapRazorPages();
        server.MapApi();
        server.MapHealth();
        // Begins to count at the start, not at the first look.
        _ = server.Services.GetRequiredService<MeterReadings>();
        server.MapGet("/metrics", async (Metrics metrics, CancellationToken cancel) => Results.Text(await metrics.PageAsync(cancel), PrometheusPage.ContentType)).ExcludeFromDescription();
        MapReports(server);
    }

    // Reports are files of the workspace, made by monitoring jobs; as pages they are read by those who may look.
    static void MapReports(WebApplication server)
    {
        var root = server.Services.GetRequiredService<ServerContext>().Session.Environment.Workspace.Reports;
        server.MapGet("/reports/{**path}", (string path) =>
        {
            var file = Path.GetFullPath(Path.Combine(root, path));
            return file.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) && file.EndsWith(".html", StringComparison.Ordinal) && File.Exists(file)
                ? Results.File(file, "text/html; charset=utf-8") : Results.NotFound();
        }).ExcludeFromDescription();
    }
}
