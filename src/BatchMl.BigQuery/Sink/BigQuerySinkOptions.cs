using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>What becomes of rows that are in the table.</summary>
public enum BigQueryMode
{
    /// <summary>A partition of the rows takes the place of that partition of the table. The default.</summary>
    OverwritePartitions,
    /// <summary>Rows are added to those that are there; each partition once.</summary>
    Append,
    /// <summary>Rows take the place of those with equal keys; those of the partition that it no longer has go.</summary>
    Merge,
}

/// <summary>What may happen to a table whose columns are not those of the rows.</summary>
public enum SchemaEvolution
{
    /// <summary>Nothing: that is an error. The default.</summary>
    Strict,
    /// <summary>New columns are added; columns that the rows do not have stay, and are null.</summary>
    Add,
    /// <summary>That, and required columns become nullable where the rows may have nulls.</summary>
    Relax,
}

/// <summary>Which table, and how rows get into it.</summary>
public sealed record BigQuerySinkOptions
{
    /// <summary>The table, without a decorator.</summary>
    public required TableReference Table { get; init; }

    /// <summary>Where BigQuery is and who asks.</summary>
    public required BigQueryClientOptions Client { get; init; }

    /// <summary>What becomes of rows that are there.</summary>
    public BigQueryMode Mode { get; init; }

    /// <summary>Columns that tell rows apart, for <see cref="BigQueryMode.Merge"/>; otherwise empty.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>What may happen to the table's columns.</summary>
    public SchemaEvolution SchemaEvolution { get; init; }

    /// <summary>Columns that a table which is made keeps rows together by, four at most. Default none.</summary>
    public IReadOnlyList<string> Clustering { get; init; } = [];

    /// <summary>After how long BigQuery removes a partition of a table which is made, counted from the partition's date; null: never.</summary>
    public TimeSpan? PartitionExpiration { get; init; }

    /// <summary>Whether queries of a table which is made must say which partitions they read. Default false.</summary>
    public bool RequirePartitionFilter { get; init; }

    /// <summary>Labels of tables that are made and of all jobs, beside our own. Default none.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>No statement may be billed more bytes: it fails before it reads. Loads and copies are free. Null: no limit.</summary>
    public long? MaxBytesBilled { get; init; }

    /// <summary>When BigQuery removes a staging table that nobody removed before. Default a day, at least an hour.</summary>
    public TimeSpan KeepStaging { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A folder in Google Cloud Storage that staged files are sent to, and loaded from; null: the process that publishes sends them to BigQuery itself.</summary>
    public StorageObject? Staging { get; init; }

    /// <summary>Where Google Cloud Storage answers, e.g. a stand-in; null: Google's own.</summary>
    public Uri? StagingEndpoint { get; init; }

    /// <summary>A key of the user's own for tables that are made, <c>projects/…/cryptoKeys/…</c>; null: Google's.</summary>
    public string? KmsKey { get; init; }

    /// <summary>The sink's name in the ledger: another table is another ledger.</summary>
    public string Name => BigQueryAddress.Of(Table);
}
