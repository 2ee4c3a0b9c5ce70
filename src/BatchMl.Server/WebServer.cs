using BatchMl.Server.Notifications;
using BatchMl.Server.Dispatch;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server;

/// <summary>Puts a server together: each folder beside this file adds its part.</summary>
static class WebServer
{
    public static WebApplication Build(ServerContext context, DispatchSettings? dispatch = null)
    {
        var environment = context.Session.Environment;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = typeof(WebServer).Assembly.GetName().Name });
        // Its own configuration is that of the program around it, and Ctrl-C is the program's to handle.
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            // Certificates for https://: Kestrel:Certificates:Default:Path and :KeyPath.
            k.Configure(context.Configuration.GetSection("Kestrel"));
        }).UseUrls(context.Options.Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(environment.Logging);
        builder.Services.AddSingleton(context);
        var time = environment.Clock;
        builder.Services.AddSingleton(new ScheduleTime(context.Options.Now is null && context.Options.Speed == 1 ? time : new SimulatedClock(time, context.Options.Now ?? time.GetUtcNow(), context.Options.Speed)));
        var open = context.Application.Operations ?? throw new DefinitionException("This program has no operations store; its composition must set Operations.");
        builder.Services.AddSingleton(_ => open(context.Session.Store));
        builder.Services.AddNotifications(context);
        builder.Services.AddDispatch(context, dispatch ?? DispatchSettings.Of(context.Configuration));
        builder.Services.AddWeb(context);
        var server = builder.Build();
        server.MapWeb();
        // Behind the pages' access.
        server.UseHangfire();
        return server;
    }

    sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The time that schedules live in, which may be another one than that of leases and records.</summary>
sealed record ScheduleTime(TimeProvider Clock)
{
    public DateTimeOffset Now => Clock.GetUtcNow();
}
