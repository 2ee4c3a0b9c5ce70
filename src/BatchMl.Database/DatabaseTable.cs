using System.Data;
using BatchMl.Lineage;

namespace BatchMl.Database;

/// <summary>A table or query of a database as a source.</summary>
public sealed record DatabaseTable
{
    /// <summary>The source's name.</summary>
    public required string Name { get; init; }

    /// <summary>The workspace's folder, absolute.</summary>
    public required string Workspace { get; init; }

    /// <summary>A table or view, as SQL writes it, e.g. <c>air.flights</c>; null: <see cref="Sql"/> is given.</summary>
    public string? Table { get; init; }

    /// <summary>A SELECT in the database's dialect; null: <see cref="Table"/> is given.</summary>
    public string? Sql { get; init; }

    /// <summary>An expression in the database's dialect, e.g. <c>date(time_hour)</c>: rows of one value are one file, so that an appended day changes only what can see it. Null: all rows are one file.</summary>
    public string? PartitionBy { get; init; }

    /// <summary>
    /// A column, or an expression in the database's dialect, that gets another value whenever a row is written, e.g. <c>updated_at</c>. Only chunks in which the number of rows or their watermarks changed are read again; a change that leaves both as
    /// they were is not seen. Needs <see cref="PartitionBy"/>; a row without a value is an error. Null: all rows are read at every plan.
    /// </summary>
    public string? Watermark { get; init; }

    /// <summary>An aggregate of the watermarks of a chunk's rows in the database's dialect, <c>{0}</c> for one: it differs where they do. By default their greatest, which a transaction that ends late may not change.</summary>
    public string WatermarkDigest { get; init; } = "max({0})";

    /// <summary>What makes the rows those of one instant; <see cref="IsolationLevel.Snapshot"/> where a database calls it so. Default: repeatable read.</summary>
    public IsolationLevel Isolation { get; init; } = IsolationLevel.RepeatableRead;

    /// <summary>Its name in lineage.</summary>
    public required DatasetName Dataset { get; init; }

    /// <summary>Told in a line what is read; null: nobody is.</summary>
    public Action<string>? OnProgress { get; init; }

    /// <summary>What it is called in messages.</summary>
    internal string What => Table is { } table ? $"table {table} (source '{Name}')" : $"the query of source '{Name}'";
}
