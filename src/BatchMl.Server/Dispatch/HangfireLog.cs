using Hangfire.Logging;
using Microsoft.Extensions.Logging;
using LogLevel = Hangfire.Logging.LogLevel;

namespace BatchMl.Server.Dispatch;

/// <summary>What Hangfire logs goes where all else does. Its logger is one for the process, and outlives a server that was in it.</summary>
sealed class HangfireLog(ILoggerFactory logging) : ILogProvider
{
    public ILog GetLogger(string name)
    {
        try
        {
            return new Log(logging.CreateLogger(name));
        }
        catch (ObjectDisposedException)
        {
            return new Log(null);
        }
    }

    sealed class Log(ILogger? logger) : ILog
    {
        bool ILog.Log(LogLevel logLevel, Func<string>? messageFunc, Exception? exception)
        {
            // Hangfire's levels are in the same order.
            var level = (Microsoft.Extensions.Logging.LogLevel)(int)logLevel;
            if (logger?.IsEnabled(level) != true) return false;
            if (messageFunc is not null) logger.Log(level, exception, "{Message}", messageFunc());
            return true;
        }
    }
}
