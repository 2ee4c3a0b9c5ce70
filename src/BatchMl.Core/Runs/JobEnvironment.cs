using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Scoring;
using Microsoft.Extensions.Logging;

namespace BatchMl.Runs;

/// <summary>What jobs run in; put together by the composition root.</summary>
public sealed record JobEnvironment
{
    /// <summary>The folders of results.</summary>
    public required Workspace Workspace { get; init; }
    /// <summary>Runs, ledger, leases, outbox.</summary>
    public required ICatalog Catalog { get; init; }
    /// <summary>Where rows land.</summary>
    public required IBatchSink Sink { get; init; }
    /// <summary>Where scored rows land; by default where all others do.</summary>
    public IBatchSink Scores { get => field ?? Sink; init; }
    /// <summary>Where model packages land.</summary>
    public required ModelStore Models { get; init; }
    /// <summary>All places that partitions land in.</summary>
    public IEnumerable<ISink> Sinks => [Sink, Scores, Models];
    /// <summary>A source by its name in the configuration.</summary>
    /// <exception cref="DefinitionException">No such source is bound; names those that are.</exception>
    public required Func<string, IBatchSource> Sources { get; init; }
    /// <summary>When a source is ready for a partition, by its name; by default always.</summary>
    /// <exception cref="DefinitionException">What is configured for it is no such rule.</exception>
    public Func<string, SourceReadiness> Readiness { get; init; } = _ => SourceReadiness.Always;
    /// <summary>Computes features.</summary>
    public required IEngine Engine { get; init; }
    /// <summary>Loads models, by flavor.</summary>
    public required IReadOnlyDictionary<string, ScorerFactory> Scorers { get; init; }
    /// <summary>Folder of the contracts that outputs are held against; null: there are none.</summary>
    public string? Contracts { get; init; }
    /// <summary>Who gets lineage events over HTTP too; null: nobody.</summary>
    public LineageReceiver? LineageReceiver { get; init; }
    /// <summary>"Now".</summary>
    public required TimeProvider Clock { get; init; }
    /// <summary>Logs.</summary>
    public required ILoggerFactory Logging { get; init; }
}

/// <summary>The folders in a workspace.</summary>
/// <param name="root">Absolute or relative path; made when first written to.</param>
public sealed class Workspace(string root)
{
    /// <summary>Absolute path.</summary>
    public string Root { get; } = Path.GetFullPath(root);
    /// <summary>The SQLite catalog.</summary>
    public string CatalogPath => Path.Combine(Root, "catalog.db");
    /// <summary>Datasets by name.</summary>
    public string Datasets => Path.Combine(Root, "datasets");
    /// <summary>Model packages: <c>models/NAME/VERSION/</c>.</summary>
    public string Models => Path.Combine(Root, "models");
    /// <summary>OpenLineage events, NDJSON.</summary>
    public string Lineage => Path.Combine(Root, "lineage");
    /// <summary>Reports for people.</summary>
    public string Reports => Path.Combine(Root, "reports");
    /// <summary>Locks between processes.</summary>
    public string Locks => Path.Combine(Root, "locks");
    /// <summary>What is spilled to disk while a job runs.</summary>
    public string Spill => Path.Combine(Root, "spill");
}
