using System.Text.Json.Serialization;

namespace BatchMl.BigQuery.Client;

/// <summary>What a job is to do: exactly one of load, copy and query.</summary>
public sealed record JobConfiguration
{
    /// <summary>Go to the bill; can not be changed later. See <see cref="BigQueryLabels"/>.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>After so many milliseconds BigQuery tries to end it; null: its own limit.</summary>
    public long? JobTimeoutMs { get; init; }

    /// <summary>Only says what it would cost.</summary>
    public bool? DryRun { get; init; }

    /// <summary>Files into a table; null: another kind of job.</summary>
    public LoadConfiguration? Load { get; init; }

    /// <summary>Tables into a table; null: another kind of job.</summary>
    public CopyConfiguration? Copy { get; init; }

    /// <summary>A statement; null: another kind of job.</summary>
    public QueryConfiguration? Query { get; init; }

    /// <summary>Where it writes to; null: nowhere that is said.</summary>
    [JsonIgnore]
    internal TableReference? Destination => Load?.DestinationTable ?? Copy?.DestinationTable ?? Query?.DestinationTable;
}

/// <summary>Files into a table. Parquet files should have optional columns only, and <see cref="Schema"/> should always be given.</summary>
public sealed record LoadConfiguration
{
    /// <summary>The table, or one partition of it.</summary>
    public required TableReference DestinationTable { get; init; }

    /// <summary>What the files are; BigQuery's own default is CSV.</summary>
    public string SourceFormat { get; init; } = "PARQUET";

    /// <summary><c>gs://</c> addresses, with one <c>*</c> at most; null: the file that is sent along.</summary>
    public IReadOnlyList<string>? SourceUris { get; init; }

    /// <summary>The table's columns: without it, the files' optional columns would relax required ones, which fails.</summary>
    public BigQuerySchema? Schema { get; init; }

    /// <summary>One of <see cref="Client.CreateDisposition"/>; null: if needed.</summary>
    public string? CreateDisposition { get; init; }

    /// <summary>One of <see cref="Client.WriteDisposition"/>; null: append.</summary>
    public string? WriteDisposition { get; init; }

    /// <summary>Of <see cref="SchemaUpdate"/>; null: the schema stays.</summary>
    public IReadOnlyList<string>? SchemaUpdateOptions { get; init; }

    /// <summary>Of a table that is made; must be an existing one's.</summary>
    public TimePartitioning? TimePartitioning { get; init; }

    /// <summary>Of a table that is made; must be an existing one's.</summary>
    public RangePartitioning? RangePartitioning { get; init; }

    /// <summary>Of a table that is made; must be an existing one's.</summary>
    public Clustering? Clustering { get; init; }

    /// <summary>How Parquet is read.</summary>
    public ParquetOptions? ParquetOptions { get; init; }

    /// <summary>What decimals become: the first that holds them; null: NUMERIC.</summary>
    public IReadOnlyList<string>? DecimalTargetTypes { get; init; }

    /// <summary>Leave out columns that the table does not have, instead of failing.</summary>
    public bool? IgnoreUnknownValues { get; init; }

    /// <summary>A key of the user's own for a table that is made; null: Google's.</summary>
    public EncryptionConfiguration? DestinationEncryptionConfiguration { get; init; }
}

/// <summary>How Parquet is read.</summary>
public sealed record ParquetOptions
{
    /// <summary>A list is a repeated column, not a record with a repeated field.</summary>
    public bool? EnableListInference { get; init; } = true;

    /// <summary>An enumeration is text, not bytes.</summary>
    public bool? EnumAsString { get; init; }
}

/// <summary>Tables, or partitions, into one, at once and free of charge.</summary>
public sealed record CopyConfiguration
{
    /// <summary>What is copied, if it is one; null: see <see cref="SourceTables"/>.</summary>
    public TableReference? SourceTable { get; init; }

    /// <summary>What is copied; null: see <see cref="SourceTable"/>.</summary>
    public IReadOnlyList<TableReference>? SourceTables { get; init; }

    /// <summary>The table, or one partition of it.</summary>
    public required TableReference DestinationTable { get; init; }

    /// <summary>One of <see cref="Client.CreateDisposition"/>; null: if needed.</summary>
    public string? CreateDisposition { get; init; }

    /// <summary>One of <see cref="Client.WriteDisposition"/>; null: only into an empty table.</summary>
    public string? WriteDisposition { get; init; }

    /// <summary><c>COPY</c>, <c>SNAPSHOT</c>, <c>CLONE</c> or <c>RESTORE</c>; null: copy.</summary>
    public string? OperationType { get; init; }
}

/// <summary>A statement of GoogleSQL.</summary>
public sealed record QueryConfiguration
{
    /// <summary>The statement.</summary>
    public required string Query { get; init; }

    /// <summary>Always false here: true is BigQuery's default.</summary>
    public bool UseLegacySql { get; init; }

    /// <summary>Of tables that are named without one; null: none.</summary>
    public DatasetReference? DefaultDataset { get; init; }

    /// <summary>Where the answer goes; null: a hidden table that lives a day.</summary>
    public TableReference? DestinationTable { get; init; }

    /// <summary>One of <see cref="Client.CreateDisposition"/>; null: if needed.</summary>
    public string? CreateDisposition { get; init; }

    /// <summary>One of <see cref="Client.WriteDisposition"/>; null: only into an empty table.</summary>
    public string? WriteDisposition { get; init; }

    /// <summary>Fails before it reads more; null: no limit.</summary>
    public long? MaximumBytesBilled { get; init; }

    /// <summary>Whether the same query's earlier answer will do; null: yes.</summary>
    public bool? UseQueryCache { get; init; }
}

/// <summary>Whether a job makes its table.</summary>
public static class CreateDisposition
{
    /// <summary>Yes.</summary>
    public const string IfNeeded = "CREATE_IF_NEEDED";

    /// <summary>No: fails with <c>notFound</c>.</summary>
    public const string Never = "CREATE_NEVER";
}

/// <summary>What becomes of rows that are there. Each takes effect at once, at the job's end.</summary>
public static class WriteDisposition
{
    /// <summary>They stay.</summary>
    public const string Append = "WRITE_APPEND";

    /// <summary>They go, and schema and constraints with them; of a partition only its rows.</summary>
    public const string Truncate = "WRITE_TRUNCATE";

    /// <summary>They go; schema and constraints stay.</summary>
    public const string TruncateData = "WRITE_TRUNCATE_DATA";

    /// <summary>There may be none: fails with <c>duplicate</c>.</summary>
    public const string Empty = "WRITE_EMPTY";
}

/// <summary>How a load may change its table's schema.</summary>
public static class SchemaUpdate
{
    /// <summary>New columns, nullable or repeated.</summary>
    public const string Addition = "ALLOW_FIELD_ADDITION";

    /// <summary>Required columns become nullable.</summary>
    public const string Relaxation = "ALLOW_FIELD_RELAXATION";
}
