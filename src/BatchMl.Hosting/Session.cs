using System.Globalization;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting.Places;
using BatchMl.Runs;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting;

/// <summary>How a workspace is opened.</summary>
/// <param name="Workspace">Its folder; null: what the settings say.</param>
/// <param name="Settings">Settings that win over all others.</param>
/// <param name="Memory">Memory budget for features in bytes; 0: half of the machine's.</param>
/// <param name="Engine">Name of the engine.</param>
public sealed record SessionOptions(string? Workspace, IReadOnlyDictionary<string, string?> Settings, long Memory = 0, string Engine = LocalEngine.EngineName)
{
    /// <summary>Sources that will be read: what is wrong with how they are bound is told with all else that is wrong.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];
}

/// <summary>Where the catalog is.</summary>
/// <param name="Workspace">The workspace.</param>
/// <param name="Postgres">Connection string of the PostgreSQL database that has it; null: it is a file in the workspace. May hold a password: never to be shown.</param>
public sealed record CatalogContext(Workspace Workspace, string? Postgres)
{
    /// <summary>What the setting <c>Storage</c> says: <c>memory</c> (the default) or <c>postgres://USER:PASSWORD@HOST:PORT/DATABASE</c>, or a reference to a secret that does.</summary>
    /// <exception cref="DefinitionException">It says something else.</exception>
    internal static CatalogContext Of(Workspace workspace, ProgramSettings settings)
    {
        var storage = Secret.Resolve(settings.Configuration[ProgramSettings.Names.Storage], ProgramSettings.Names.Storage, settings.Origin(ProgramSettings.Names.Storage));
        if (storage is null or "memory") return new CatalogContext(workspace, null);
        // What was got is not shown: it may hold a password.
        return storage.StartsWith("postgres://", StringComparison.Ordinal) || storage.StartsWith("postgresql://", StringComparison.Ordinal)
            ? new CatalogContext(workspace, storage) : throw new DefinitionException($"Storage ({settings.Origin(ProgramSettings.Names.Storage)}) is neither 'memory' nor begins with 'postgres://'. Expected e.g. postgres://batchml@db.example/batchml, or env:NAME or file:PATH of such a text.");
    }
}

/// <summary>Who is told what engines say.</summary>
public sealed class Said
{
    internal Said(Action<string> to) => To = to;

    /// <summary>Gets each line; at first the error stream.</summary>
    public Action<string> To { get; set; }
}

/// <summary>An opened workspace.</summary>
public sealed class Session : IAsyncDisposable
{
    readonly Func<string, IReadOnlyDictionary<string, string>, IBatchSource> openFile;
    readonly Func<IEnumerable<string>, PlanSection> bound;

    internal Session(
        IConfiguration configuration, CatalogContext store, Said said, Func<string, IReadOnlyDictionary<string, string>, IBatchSource> openFile, Func<IEnumerable<string>, PlanSection> bound, JobEnvironment environment) =>
        (Configuration, Store, Said, this.openFile, this.bound, Environment) = (configuration, store, said, openFile, bound, environment);

    /// <summary>Where lines of the engine go: to the error stream, or to whoever shows progress.</summary>
    public Said Said { get; }

    /// <summary>All settings.</summary>
    public IConfiguration Configuration { get; }

    /// <summary>Where the catalog is.</summary>
    public CatalogContext Store { get; }

    /// <summary>What jobs run in.</summary>
    public JobEnvironment Environment { get; }

    /// <summary>A file that no setting names, by its extension.</summary>
    /// <param name="path">File, folder or glob.</param>
    /// <param name="types">As <see cref="SourceBinding.Types"/>.</param>
    public IBatchSource OpenFile(string path, IReadOnlyDictionary<string, string> types) => openFile(path, types);

    /// <summary>Where all is that a step of a job uses, and who says so.</summary>
    internal PlanSection Bound(DatasetJob step) => bound(SourcesOf(step));

    /// <summary>The sources that a job reads, by name.</summary>
    internal static IReadOnlyList<string> SourcesOf(Job job) => job is PipelineJob pipeline ? [.. pipeline.Steps.SelectMany(SourcesOf).Distinct()]
        : [.. ((DatasetJob)job).Queries.SelectMany(q => q.Views.Select(v => v.View.Source).Prepend(q.Spine.Source).Concat(q.Label is FutureLabel future ? [future.Source] : [])).Select(s => s.Name).Distinct()];

    /// <summary>Dead letters that a run may have by the setting <c>DeadLetterLimit</c>; null: it is not set.</summary>
    /// <exception cref="DefinitionException">It is no number.</exception>
    public long? DeadLetterLimit => Configuration["DeadLetterLimit"] is not { } text ? null : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
        ? limit : throw new DefinitionException($"DeadLetterLimit is '{text}'; expected a number of rows, 0 or more.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Environment.Engine is IAsyncDisposable engine) await engine.DisposeAsync();
        if (Environment.Scores is IDisposable sink) sink.Dispose();
        await Environment.Catalog.DisposeAsync();
        Environment.Logging.Dispose();
    }
}
