using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Access;

/// <summary>Limits and logs failed logins: ten in five minutes from one address, and then not even a right one is looked at for the rest of them.</summary>
sealed class LoginLimit(ILoggerFactory logging) : IDisposable
{
    readonly ILogger logger = logging.CreateLogger("BatchMl.Server.Access");

    readonly PartitionedRateLimiter<IPAddress> limiter = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
        RateLimitPartition.GetFixedWindowLimiter(address, _ => new FixedWindowRateLimiterOptions { PermitLimit = 10, Window = TimeSpan.FromMinutes(5) }));

    /// <summary>Whether an address may try.</summary>
    public bool Allows(IPAddress? address)
    {
        using var lease = limiter.AttemptAcquire(address ?? IPAddress.None, 0);
        return lease.IsAcquired;
    }

    /// <summary>Notes a try that failed.</summary>
    public void Failed(IPAddress? address, string how)
    {
        using var lease = limiter.AttemptAcquire(address ?? IPAddress.None);
        var isLast = limiter.GetStatistics(address ?? IPAddress.None)?.CurrentAvailablePermits is 0;
        logger.LogWarning("A login from {Address} failed: {How}{Limited}", address, how, isLast ? "; the address has no more tries for five minutes" : "");
    }

    public void Dispose() => limiter.Dispose();
}
