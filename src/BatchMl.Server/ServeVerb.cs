using System.CommandLine;
using System.Globalization;
using BatchMl.Hosting;
using BatchMl.Hosting.Verbs;
using Microsoft.Extensions.Hosting;

namespace BatchMl.Server;

/// <summary><c>serve</c>: schedules, workers and web pages over a workspace, until it is stopped.</summary>
public sealed class ServeVerb : Verb
{
    readonly Option<string> urls, workspace;
    readonly Option<string?> schedules, storage, now;
    readonly Option<double> speed;
    readonly Option<string[]> set;

    /// <summary>The verb of an application.</summary>
    /// <param name="application">The application.</param>
    public ServeVerb(BatchMlApplication application) : base(application, "serve", "Run schedules and show web pages, until stopped")
    {
        urls = Add(new Option<string>("--urls") { Description = "Where to listen; several separated by semicolons", HelpName = "URLS", DefaultValueFactory = _ => "http://127.0.0.1:5080" });
        workspace = Workspace();
        schedules = Add(new Option<string?>("--schedules") { Description = "Folder of schedule files; default: 'schedules' if there is one", HelpName = "DIR" });
        storage = Add(new Option<string?>("--storage") { Description = "Where queue and catalog are: 'memory' (the queue in memory, the catalog a file of the workspace) or postgres://USER@HOST/DATABASE", HelpName = "STORAGE" });
        now = Add(new Option<string?>("--now") { Description = "What time schedules begin at, e.g. 2013-10-01 or 2013-10-01T05:30Z; default: now", HelpName = "INSTANT" });
        speed = Add(new Option<double>("--speed") { Description = "How fast the schedules' time goes", HelpName = "N", DefaultValueFactory = _ => 1 });
        set = Add(new Option<string[]>("--set") { Description = "A setting, e.g. Sources:flights:Path=/data/flights; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
    }

    /// <inheritdoc/>
    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var settings = new Dictionary<string, string?>(Settings(parsed.GetValue(set)!), StringComparer.OrdinalIgnoreCase);
        if (parsed.GetValue(storage) is { } given) settings["Storage"] = given;
        var rate = parsed.GetValue(speed);
        if (!(rate > 0) || rate > 1_000_000) throw new DefinitionException(string.Create(CultureInfo.InvariantCulture, $"--speed is {rate}; expected a number above 0 and up to 1000000."));
        var folder = parsed.GetValue(schedules);
        if (folder is not null && !Directory.Exists(folder)) throw new DefinitionException($"--schedules is '{folder}'; there is no such folder.");
        folder ??= Directory.Exists("schedules") ? "schedules" : null;
        await using var context = new ServerContext(
            Application, new ServerOptions(parsed.GetValue(urls)!, parsed.GetValue(workspace)!, folder is null ? null : Path.GetFullPath(folder), settings, Instant(parsed.GetValue(now)), rate));
        await using var server = WebServer.Build(context);
        await server.StartAsync(cancel);
        foreach (var url in server.Urls) await Application.Error.WriteLineAsync($"Serving {context.Session.Environment.Workspace.Root} at {url}");
        await server.WaitForShutdownAsync(cancel);
        return ExitCodes.Done;
    }

    static DateTimeOffset? Instant(string? text) => text is null ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var instant)
            ? instant : throw new DefinitionException($"--now is '{text}'; expected a date or an instant, e.g. 2013-10-01 or 2013-10-01T05:30Z.");
}
