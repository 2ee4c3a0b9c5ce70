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
    readonly Option<string?> workspace;
    readonly Option<bool> late, json;
    readonly Option<string[]> set;
    readonly Option<string?> sink;

    public StatusVerb(BatchMlApplication application) : base(application, "status", "Show the latest runs, one run with its partitions, or published partitions whose inputs changed since")
    {
        run = Add(new Argument<string?>("RUN") { Description = "Run id, or the beginning of one; with --late name of a job", Arity = ArgumentArity.ZeroOrOne });
        late = Add(new Option<bool>("--late") { Description = "Published partitions whose inputs changed since they were made, of one job or of all" });
        set = Add(new Option<string[]>("--set") { Description = "A setting that runs were given, e.g. where sources are; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
        sink = Sink();
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var settings = WithSink(Settings(parsed, set), parsed.GetValue(sink));
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), settings));
        if (parsed.GetValue(late)) return await ShowLateAsync(session, parsed.GetValue(run), settings, parsed.GetValue(json), cancel);
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

    async Task<int> ShowLateAsync(Session session, string? name, IReadOnlyDictionary<string, string?> settings, bool asJson, CancellationToken cancel)
    {
        IEnumerable<Job> jobs = name is null ? Application.NamedJobs().Values.Where(j => j is DatasetJob) : [Find(name)];
        var found = new List<LatePartition>();
        foreach (var job in jobs) found.AddRange(await new Runner(session.Environment, new SilentListener()).LateAsync(job, new RunRequest { Settings = settings }, cancel));
        if (asJson)
        {
            await Application.Out.WriteLineAsync(JsonSerializer.Serialize(found, JsonText.Indented));
            return ExitCodes.Done;
        }
        if (found.Count == 0) await Application.Out.WriteLineAsync("No published partition has inputs that changed since it was made.");
        foreach (var group in found.GroupBy(l => (l.Job, l.Policy)))
        {
            await Application.Out.WriteLineAsync($"{group.Key.Job}: {group.Count()} whose inputs changed since they were made; policy {group.Key.Policy.ToString().ToLowerInvariant()}: {Meaning(group.Key.Policy)}");
            foreach (var l in group) await Application.Out.WriteLineAsync($"  {l.Column}={l.Value}  {l.Changes}; made {l.MadeAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}Z by run {l.RunId}");
        }
        return ExitCodes.Done;
    }

    static string Meaning(ChangePolicy policy) => policy switch
    {
        ChangePolicy.Restate => "the next run that is about them makes them again",
        ChangePolicy.Freeze => "they stay as they are",
        _ => "they are kept; 'backfill JOB --restate-affected' makes them again",
    };

    static string Line(RunRecord run)
    {
        // A clock that was set back in between tells no duration.
        var took = run.FinishedAt is { } end && end >= run.StartedAt ? $"{(end - run.StartedAt).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s" : "";
        return $"{run.RunId}  {run.StartedAt.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}Z  {run.State.ToString().ToLowerInvariant(),-9}  {took,9}  {run.Verb} {run.Job}"
            + (run.Error is null ? "" : $"  {run.Error.Split('\n')[0]}");
    }
}
