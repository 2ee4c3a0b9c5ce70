namespace BatchMl.BigQuery.Client;

/// <summary>A dataset: a folder of tables with one location.</summary>
public sealed record BigQueryDataset
{
    /// <summary>Its name.</summary>
    public required DatasetReference DatasetReference { get; init; }

    /// <summary>Of this version of it, for a patch that must not overwrite another one.</summary>
    public string? Etag { get; init; }

    /// <summary>Where its data is, e.g. <c>EU</c> or <c>europe-west3</c>; can not be changed; US by default.</summary>
    public string? Location { get; init; }

    /// <summary>For people.</summary>
    public string? FriendlyName { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>At most 64, see <see cref="BigQueryLabels"/>.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>After so many milliseconds new tables are removed; at least an hour; null: they stay.</summary>
    public long? DefaultTableExpirationMs { get; init; }

    /// <summary>After so many milliseconds partitions of new tables are removed; null: they stay.</summary>
    public long? DefaultPartitionExpirationMs { get; init; }

    /// <summary>When it was made, in milliseconds since 1970; set by BigQuery.</summary>
    public long? CreationTime { get; init; }

    /// <summary>When it was last changed, in milliseconds since 1970; set by BigQuery.</summary>
    public long? LastModifiedTime { get; init; }
}
