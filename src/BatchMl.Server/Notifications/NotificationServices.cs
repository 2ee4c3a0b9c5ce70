using Microsoft.Extensions.DependencyInjection;

namespace BatchMl.Server.Notifications;

static class NotificationServices
{
    /// <summary>Adds the <see cref="Notifier"/>, and the sender behind it.</summary>
    /// <exception cref="DefinitionException">The settings are wrong.</exception>
    public static IServiceCollection AddNotifications(this IServiceCollection services, ServerContext context)
    {
        var clock = context.Session.Environment.Clock;
        // A receiver that moved is to be configured anew: what is signed for one address is not sent to another.
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = TimeSpan.FromSeconds(15) };
        var settings = NotificationSettings.Read(context.Configuration, client, clock);
        services.AddSingleton(settings).AddSingleton<NotificationBell>();
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<Notifier>(s, clock));
        services.AddHostedService(s => ActivatorUtilities.CreateInstance<NotificationSender>(s, clock));
        return services;
    }
}
