using BatchMl.Data;
using BatchMl.Hosting.Places;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting;

/// <summary>
/// Where a source is: the section <c>Sources:NAME</c> of the configuration. <c>Path</c> is a file, a folder or a glob, relative to the folder of the
/// configuration file; <c>Format</c> is <c>parquet</c>, <c>csv</c>, <c>json</c>, <c>sql</c>, <c>spark</c>, <c>bigquery</c> or <c>postgres</c> (by default from the path's extension, otherwise parquet);
/// <c>Sql</c> and <c>Files</c> belong to format sql; <c>Table</c> or <c>Sql</c>, and <c>PartitionBy</c>, to formats spark, bigquery and postgres, <c>Connection</c> and <c>Watermark</c> to postgres; <c>Ready</c> says
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
    /// <summary>A query, in DuckDB's dialect for format sql, in Spark's, BigQuery's or PostgreSQL's for those formats.</summary>
    public string? Sql { get; init; }
    /// <summary>Files that the query reads: their identity is the source's.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
    /// <summary>A table or view of Spark or PostgreSQL, or a table or partition of BigQuery (<c>PROJECT.DATASET.TABLE</c>), for those formats.</summary>
    public string? Table { get; init; }
    /// <summary>An expression in the table's dialect, e.g. <c>date(time_hour)</c>: rows of one value are compared and copied together. For formats spark and postgres; for bigquery the name of a column, by default the one that the table is partitioned by.</summary>
    public string? PartitionBy { get; init; }
    /// <summary>A column, or an expression in PostgreSQL's dialect, that gets another value whenever a row is written, e.g. <c>updated_at</c>: only chunks (see <see cref="PartitionBy"/>) in which it changed are read again. For format postgres.</summary>
    public string? Watermark { get; init; }
    /// <summary>How a database is reached, as a reference to a secret: <c>env:NAME</c> or <c>file:PATH</c>. For format postgres.</summary>
    public string? Connection { get; init; }
    /// <summary>What tells that it is ready for a partition, see <see cref="ReadyRule"/>: <c>none</c> (the default), <c>watermark</c> or <c>success</c>.</summary>
    public string? Ready { get; init; }
    /// <summary>Column types by name in DuckDB's words, for CSV columns that would be guessed wrong.</summary>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();
}

/// <summary>All bindings of a configuration.</summary>
sealed class SourceBindings(ProgramSettings settings, IReadOnlyDictionary<string, Func<SourceBinding, SessionContext, IBatchSource>> formats)
{
    public IBatchSource Open(string name, SessionContext context)
    {
        var binding = Find(name);
        if (!formats.TryGetValue(FormatName(binding), out var open)) throw NoFormat(binding);
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

    /// <summary>What is wrong with how a source is bound.</summary>
    public IReadOnlyList<string> Problems(string name)
    {
        try
        {
            var binding = Find(name);
            return formats.ContainsKey(FormatName(binding)) ? [] : [NoFormat(binding).Message];
        }
        catch (DefinitionException e)
        {
            return e.Problems;
        }
    }

    /// <summary>What a source is bound to, for <c>plan</c>.</summary>
    public string Describe(string name)
    {
        var binding = Find(name);
        return new SourceSection(settings, name).Describe(binding, FormatName(binding));
    }

    DefinitionException NoFormat(SourceBinding binding) => new($"Sources:{binding.Name} has format '{FormatName(binding)}'; there are: {string.Join(", ", formats.Keys.Order())}.");

    SourceBinding Find(string name)
    {
        var sources = settings.Configuration.GetSection("Sources");
        if (!sources.GetSection(name).Exists())
        {
            var bound = sources.GetChildren().Select(c => c.Key).ToArray();
            throw new DefinitionException(
                $"Source '{name}' is not bound to a place. Bound are: {(bound.Length == 0 ? "none" : string.Join(", ", bound))}. "
                + $"Add \"Sources\": {{ \"{name}\": {{ \"Path\": \"…\" }} }} to appsettings.json, or --set Sources:{name}:Path=….");
        }
        var binding = new SourceSection(settings, name).Read();
        return binding with { Path = settings.Absolute(binding.Path), Files = [.. binding.Files.Select(settings.Absolute)] };
    }

    /// <summary>All bindings as settings, with absolute paths.</summary>
    public IReadOnlyDictionary<string, string?> Settings()
    {
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var source in settings.Configuration.GetSection("Sources").GetChildren())
            foreach (var (key, value) in new SourceSection(settings, source.Key).AsSettings()) all[key] = value;
        return all;
    }

    static string FormatName(SourceBinding binding) => binding.Format ?? FormatOf(binding);

    /// <summary>The format of a binding that names none.</summary>
    internal static string FormatOf(SourceBinding binding) => binding.Table is not null ? "spark" : binding.Sql is not null ? "sql" : FormatOfPath(binding.Path);

    /// <summary>The format that a path's extension stands for.</summary>
    public static string FormatOfPath(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" or ".tsv" => "csv",
        ".json" or ".ndjson" or ".jsonl" => "json",
        _ => "parquet",
    };
}
