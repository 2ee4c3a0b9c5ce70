using BatchMl.Hosting;
using BatchMl.Server.Schedules;
using Hangfire;
using Hangfire.Dashboard;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchMl.Server.Dispatch;

/// <summary>Schedules, the queue, and Hangfire's workers.</summary>
static class DispatchServices
{
    public static IServiceCollection AddDispatch(this IServiceCollection services, ServerContext context, DispatchSettings settings)
    {
        var storage = Storage(context);
        services.AddSingleton(settings).AddSingleton(context.Session.Environment.Clock).AddSingleton<DispatchBell>().AddSingleton<Deliveries>().AddSingleton<IdleMemory>().AddSingleton<RunNews>().AddSingleton<RunDesk>().AddSingleton<QueuedRunJob>();
        services.AddSingleton(s => new ScheduleBook(context.Options.Schedules, ScheduleWords.Of(context.Application, context.Configuration), s.GetRequiredService<DispatchBell>(), s.GetRequiredService<ILoggerFactory>()));
        services.AddHostedService(s => s.GetRequiredService<ScheduleBook>());
        services.AddHostedService<Scheduler>();
        services.AddSingleton(storage);
        services.AddHangfire((s, c) => c.UseLogProvider(new HangfireLog(s.GetRequiredService<ILoggerFactory>())).SetDataCompatibilityLevel(CompatibilityLevel.Version_180).UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings().UseStorage(storage));
        foreach (var (queue, count) in settings.Workers.Where(w => w.Value > 0))
        {
            services.AddHangfireServer((_, options) =>
            {
                options.ServerName = $"{Environment.MachineName}:{queue}";
                options.Queues = [queue];
                options.WorkerCount = count;
                // Neither Hangfire's own schedules nor its delayed jobs are used.
                options.IsLightweightServer = true;
                options.CancellationCheckInterval = TimeSpan.FromSeconds(1);
                options.ShutdownTimeout = settings.StopWithin + TimeSpan.FromSeconds(10);
            }, storage);
        }
        services.Configure<HostOptions>(o => o.ShutdownTimeout = settings.StopWithin + TimeSpan.FromSeconds(20));
        return services;
    }

    /// <summary>Hangfire's own dashboard; who may see it is up to a filter in the container, without one whoever is on this machine.</summary>
    public static void UseHangfire(this WebApplication server) => server.UseHangfireDashboard("/hangfire", new DashboardOptions
    {
        Authorization = [server.Services.GetService<IDashboardAuthorizationFilter>() ?? new LocalRequestsOnlyAuthorizationFilter()],
        AppPath = "/",
        DashboardTitle = "BatchMl",
        // It may have a password.
        DisplayStorageConnectionString = false,
    }, server.Services.GetRequiredService<JobStorage>());

    // In memory only the queue is lost with the process: the store knows what was in it.
    static JobStorage Storage(ServerContext context)
    {
        if (context.Postgres is not { } connection) return new InMemoryStorage(new InMemoryStorageOptions { MaxExpirationTime = TimeSpan.FromHours(3) });
        // Beside the catalog's schema, so that teams that share a database do not take each other's jobs.
        var schema = $"{new NpgsqlConnectionStringBuilder(connection).SearchPath}_hangfire";
        var options = new PostgreSqlStorageOptions { SchemaName = schema, QueuePollInterval = TimeSpan.FromMilliseconds(200), EnableLongPolling = true, UseSlidingInvisibilityTimeout = true, InvisibilityTimeout = TimeSpan.FromMinutes(1) };
        return new PostgreSqlStorage(new Hangfire.PostgreSql.Factories.NpgsqlConnectionFactory(connection, options), options);
    }
}
