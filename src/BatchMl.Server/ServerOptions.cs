using BatchMl.Catalog;
using BatchMl.Hosting;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Server;

/// <summary>How a server was asked to run.</summary>
/// <param name="Urls">Where it listens, separated by semicolons.</param>
/// <param name="Workspace">Folder of the workspace.</param>
/// <param name="Schedules">Folder of the schedule files; null: none.</param>
/// <param name="Settings">Settings for the server and every run of it.</param>
/// <param name="Now">What time schedules begin at; null: the clock's.</param>
/// <param name="Speed">How fast their time goes; 1: as the clock.</param>
sealed record ServerOptions(string Urls, string Workspace, string? Schedules, IReadOnlyDictionary<string, string?> Settings, DateTimeOffset? Now, double Speed);

/// <summary>What all parts of a server share: its configuration, and an open catalog.</summary>
/// <param name="application">The program around it.</param>
/// <param name="options">How it was asked to run.</param>
sealed class ServerContext(BatchMlApplication application, ServerOptions options) : IAsyncDisposable
{
    public BatchMlApplication Application { get; } = application;
    public ServerOptions Options { get; } = options;

    /// <summary>For reading, and for planning; each run opens its own.</summary>
    public Session Session { get; } = application.Open(new SessionOptions(options.Workspace, options.Settings));

    public IConfiguration Configuration => Session.Configuration;

    /// <summary>What Npgsql takes to reach the store, its search path the store's schema; null: the store is a file of the workspace. May hold a password. Hangfire's queue is in the same database.</summary>
    public string? Postgres => Session.Store.Postgres is { } address ? PostgresAddress.Parse(address).ConnectionString : null;

    public ValueTask DisposeAsync() => Session.DisposeAsync();
}
