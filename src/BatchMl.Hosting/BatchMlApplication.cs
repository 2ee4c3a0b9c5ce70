using System.CommandLine;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting.Backends;
using BatchMl.Hosting.Output;
using BatchMl.Hosting.Verbs;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Spark.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace BatchMl.Hosting;

/// <summary>
/// The program around jobs: verbs, configuration and progress. A <c>Program.cs</c> is
/// <c>return await BatchMlApplication.Create(() => [MyJob]).RunAsync(args);</c>, with another backend put in the place of one by <c>with { … }</c>.
/// </summary>
public sealed record BatchMlApplication
{
    /// <summary>An application over jobs, with all backends: files, databases, BigQuery and Spark as sources, Parquet and BigQuery as sinks, a catalog in SQLite or PostgreSQL, LightGBM and ONNX, Spark as engine.</summary>
    /// <param name="jobs">Makes the jobs, see <see cref="Jobs"/>.</param>
    public static BatchMlApplication Create(Func<IReadOnlyList<Job>> jobs) => OwnAssemblies.Problem is { } problem ? Refusing(problem) : AllBackends.Of(jobs);

    /// <summary>Makes the jobs; called once, so that an error in a definition is reported like any other.</summary>
    public required Func<IReadOnlyList<Job>> Jobs { get; init; }

    /// <summary>Opens tables, by format: <c>parquet</c>, <c>csv</c>, <c>json</c>, <c>sql</c>, <c>spark</c>, <c>postgres</c>.</summary>
    public required IReadOnlyDictionary<string, Func<SourceBinding, SessionContext, IBatchSource>> SourceFormats { get; init; }

    /// <summary>Makes the sink of a workspace.</summary>
    public required Func<Workspace, IBatchSink> Sink { get; init; }

    /// <summary>Makes other sinks for scored rows, by the scheme of the address that <c>--sink</c> takes. Such a sink's settings are in the section of that name.</summary>
    public IReadOnlyDictionary<string, Func<Uri, SessionContext, IBatchSink>> ScoreSinks { get; init; } = new Dictionary<string, Func<Uri, SessionContext, IBatchSink>>();

    /// <summary>Opens the catalog of a workspace.</summary>
    public required Func<CatalogContext, ICatalog> Catalog { get; init; }

    /// <summary>Opens what a server keeps in the same store; null: this program has no server.</summary>
    public Func<CatalogContext, IOperations>? Operations { get; init; }

    /// <summary>Verbs beside those that are always there, e.g. a server's.</summary>
    public IReadOnlyList<Func<BatchMlApplication, Verb>> MoreVerbs { get; init; } = [];

    /// <summary>Makes the spill of a workspace for a memory budget in bytes; null: nothing is spilled.</summary>
    public Func<Workspace, long, SpillFactory>? Spill { get; init; }

    /// <summary>Loads models, by flavor.</summary>
    public required IReadOnlyDictionary<string, ScorerFactory> Scorers { get; init; }

    /// <summary>Engines beside the local one, by name: what <c>--engine</c> takes.</summary>
    public IReadOnlyDictionary<string, Func<SessionContext, IEngine>> Engines { get; init; } = new Dictionary<string, Func<SessionContext, IEngine>>();

    /// <summary>What verbs write rows to, by a file's extension: <c>.parquet</c>, <c>.csv</c>.</summary>
    public IReadOnlyDictionary<string, TableFileFactory> TableFiles { get; init; } = new Dictionary<string, TableFileFactory>();

    /// <summary>Answers a query over the datasets of a workspace; null: this program has no verb for that.</summary>
    public Func<Workspace, string, IBatchSource>? Query { get; init; }

    /// <summary>"Now".</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Folder of <c>appsettings.json</c>; by default that of the program.</summary>
    public string ConfigurationFolder { get; init; } = AppContext.BaseDirectory;

    /// <summary>Where results are written to; by default the console.</summary>
    public TextWriter Out { get; init; } = Console.Out;

    /// <summary>Where progress and errors are written to; by default the console's error stream.</summary>
    public TextWriter Error { get; init; } = Console.Error;

    /// <summary>
    /// Runs the command line of a program, as the whole of its <c>Main</c>: Ctrl-C and SIGTERM end it in order, and where Spark started the program in the place of Python, it is a worker of Spark's. What is
    /// written to standard output before is read by Spark.
    /// </summary>
    /// <returns>The exit code: 0 done, 1 failed, 2 usage or definition error, 3 more dead letters than allowed.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        if (OwnAssemblies.Problem is null && SparkWorker.IsWorker(args)) return await SparkWorker.RunAsync(args, SparkBackend.Functions(this));
        using var signals = new StopSignals();
        return await RunAsync(args, signals.Token);
    }

    /// <summary>Runs a command line in a program that is stopped otherwise, e.g. a test: neither signals nor Spark are looked after.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="cancel">Ends it in order.</param>
    /// <returns>The exit code: 0 done, 1 failed, 2 usage or definition error, 3 more dead letters than allowed.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> args, CancellationToken cancel)
    {
        if (OwnAssemblies.Problem is not null)
        {
            await Error.WriteLineAsync(OwnAssemblies.Problem);
            return ExitCodes.Usage;
        }
        var root = new RootCommand("BatchMl: batch inference and training data, point-in-time correct. A job is planned, run, and its results and lineage kept in a workspace.");
        foreach (var verb in Commands()) root.Subcommands.Add(verb);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) await Error.WriteLineAsync(error.Message);
            await Error.WriteLineAsync($"See '{string.Join(' ', parsed.CommandResult.Command.Name)} --help'.");
            return ExitCodes.Usage;
        }
        using var export = OtlpExport.Start();
        try
        {
            // Signals are the program's own to handle: two handlers of one signal would race to end it.
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = Out, Error = Error };
            return await parsed.InvokeAsync(invocation, cancel);
        }
        catch (Exception e) when (Causes(e).OfType<DefinitionException>().FirstOrDefault() is { } definition)
        {
            foreach (var problem in definition.Problems) await Error.WriteLineAsync(problem);
            return ExitCodes.Usage;
        }
        catch (OperationCanceledException)
        {
            await Error.WriteLineAsync("Cancelled.");
            return ExitCodes.Failed;
        }
        catch (BatchMlException e)
        {
            await Error.WriteLineAsync(e.Message);
            return e is DeadLetterLimitException ? ExitCodes.DeadLetters : ExitCodes.Failed;
        }
    }

    // Backends of another version can not even be named without an exception of the runtime's.
    static BatchMlApplication Refusing(string problem) => new()
    {
        Jobs = () => throw new DefinitionException(problem), Sink = _ => throw new DefinitionException(problem), Catalog = _ => throw new DefinitionException(problem),
        SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>(), Scorers = new Dictionary<string, ScorerFactory>(),
    };

    // A definition in a static field that is wrong surfaces as the inner exception of a type initialiser.
    static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException) yield return e;
    }

    IEnumerable<Command> Commands() =>
    [
        new ListVerb(this).Command, new PlanVerb(this).Command, new RunVerb(this).Command, new BackfillVerb(this).Command, new StatusVerb(this).Command, new RetryVerb(this).Command,
        new ReplayVerb(this).Command, new ExplainVerb(this).Command, new LineageVerb(this).Command, new FeaturesVerb(this).Command, new ScaffoldVerb(this).Command,
        .. Query is null ? Array.Empty<Command>() : [new QueryVerb(this, Query).Command], .. MoreVerbs.Select(v => v(this).Command),
    ];

    /// <summary>Jobs by name, the steps of pipelines among them.</summary>
    /// <exception cref="DefinitionException">A definition is wrong, or two jobs have one name.</exception>
    public IReadOnlyDictionary<string, Job> NamedJobs()
    {
        var named = new Dictionary<string, Job>(StringComparer.Ordinal);
        foreach (var job in Jobs().SelectMany(j => j is PipelineJob p ? [p, .. p.Steps] : new[] { j }))
        {
            if (named.TryGetValue(job.Name, out var other) && !ReferenceEquals(other, job)) throw new DefinitionException($"Two jobs are called '{job.Name}'; a name is one job for ever.");
            named[job.Name] = job;
        }
        return named;
    }

    /// <summary>A job by its name.</summary>
    /// <exception cref="DefinitionException">There is none; proposes the nearest.</exception>
    public Job FindJob(string name)
    {
        var jobs = NamedJobs();
        return jobs.TryGetValue(name, out var job) ? job : throw Nearest.Unknown("job", name, jobs.Keys);
    }

    /// <summary>
    /// What tasks of another machine's engine run in: the sources, sink and scorers of this program for a workspace. Its catalog is not to be used.
    /// </summary>
    /// <param name="workspace">Folder of the workspace.</param>
    /// <param name="settings">Settings of the driver, as <see cref="SessionContext.SourceSettings"/>.</param>
    public JobEnvironment TaskEnvironment(string workspace, IReadOnlyDictionary<string, string?> settings) => Open(new SessionOptions(workspace, settings)).Environment;

    /// <summary>The configuration of this program: <c>appsettings.json</c>, that of the environment, <c>BATCHML_…</c> variables, and given settings; the later one wins.</summary>
    public IConfiguration Configuration(IReadOnlyDictionary<string, string?> settings) => new ConfigurationBuilder()
        .SetBasePath(ConfigurationFolder)
        .AddJsonFile("appsettings.json", optional: true)
        .AddJsonFile($"appsettings.{Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? "Production"}.json", optional: true)
        .AddEnvironmentVariables("BATCHML_")
        .AddInMemoryCollection(settings)
        .Build();

    /// <summary>Opens a workspace with the <see cref="Configuration"/> of this program.</summary>
    /// <exception cref="DefinitionException">Something in the configuration is wrong.</exception>
    public Session Open(SessionOptions options)
    {
        var configuration = Configuration(options.Settings);
        var workspace = new Workspace(options.Workspace);
        var sources = new SourceBindings(configuration, SourceFormats, ConfigurationFolder);
        var said = new Said(Error.WriteLine);
        var store = CatalogContext.Of(workspace, configuration);
        var address = SinkAddress.Of(configuration["Sink"], ScoreSinks.Keys);
        var context = new SessionContext(workspace, configuration, sources.Settings().With(SinkAddress.Settings(address, configuration)), line => said.To(line));
        var sink = Sink(workspace);
        return new Session(configuration, store, said, (path, types) => sources.OpenFile(path, types, context), new JobEnvironment
        {
            Workspace = workspace,
            Catalog = Catalog(store),
            Sink = sink,
            Scores = address is null ? sink : ScoreSinks[address.Scheme](address, context),
            Models = new ModelStore(workspace.Models),
            Sources = name => sources.Open(name, context),
            Readiness = sources.Readiness,
            Engine = options.Engine == LocalEngine.EngineName
                ? new LocalEngine(Spill?.Invoke(workspace, options.Memory))
                : Engines[options.Engine](context),
            Scorers = Scorers,
            LineageReceiver = LineageSettings.Receiver(configuration),
            Clock = Clock,
            Logging = TextLoggerProvider.Factory(Error, configuration.GetSection("Logging:LogLevel")),
        });
    }
}

/// <summary>What engines and sources are made in.</summary>
/// <param name="Workspace">The workspace.</param>
/// <param name="Configuration">All settings.</param>
/// <param name="SourceSettings">Where sources and scored rows are, with absolute paths: for processes elsewhere, which are given them as settings.</param>
/// <param name="Tell">Tells the user a line.</param>
public sealed record SessionContext(Workspace Workspace, IConfiguration Configuration, IReadOnlyDictionary<string, string?> SourceSettings, Action<string> Tell);
