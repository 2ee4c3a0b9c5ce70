using BatchMl.Operations;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Notifications;

/// <summary>Wakes the sender, so that what was just put on its way goes at once.</summary>
sealed class NotificationBell
{
    readonly SemaphoreSlim rung = new(0, 1);

    public void Ring()
    {
        try
        {
            rung.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is ringing.
        }
    }

    /// <summary>Waits for a ring, or some time.</summary>
    public async Task WaitAsync(TimeSpan most, TimeProvider clock, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await Task.WhenAny(rung.WaitAsync(over.Token), Task.Delay(most, clock, over.Token));
        await over.CancelAsync();
        cancel.ThrowIfCancellationRequested();
    }
}

/// <summary>
/// Sends what is due. Several servers on one database share the work. A notification whose taker has it and whose sender dies before that is noted goes out again, with the same id.
/// </summary>
sealed class NotificationSender(NotificationSettings settings, IOperations operations, TimeProvider clock, NotificationBell bell, ILoggerFactory logging) : BackgroundService
{
    /// <summary>After so many tries, over some five hours, it is given up.</summary>
    public const int MostTries = 12;

    // Longer than any try takes.
    static readonly TimeSpan oneTry = TimeSpan.FromMinutes(2);
    static readonly TimeSpan poll = TimeSpan.FromSeconds(5);

    readonly ILogger logger = logging.CreateLogger("BatchMl.Notifications");

    /// <summary>How long after a failed try the next one is: 1 s, 4 s, 16 s, … up to an hour.</summary>
    public static TimeSpan PauseAfter(int tries) => TimeSpan.FromSeconds(Math.Min(3600, Math.Pow(4, tries - 1)));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var count = 0;
            try
            {
                var now = clock.GetUtcNow();
                var due = await operations.TakeNotificationsAsync(now, now + oneTry, 20, stoppingToken);
                await Task.WhenAll(due.Select(n => TryAsync(n, stoppingToken)));
                count = due.Count;
            }
            catch (BatchMlException e)
            {
                logger.LogWarning("Notifications wait: {Error}", e.Message);
            }
            if (count == 0) await bell.WaitAsync(poll, clock, stoppingToken);
        }
    }

    async Task TryAsync(Notification notification, CancellationToken cancel)
    {
        if (!settings.Channels.TryGetValue(notification.Channel, out var channel))
        {
            await operations.NotifiedAsync(notification.Id, null, $"There is no channel {notification.Channel} in the configuration any more.", null, cancel);
            return;
        }
        try
        {
            await channel.SendAsync(notification, cancel);
            await operations.NotifiedAsync(notification.Id, clock.GetUtcNow(), null, null, cancel);
        }
        // Whatever a channel throws, the others go on.
        catch (Exception e) when (e is not (OperationCanceledException or BatchMlException))
        {
            var (error, isOver) = (channel.Clean(e.Message), e is NotificationException { IsFinal: true } || notification.Tries >= MostTries);
            if (isOver) logger.LogError("'{Subject}' could not be told to {Channel} and is given up after {Tries} tries: {Error}", notification.Subject, channel.Name, notification.Tries, error);
            await operations.NotifiedAsync(notification.Id, null, error, isOver ? null : clock.GetUtcNow() + PauseAfter(notification.Tries), cancel);
        }
    }
}
