using BatchMl.Data;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting;

/// <summary>
/// Where a source is: the section <c>Sources:NAME</c> of the configuration. <c>Path</c> is a file, a folder or a glob, relative to the folder of the
/// configuration file; <c>Format</c> is <c>parquet</c>, <c>csv</c>, <c>json</c>, <c>sql</c>, <c>spark</c>, <c>bigquery</c> or <c>postgres</c> (by default from the path's extension, otherwise parquet);
/// <c>Sql</c> and <c>Files</c> belong to format sql; <c>Table</c> or <c>Sql</c>, and <c>PartitionBy</c>, to formats spark, bigquery and postgres, <c>Connection</c> to postgres; <c>Ready</c> says
/// what tells that the source is ready for a partition.
/// </summary>
public sealed record SourceBinding
{
    /// <summary>The source's name.</summary>
    public string Name { get; init; } = "";
    /// <summary>File, folder or glob; absolute once it is bound.</summary>
    public string Path { get; init; } = "";
    /// <summary>Format name.</summary>
    public string? Format { get; init; }
    /// <summary>A query, in DuckDB's dialect for format sql, in Spark's for format spark, in GoogleSQL for format bigquery, in PostgreSQL's for format postgres.</summary>
    public string? Sql { get; init; }
    /// <summary>Files that the query reads: their identity is the source's.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
    /// <summary>A table or view of Spark or PostgreSQL, for formats spark and postgres; a table or partition of BigQuery, <c>PROJECT.DATASET.TABLE</c>, for format bigquery.</summary>
    public string? Table { get; init; }
    /// <summary>An expression in Spark's or PostgreSQL's dialect, e.g. <c>date(time_hour)</c>: rows of one value are compared and copied together. For formats spark and postgres. For format bigquery the name of a column; by default the one that the table is partitioned by.</summary>
    public string? PartitionBy { get; init; }
    /// <summary>How a database is reached, as a reference to a secret: <c>env:NAME</c> or <c>file:PATH</c>. For format postgres.</summary>
    public string? Connection { get; init; }
    /// <summary>What tells that it is ready for a partition, see <see cref="ReadyRule"/>: <c>none</c> (the default), <c>watermark</c> or <c>success</c>.</summary>
    public string? Ready { get; init; }
    /// <summary>Column types by name in DuckDB's words, for CSV columns that would be guessed wrong.</summary>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();
}

/// <summary>All bindings of a configuration.</summary>
sealed class SourceBindings(IConfiguration configuration, IReadOnlyDictionary<string, Func<SourceBinding, SessionContext, IBatchSource>> formats, string folder)
{
    public IBatchSource Open(string name, SessionContext context)
    {
        var binding = Find(name);
        var format = binding.Format ?? FormatOf(binding);
        if (!formats.TryGetValue(format, out var open))
        {
            throw new DefinitionException($"Sources:{name} has format '{format}'; there are: {string.Join(", ", formats.Keys.Order())}.");
        }
        return open(binding, context);
    }

    /// <summary>A file that is not in the configuration.</summary>
    public IBatchSource OpenFile(string path, IReadOnlyDictionary<string, string> types, SessionContext context) =>
        formats[FormatOfPath(path)](new SourceBinding { Name = path, Path = path, Types = types }, context);

    /// <summary>When a source is ready.</summary>
    /// <exception cref="DefinitionException">It is not bound, or <c>Ready</c> is no such rule.</exception>
    public SourceReadiness Readiness(string name)
    {
        var binding = Find(name);
        ReadyRule rule = binding.Ready?.ToLowerInvariant() switch
        {
            null or "none" => ReadyRule.None,
            "watermark" => ReadyRule.Watermark,
            "success" => ReadyRule.Success,
            _ => throw new DefinitionException($"Sources:{name}:Ready is '{binding.Ready}'; expected none, watermark (its newest row is at or behind a partition's last as_of) or success (a file _SUCCESS or _manifest.json)."),
        };
        string[] paths = [.. binding.Files.Prepend(binding.Path).Where(p => p.Length > 0)];
        return rule != ReadyRule.Success || paths.Length > 0 ? new SourceReadiness(rule, paths)
            : throw new DefinitionException($"Sources:{name}:Ready is success, but the source has neither Path nor Files, so there is no folder that a marker file could be in. Expected none or watermark.");
    }

    SourceBinding Find(string name)
    {
        var section = configuration.GetSection("Sources").GetSection(name);
        if (!section.Exists())
        {
            var bound = configuration.GetSection("Sources").GetChildren().Select(c => c.Key).ToArray();
            throw new DefinitionException(
                $"Source '{name}' is not bound to a place. Bound are: {(bound.Length == 0 ? "none" : string.Join(", ", bound))}. "
                + $"Add \"Sources\": {{ \"{name}\": {{ \"Path\": \"…\" }} }} to appsettings.json, or --set Sources:{name}:Path=….");
        }
        var binding = (section.Value is { } shorthand ? new SourceBinding { Path = shorthand } : section.Get<SourceBinding>()!) with { Name = name };
        if (binding.Path.Length == 0 && binding.Sql is null && binding.Table is null) throw new DefinitionException($"Sources:{name} has neither Path nor Sql nor Table; it needs one.");
        return binding with { Path = Absolute(binding.Path), Files = [.. binding.Files.Select(Absolute)] };
    }

    /// <summary>All bindings as settings, with absolute paths.</summary>
    public IReadOnlyDictionary<string, string?> Settings()
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in configuration.GetSection("Sources").AsEnumerable())
        {
            if (value is null) continue;
            // Sources:NAME, Sources:NAME:Path and Sources:NAME:Files:0 are paths.
            var parts = key.Split(':');
            settings[key] = parts.Length == 2 || parts[2].Equals("Path", StringComparison.OrdinalIgnoreCase) || parts[2].Equals("Files", StringComparison.OrdinalIgnoreCase) ? Absolute(value) : value;
        }
        return settings;
    }

    string Absolute(string path) => path.Length == 0 || path.Contains("://", StringComparison.Ordinal) ? path : System.IO.Path.GetFullPath(path, folder);

    static string FormatOf(SourceBinding binding) => binding.Table is not null ? "spark" : binding.Sql is not null ? "sql" : FormatOfPath(binding.Path);

    /// <summary>The format that a path's extension stands for.</summary>
    public static string FormatOfPath(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" or ".tsv" => "csv",
        ".json" or ".ndjson" or ".jsonl" => "json",
        _ => "parquet",
    };
}
