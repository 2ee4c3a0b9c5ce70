using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>A table, a partition of one, or a query as a source.</summary>
public sealed record BigQuerySourceOptions
{
    /// <summary>The source's name.</summary>
    public required string Name { get; init; }

    /// <summary>Where BigQuery is and who asks.</summary>
    public required BigQueryClientOptions Client { get; init; }

    /// <summary>The workspace that rows are copied into, absolute.</summary>
    public required string Workspace { get; init; }

    /// <summary>A table, or with a decorator (<c>flights$20131001</c>) one partition of it; null: <see cref="Sql"/> is given.</summary>
    public TableReference? Table { get; init; }

    /// <summary>A query in GoogleSQL; null: <see cref="Table"/> is given.</summary>
    public string? Sql { get; init; }

    /// <summary>
    /// A column: rows of one value of it, or of one day where it is a DATE, TIMESTAMP or DATETIME, are compared and kept as one chunk, so that an appended day changes only what can see it. Null: the column that the table is partitioned by;
    /// without one all rows are one chunk, and any change of them changes all.
    /// </summary>
    public string? PartitionBy { get; init; }

    /// <summary>A query that would be billed more bytes is refused before it runs; null: no limit. Reading tables is free.</summary>
    public long? MaxBytesBilled { get; init; }

    /// <summary>Labels of query jobs. Default none.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Told in a line what is being read; null: nobody is.</summary>
    public Action<string>? OnProgress { get; init; }

    /// <summary>The table that a setting names: <c>PROJECT.DATASET.TABLE</c>, <c>DATASET.TABLE</c> of a project, or the first with a colon, as BigQuery writes it.</summary>
    /// <exception cref="DefinitionException">It names none.</exception>
    public static TableReference TableOf(string text, string? project)
    {
        var parts = text.Replace(':', '.').Trim('`').Split('.');
        // Projects of a domain have dots and a colon of their own in them.
        var table = parts switch
        {
            [.. var owner, var dataset, var name] when owner.Length > 0 => new TableReference(text.Contains(':', StringComparison.Ordinal) && owner.Length > 1 ? $"{string.Join('.', owner[..^1])}:{owner[^1]}" : string.Join('.', owner), dataset, name),
            [var dataset, var name] when project is not null => new TableReference(project, dataset, name),
            _ => throw new DefinitionException($"'{text}' names no table of BigQuery. Expected PROJECT.DATASET.TABLE, e.g. my-project.air.flights, and after '$' a partition if only one is meant; without the project only where BigQuery:Project says it."),
        };
        BigQueryNames.Check(table);
        return table;
    }
}
