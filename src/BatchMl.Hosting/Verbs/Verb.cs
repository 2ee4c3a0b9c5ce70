using System.CommandLine;
using System.Globalization;
using BatchMl.Engine;
using BatchMl.Hosting.Places;
using BatchMl.Jobs;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>A verb of the command line: its options, and what it does.</summary>
public abstract class Verb
{
    /// <summary>A verb of an application.</summary>
    protected Verb(BatchMlApplication application, string name, string description)
    {
        Application = application;
        Command = new Command(name, description);
        Command.SetAction(InvokeAsync);
    }

    /// <summary>The option of all verbs that chooses the environment.</summary>
    internal const string EnvironmentOption = "--environment";

    /// <summary>It, for the command line.</summary>
    public Command Command { get; }

    /// <summary>The application.</summary>
    protected BatchMlApplication Application { get; }

    /// <summary>Does it.</summary>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    protected abstract Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel);

    /// <summary>Gives it an option.</summary>
    protected Option<T> Add<T>(Option<T> option)
    {
        Command.Options.Add(option);
        return option;
    }

    /// <summary>Gives it an argument.</summary>
    protected Argument<T> Add<T>(Argument<T> argument)
    {
        Command.Arguments.Add(argument);
        return argument;
    }

    /// <summary>The option <c>--json</c>.</summary>
    protected Option<bool> Json() => Add(new Option<bool>("--json") { Description = "Print JSON for machines" });

    /// <summary>The option <c>--workspace</c>.</summary>
    protected Option<string?> Workspace() => Add(new Option<string?>("--workspace") { Description = "Folder of catalog, datasets, models, lineage and reports; default: the setting Workspace, else .batchml", HelpName = "DIR" });

    /// <summary>The option <c>--sink</c>.</summary>
    protected Option<string?> Sink() => Add(new Option<string?>("--sink")
    {
        Description = $"Where scored rows land: 'parquet', files in the workspace{string.Concat(Application.ScoreSinks.Keys.Select(s => $", or {s}://…"))}; default: the setting Sink, else parquet", HelpName = "URI",
    });

    /// <summary>Settings, and what <c>--sink</c> says.</summary>
    /// <exception cref="DefinitionException">Both say where scored rows land.</exception>
    protected static IReadOnlyDictionary<string, string?> WithSink(IReadOnlyDictionary<string, string?> settings, string? sink)
    {
        if (sink is null) return settings;
        if (settings.ContainsKey(SinkAddress.Setting)) throw new DefinitionException("--sink and --set Sink=… are given together; expected one of them.");
        return settings.With([new(SinkAddress.Setting, sink)]);
    }

    /// <summary>The argument <c>JOB</c>.</summary>
    protected Argument<string> JobName() => Add(new Argument<string>("JOB") { Description = "Name of a job; see 'list'" });

    /// <summary>A job by its name.</summary>
    /// <exception cref="DefinitionException">There is none; proposes the nearest.</exception>
    protected Job Find(string name) => Application.FindJob(name);

    /// <summary>What a job that computes features asks; of a pipeline, its first such step.</summary>
    /// <exception cref="DefinitionException">It computes none.</exception>
    protected static FeatureQuery QueryOf(Job job) => job switch
    {
        ScoreJob score => score.Query,
        TrainingSetJob training => training.Query,
        PipelineJob pipeline when pipeline.Steps.FirstOrDefault(s => s is ScoreJob or TrainingSetJob) is { } step => QueryOf(step),
        _ => throw new DefinitionException($"Job '{job.Name}' computes no features; expected a job that makes a training set or scores."),
    };

    /// <summary>A date as YYYY-MM-DD.</summary>
    /// <exception cref="DefinitionException">It is none.</exception>
    protected static DateOnly? Date(string? text, string option)
    {
        if (text is null) return null;
        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date : throw new DefinitionException($"{option} is '{text}'; expected a date as YYYY-MM-DD.");
    }

    /// <summary>An instant with its offset.</summary>
    /// <exception cref="DefinitionException">It is none.</exception>
    protected static DateTimeOffset? Instant(string? text, string option)
    {
        if (text is null) return null;
        string[] formats = ["yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFK"];
        // Without an offset it would be another instant on another machine.
        return (text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
            && DateTimeOffset.TryParseExact(text, formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var instant)
            ? instant.ToUniversalTime() : throw new DefinitionException($"{option} is '{text}'; expected an instant in ISO 8601 with its offset, e.g. 2013-10-02T06:00:00Z or 2013-10-02T06:00-04:00.");
    }

    /// <summary>A length of time such as 2h.</summary>
    /// <exception cref="DefinitionException">It is none.</exception>
    protected static TimeSpan Duration(string? text, string option)
    {
        if (text is null) return TimeSpan.Zero;
        var unit = text.Length == 0 ? ' ' : text[^1];
        var seconds = unit switch { 's' => 1, 'm' => 60, 'h' => 3_600, 'd' => 86_400, _ => 0 };
        return seconds > 0 && int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (long)number * seconds <= 366 * 86_400
            ? TimeSpan.FromSeconds((long)number * seconds) : throw new DefinitionException($"{option} is '{text}'; expected a length of time up to 366d: a whole number with s, m, h or d, e.g. 30m or 2h.");
    }

    /// <summary>A size such as 4GiB.</summary>
    /// <exception cref="DefinitionException">It is none.</exception>
    protected static long Bytes(string? text)
    {
        if (text is null) return 0;
        var units = new (string Suffix, long Factor)[] { ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("G", 1L << 30), ("M", 1L << 20), ("K", 1L << 10), ("", 1) };
        var (suffix, factor) = units.First(u => text.EndsWith(u.Suffix, StringComparison.OrdinalIgnoreCase));
        return double.TryParse(text[..^suffix.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * factor >= 1 << 20
            ? (long)(number * factor) : throw new DefinitionException($"--memory is '{text}'; expected a size of at least 1MiB, e.g. 512MiB or 4GiB.");
    }

    /// <summary>What a command line sets: pairs as <c>--set</c> takes them, and the environment.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="set">The option <c>--set</c>; null: the verb has none.</param>
    /// <exception cref="DefinitionException">A pair has no <c>=</c>, or is there twice.</exception>
    protected static IReadOnlyDictionary<string, string?> Settings(ParseResult parsed, Option<string[]>? set = null)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        // It belongs to the program, so a verb's options that are parsed on their own do not have it.
        var environment = parsed.RootCommandResult.Command.Options.OfType<Option<string?>>().FirstOrDefault(o => o.Name == EnvironmentOption);
        if (environment is not null && parsed.GetValue(environment) is { } name) settings[ProgramSettings.Names.Environment] = name;
        var pairs = set is null ? [] : parsed.GetValue(set)!;
        foreach (var pair in pairs)
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0) throw new DefinitionException($"--set is '{pair}'; expected key=value, e.g. --set Sources:flights:Path=/data/flights.");
            if (!settings.TryAdd(pair[..at], pair[(at + 1)..])) throw new DefinitionException($"--set gives {pair[..at]} twice; expected once.");
        }
        return settings;
    }
}

/// <summary>A verb that takes up an earlier run.</summary>
abstract class RerunVerb : Verb
{
    readonly Argument<string> run;
    readonly Option<string?> workspace;
    readonly Option<bool> json;

    protected RerunVerb(BatchMlApplication application, string name, string description) : base(application, name, description)
    {
        run = Add(new Argument<string>("RUN") { Description = "Run id, or the beginning of one; see 'status'" });
        workspace = Workspace();
        json = Json();
    }

    protected abstract Task<RunSummary> RunAsync(Runner runner, string run, CancellationToken cancel);

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var id = parsed.GetValue(run)!;
        var (root, request) = await RequestAsync(parsed, id, cancel);
        // With the settings of the run that is taken up: it must meet the same sources.
        await using var session = Application.Open(new SessionOptions(root, request.Settings, request.Memory, request.Engine));
        return await RunOutput.WatchAsync(Application, session, parsed.GetValue(json), listener => RunAsync(new Runner(session.Environment, listener), id, cancel));
    }

    async Task<(string Workspace, RunRequest Request)> RequestAsync(ParseResult parsed, string id, CancellationToken cancel)
    {
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), Settings(parsed)));
        var record = await session.Environment.Catalog.FindRunAsync(id, cancel) ?? throw new DefinitionException($"There is no run '{id}' in {session.Environment.Workspace.Root}. 'status' lists the latest.");
        return (session.Environment.Workspace.Root, System.Text.Json.JsonSerializer.Deserialize<RunRequest>(record.ArgumentsJson)!);
    }
}

/// <summary>What <c>plan</c>, <c>run</c> and <c>backfill</c> have in common.</summary>
abstract class JobVerb : Verb
{
    readonly Argument<string> job;
    readonly Option<string?> from, to, now, splitUntil, sink, memory;
    readonly Option<string[]> partition, model, set;
    readonly Option<string?> workspace;
    readonly Option<bool> due, force;
    readonly Option<int> maxParallel;
    readonly Option<string> engine;

    protected JobVerb(BatchMlApplication application, string name, string description) : base(application, name, description)
    {
        job = JobName();
        from = Add(new Option<string?>("--from") { Description = "First partition date", HelpName = "DATE" });
        to = Add(new Option<string?>("--to") { Description = "End of the partition dates, exclusive", HelpName = "DATE" });
        partition = Add(new Option<string[]>("--partition") { Description = "Only this partition value; may be repeated", HelpName = "VALUE", DefaultValueFactory = _ => [] });
        due = Add(new Option<bool>("--due") { Description = "Only partitions whose time has come" });
        now = Add(new Option<string?>("--now") { Description = "The instant that --due compares with, ISO 8601 with offset; default: the clock's", HelpName = "TIME" });
        splitUntil = Add(new Option<string?>("--split-until") { Description = "Move the training set's split so that its test rows end here, exclusive, and train on that", HelpName = "DATE" });
        model = Add(new Option<string[]>("--model") { Description = "Score with this version of a model, NAME@VERSION, or with its latest, NAME; may be repeated for other models", HelpName = "NAME@VERSION", DefaultValueFactory = _ => [] });
        workspace = Workspace();
        sink = Sink();
        set = Add(new Option<string[]>("--set") { Description = "A setting, e.g. Sources:flights:Path=/data/flights; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
        force = Add(new Option<bool>("--force") { Description = "Do also what is up to date" });
        maxParallel = Add(new Option<int>("--max-parallel") { Description = "Units of work at once; default: one per core", HelpName = "N" });
        memory = Add(new Option<string?>("--memory") { Description = "Memory for features, e.g. 4GiB; beyond it data goes to disk. Default: half of the machine's", HelpName = "SIZE" });
        engine = Add(new Option<string>("--engine") { Description = "Where features are computed", HelpName = "NAME", DefaultValueFactory = _ => LocalEngine.EngineName });
        engine.AcceptOnlyFromAmong([LocalEngine.EngineName, .. application.Engines.Keys]);
    }

    /// <summary>What the options ask for.</summary>
    /// <exception cref="DefinitionException">An option's value is wrong.</exception>
    protected virtual RunRequest Request(ParseResult parsed)
    {
        var parallel = parsed.GetValue(maxParallel);
        if (parallel < 0) throw new DefinitionException($"--max-parallel is {parallel}; expected at least 1.");
        if (parsed.GetValue(now) is not null && !parsed.GetValue(due)) throw new DefinitionException("--now is given without --due, and is only what that compares with. Add --due, or leave it out.");
        var request = new RunRequest
        {
            From = Date(parsed.GetValue(from), "--from"),
            To = Date(parsed.GetValue(to), "--to"),
            Partitions = parsed.GetValue(partition)!,
            Due = parsed.GetValue(due) ? Instant(parsed.GetValue(now), "--now") ?? Application.Clock.GetUtcNow() : null,
            SplitUntil = Date(parsed.GetValue(splitUntil), "--split-until"),
            Models = parsed.GetValue(model)!,
            Force = parsed.GetValue(force),
            MaxParallel = parallel,
            Memory = Bytes(parsed.GetValue(memory)),
            Engine = parsed.GetValue(engine)!,
        };
        return request.From is { } start && request.To is { } end && start >= end
            ? throw new DefinitionException($"--from {start:yyyy-MM-dd} is not before --to {end:yyyy-MM-dd}; the end is exclusive.") : request;
    }

    /// <summary>The same with settings given for the run.</summary>
    internal RunRequest RequestWithSettings(ParseResult parsed) => Request(parsed) with { Settings = WithSink(Settings(parsed, set), parsed.GetValue(sink)) };

    protected (Session Session, Job Job, RunRequest Request) Open(ParseResult parsed)
    {
        var request = RequestWithSettings(parsed);
        var found = Find(parsed.GetValue(job)!);
        var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), request.Settings, request.Memory, request.Engine) { Sources = Session.SourcesOf(found) });
        // Kept with the run, so that a retry meets the same ledger wherever the setting came from.
        var settings = session.Configuration[SinkAddress.Setting] is { } address ? request.Settings.With([new(SinkAddress.Setting, address)]) : request.Settings;
        return (session, found, request with { DeadLetterLimit = session.DeadLetterLimit, Settings = settings });
    }
}
