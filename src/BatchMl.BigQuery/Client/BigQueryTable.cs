namespace BatchMl.BigQuery.Client;

/// <summary>A table or view.</summary>
public sealed record BigQueryTable
{
    /// <summary>Its name.</summary>
    public required TableReference TableReference { get; init; }

    /// <summary>Of this version of it, for a patch that must not overwrite another one.</summary>
    public string? Etag { get; init; }

    /// <summary><c>TABLE</c>, <c>VIEW</c> and others; set by BigQuery.</summary>
    public string? Type { get; init; }

    /// <summary>Its columns.</summary>
    public BigQuerySchema? Schema { get; init; }

    /// <summary>Partitions by a column of time or by the time of loading; null: not so.</summary>
    public TimePartitioning? TimePartitioning { get; init; }

    /// <summary>Partitions by a column of integers; null: not so.</summary>
    public RangePartitioning? RangePartitioning { get; init; }

    /// <summary>By which columns rows are kept together; null: none.</summary>
    public Clustering? Clustering { get; init; }

    /// <summary>Whether a query must say which partitions it reads.</summary>
    public bool? RequirePartitionFilter { get; init; }

    /// <summary>At most 64, see <see cref="BigQueryLabels"/>.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>For people.</summary>
    public string? FriendlyName { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>When it is removed, in milliseconds since 1970; null: never.</summary>
    public long? ExpirationTime { get; init; }

    /// <summary>The query of a view; null: a table.</summary>
    public ViewDefinition? View { get; init; }

    /// <summary>A key of the user's own for its data; null: Google's.</summary>
    public EncryptionConfiguration? EncryptionConfiguration { get; init; }

    /// <summary>Where its data is; set by BigQuery.</summary>
    public string? Location { get; init; }

    /// <summary>Set by BigQuery; null: not asked for (view BASIC).</summary>
    public long? NumRows { get; init; }

    /// <summary>Set by BigQuery; null: not asked for (view BASIC).</summary>
    public long? NumBytes { get; init; }

    /// <summary>Rows that were streamed in lately, which no other number counts yet; null: none.</summary>
    public StreamingBuffer? StreamingBuffer { get; init; }

    /// <summary>When it was made, in milliseconds since 1970; set by BigQuery.</summary>
    public long? CreationTime { get; init; }

    /// <summary>When it was last changed, in milliseconds since 1970; set by BigQuery.</summary>
    public long? LastModifiedTime { get; init; }
}

/// <summary>Rows that were streamed in lately.</summary>
/// <param name="EstimatedRows">About how many.</param>
public sealed record StreamingBuffer(long? EstimatedRows);

/// <summary>How much <c>tables.get</c> tells.</summary>
public static class TableView
{
    /// <summary>No statistics: cheap.</summary>
    public const string Basic = "BASIC";

    /// <summary>With numbers of rows and bytes; the default.</summary>
    public const string StorageStats = "STORAGE_STATS";

    /// <summary>Everything.</summary>
    public const string Full = "FULL";
}

/// <summary>Partitions by time.</summary>
public sealed record TimePartitioning
{
    /// <summary><c>DAY</c>, <c>HOUR</c>, <c>MONTH</c> or <c>YEAR</c>.</summary>
    public required string Type { get; init; }

    /// <summary>A column of DATE, TIMESTAMP or DATETIME; null: the time of loading.</summary>
    public string? Field { get; init; }

    /// <summary>After so many milliseconds a partition is removed; null: never.</summary>
    public long? ExpirationMs { get; init; }
}

/// <summary>Partitions by integers.</summary>
public sealed record RangePartitioning
{
    /// <summary>A column of INT64.</summary>
    public required string Field { get; init; }

    /// <summary>Which integers make which partition.</summary>
    public required IntegerRange Range { get; init; }
}

/// <summary>Partitions <c>[start, start + interval)</c>, and so on until end.</summary>
/// <param name="Start">The first integer.</param>
/// <param name="End">The integer after the last.</param>
/// <param name="Interval">How many integers make a partition.</param>
public sealed record IntegerRange(long Start, long End, long Interval);

/// <summary>Which columns rows are ordered by.</summary>
/// <param name="Fields">At most four; their order matters.</param>
public sealed record Clustering(IReadOnlyList<string> Fields);

/// <summary>What a view shows.</summary>
/// <param name="Query">Its SQL.</param>
/// <param name="UseLegacySql">Always false here: true is BigQuery's default.</param>
public sealed record ViewDefinition(string Query, bool UseLegacySql = false);

/// <summary>A key of the user's own.</summary>
/// <param name="KmsKeyName"><c>projects/…/cryptoKeys/…</c>.</param>
public sealed record EncryptionConfiguration(string KmsKeyName);
