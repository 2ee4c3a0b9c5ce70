using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchMl.Hosting.Output;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Shows runs.</summary>
sealed class StatusVerb : Verb
{
    readonly Argument<string?> run;
    readonly Option<string> workspace;
    readonly Option<bool> json;

    public StatusVerb(BatchMlApplication application) : base(application, "status", "Show the latest runs, or one run with its partitions")
    {
        run = Add(new Argument<string?>("RUN") { Description = "Run id, or the beginning of one", Arity = ArgumentArity.ZeroOrOne });
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace)!, new Dictionary<string, string?>()));
        var catalog = session.Environment.Catalog;
        if (parsed.GetValue(run) is not { } id)
        {
            var runs = await catalog.RecentRunsAsync(20, cancel);
            if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(runs, JsonText.Indented));
            else if (runs.Count == 0) await Application.Out.WriteLineAsync($"No runs in {session.Environment.Workspace.Root}.");
            else foreach (var each in runs) await Application.Out.WriteLineAsync(Line(each));
            return ExitCodes.Done;
        }
        var found = await catalog.FindRunAsync(id, cancel) ?? throw new DefinitionException($"There is no run '{id}' in {session.Environment.Workspace.Root}. 'status' lists the latest.");
        var attempts = await catalog.AttemptsAsync(found.RunId, cancel);
        if (parsed.GetValue(json))
        {
            await Application.Out.WriteLineAsync(JsonSerializer.Serialize(new { run = found, attempts }, JsonText.Indented));
            return ExitCodes.Done;
        }
        await Application.Out.WriteLineAsync(Line(found));
        foreach (var group in attempts.GroupBy(a => (a.Key.Dataset, a.State)))
        {
            await Application.Out.WriteLineAsync($"  {group.Key.Dataset}: {group.Count()} {group.Key.State.ToString().ToLowerInvariant()}, "
                + $"{group.Sum(a => a.Rows).ToString("N0", CultureInfo.InvariantCulture)} rows, {group.Sum(a => a.DeadLetters)} dead letters");
        }
        foreach (var failed in attempts.Where(a => a.State == AttemptState.Failed)) await Application.Out.WriteLineAsync($"  {failed.Key}: {failed.Error}");
        return ExitCodes.Done;
    }

    static string Line(RunRecord run)
    {
        // A clock that was set back in between tells no duration.
        var took = run.FinishedAt is { } end && end >= run.StartedAt ? $"{(end - run.StartedAt).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s" : "";
        return $"{run.RunId}  {run.StartedAt.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}Z  {run.State.ToString().ToLowerInvariant(),-9}  {took,9}  {run.Verb} {run.Job}"
            + (run.Error is null ? "" : $"  {run.Error.Split('\n')[0]}");
    }
}
