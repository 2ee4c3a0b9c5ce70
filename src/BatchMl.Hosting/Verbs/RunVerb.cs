using System.CommandLine;
using System.Text.Json;
using BatchMl.Hosting.Output;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>A verb that runs a job.</summary>
abstract class MakingVerb : JobVerb
{
    readonly Option<string?> wait;
    readonly Option<bool> json;

    protected MakingVerb(BatchMlApplication application, string name, string description) : base(application, name, description)
    {
        wait = Add(new Option<string?>("--wait") { Description = "Wait so long for inputs that are not ready, e.g. 30m or 2h; default: not at all", HelpName = "DURATION" });
        json = Json();
    }

    protected override RunRequest Request(ParseResult parsed) => base.Request(parsed) with { Wait = Duration(parsed.GetValue(wait), "--wait") };

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (session, job, request) = Open(parsed);
        await using var _ = session;
        return await RunOutput.WatchAsync(Application, session, parsed.GetValue(json), listener => new Runner(session.Environment, listener).RunAsync(job, request, Command.Name, cancel));
    }
}

/// <summary>Runs a job.</summary>
sealed class RunVerb(BatchMlApplication application) : MakingVerb(application, "run", "Run a job: do what is not there yet, skip what is up to date, finish what a crash left");

/// <summary>Watches a run and prints its summary.</summary>
static class RunOutput
{
    public static async Task<int> WatchAsync(BatchMlApplication application, Session session, bool json, Func<RunListener, Task<RunSummary>> run)
    {
        var progress = new ProgressListener(application.Error, session.Environment.Clock, isTerminal: ReferenceEquals(application.Error, Console.Error) && !Console.IsErrorRedirected);
        RunSummary summary;
        session.Said.To = progress.Note;
        using (progress) summary = await run(progress);
        if (json) await application.Out.WriteLineAsync(JsonSerializer.Serialize(summary, JsonText.Indented));
        else SummaryPrinter.Print(application.Out, summary, session.Environment.Workspace);
        return summary.ExitCode;
    }
}

/// <summary>Tries again what failed in a run.</summary>
sealed class RetryVerb(BatchMlApplication application) : RerunVerb(application, "retry", "Try again only the partitions that failed in a run")
{
    protected override Task<RunSummary> RunAsync(Runner runner, string run, CancellationToken cancel) => runner.RetryAsync(run, Find, cancel);
}

/// <summary>Makes again the partitions of a run that have dead letters.</summary>
sealed class ReplayVerb(BatchMlApplication application)
    : RerunVerb(application, "replay", "Make again, whole, the partitions of a run that have dead letters; say after mending the rows or the model")
{
    protected override Task<RunSummary> RunAsync(Runner runner, string run, CancellationToken cancel) => runner.ReplayAsync(run, Find, cancel);
}
