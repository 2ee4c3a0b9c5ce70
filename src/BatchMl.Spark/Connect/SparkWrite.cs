namespace BatchMl.Spark.Connect;

/// <summary>What a write does where something is already.</summary>
public enum SparkWriteMode
{
    /// <summary>Fails.</summary>
    ErrorIfExists,

    /// <summary>Adds.</summary>
    Append,

    /// <summary>Replaces; with the session's <c>spark.sql.sources.partitionOverwriteMode=dynamic</c> only the partitions that are written.</summary>
    Overwrite,

    /// <summary>Writes nothing.</summary>
    Ignore,
}

/// <summary>Where and how a relation is written: to a path, to a table, or (format <c>noop</c>) nowhere.</summary>
public sealed record SparkWrite
{
    /// <summary>Folder to write, as the executors see it; null: none.</summary>
    public string? Path { get; init; }

    /// <summary>Table to write, quoted where needed (<see cref="SparkRelation.Quote"/>); null: none. Not beside a path.</summary>
    public string? Table { get; init; }

    /// <summary>Spark's name of the format; <c>parquet</c> by default.</summary>
    public string Format { get; init; } = "parquet";

    /// <summary>What is done where something is already; fails by default.</summary>
    public SparkWriteMode Mode { get; init; }

    /// <summary>Options of the format.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Columns whose values become folders.</summary>
    public IReadOnlyList<string> PartitionColumns { get; init; } = [];

    internal Proto.WriteOperation ToProto(Proto.Relation input)
    {
        if (Path is not null && Table is not null)
            throw new DefinitionException($"A write goes to a path or to a table; got the path '{Path}' and the table '{Table}'.");
        var write = new Proto.WriteOperation { Input = input, Source = Format, Options = { (IDictionary<string, string>)Options.ToDictionary() } };
        write.PartitioningColumns.AddRange(PartitionColumns);
        if (Path is not null) write.Path = Path;
        if (Table is not null)
            write.Table = new() { TableName = Table, SaveMethod = Proto.WriteOperation.Types.SaveTable.Types.TableSaveMethod.SaveAsTable };
        write.Mode = Mode switch
        {
            SparkWriteMode.ErrorIfExists => Proto.WriteOperation.Types.SaveMode.ErrorIfExists,
            SparkWriteMode.Append => Proto.WriteOperation.Types.SaveMode.Append,
            SparkWriteMode.Overwrite => Proto.WriteOperation.Types.SaveMode.Overwrite,
            SparkWriteMode.Ignore => Proto.WriteOperation.Types.SaveMode.Ignore,
            _ => throw new DefinitionException($"Got the write mode {Mode}, expected one of {string.Join(", ", Enum.GetNames<SparkWriteMode>())}."),
        };
        return write;
    }
}
