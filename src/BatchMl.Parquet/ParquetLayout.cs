namespace BatchMl.Parquet;

/// <summary>How a sink's files are laid out, and what the ledger calls it.</summary>
public sealed record ParquetLayout
{
    /// <summary>The sink's name in the ledger. Default <c>parquet</c>.</summary>
    public string Name { get; init; } = "parquet";

    /// <summary>
    /// Files that a warehouse loads one by one: the partition column is in them, since there is no folder to tell it; every column is OPTIONAL, whatever the schema says, since a warehouse refuses a REQUIRED column for a
    /// nullable one; timestamps are microseconds. Default false: files for readers of the folder, as Hive has them.
    /// </summary>
    public bool ForOtherReaders { get; init; }
}
