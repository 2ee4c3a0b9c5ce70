using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Board;

/// <summary>Reads how all partitions stand before the server listens: with a hundred thousand of them the first request would wait for it, beside the planning that begins then.</summary>
sealed class FirstLook(DatasetBoard datasets, ILoggerFactory logging) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await datasets.AllAsync(cancellationToken);
        }
        catch (BatchMlException e)
        {
            // A store that is away may come back; until then requests and /healthz/ready say so.
            logging.CreateLogger("BatchMl.Server.Board").LogWarning("The state of partitions can not be read now: {Why}", e.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
