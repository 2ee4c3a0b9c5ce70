using BatchMl.Lineage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Signals;

/// <summary>Sends what runs of the workspace left to send, whoever ran them; a receiver that was down gets it when it is back.</summary>
sealed class LineageDelivery(ServerContext context, ILoggerFactory logging) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        var environment = context.Session.Environment;
        if (environment.LineageReceiver is null) return;
        var (http, logger) = (new HttpLineage(environment), logging.CreateLogger("BatchMl.Server.Signals"));
        for (string? told = null; ;)
        {
            var why = await http.DeliverAsync(stop);
            if (why is not null && why != told) logger.LogWarning("{Why}", why);
            told = why;
            await Task.Delay(Every, environment.Clock, stop);
        }
    }
}
