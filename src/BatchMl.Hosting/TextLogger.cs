using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace BatchMl.Hosting;

/// <summary>Writes log lines as plain text beside the progress.</summary>
sealed class TextLoggerProvider(TextWriter writer) : ILoggerProvider
{
    /// <summary>Loggers of warnings and worse, or only of what the levels by category in a section say. Made by hand, since the container that makes them otherwise takes longer to start than the rest.</summary>
    public static ILoggerFactory Factory(TextWriter writer, IConfiguration levels)
    {
        var filter = new LoggerFilterOptions { MinLevel = LogLevel.Warning };
        // That a server's keys for cookies are kept as they are, in a folder for its user alone, is known.
        filter.Rules.Add(new LoggerFilterRule(null, "Microsoft.AspNetCore.DataProtection", LogLevel.Error, null));
        foreach (var level in levels.GetChildren())
        {
            if (!Enum.TryParse<LogLevel>(level.Value, ignoreCase: true, out var least)) throw new DefinitionException($"{level.Path} is '{level.Value}'; expected one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
            filter.Rules.Add(new LoggerFilterRule(null, level.Key == "Default" ? null : level.Key, least, null));
        }
        return new LoggerFactory([new TextLoggerProvider(writer)], filter);
    }

    public ILogger CreateLogger(string categoryName) => new TextLogger(writer, categoryName);

    public void Dispose() { }

    sealed class TextLogger(TextWriter writer, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            lock (writer) writer.WriteLine($"{logLevel.ToString().ToLowerInvariant()}: {category}: {formatter(state, exception)}{(exception is null ? "" : $" ({exception.Message})")}");
        }
    }
}
