using System.Text.Json.Serialization;

namespace BatchMl.BigQuery.Client;

/// <summary>Names a dataset.</summary>
/// <param name="ProjectId">The project that owns it.</param>
/// <param name="DatasetId">Letters, digits and <c>_</c>.</param>
public sealed record DatasetReference(string ProjectId, string DatasetId)
{
    /// <summary>A table of it.</summary>
    public TableReference Table(string tableId) => new(ProjectId, DatasetId, tableId);

    /// <summary>As BigQuery writes it, <c>project:dataset</c>.</summary>
    public override string ToString() => $"{ProjectId}:{DatasetId}";
}

/// <summary>Names a table, or one partition of it by a decorator (<c>scores$20261030</c>).</summary>
/// <param name="ProjectId">The project that owns it.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="TableId">Its name, with or without a decorator.</param>
public sealed record TableReference(string ProjectId, string DatasetId, string TableId)
{
    /// <summary>The dataset that it is in.</summary>
    [JsonIgnore]
    public DatasetReference Dataset => new(ProjectId, DatasetId);

    /// <summary>The table without a decorator.</summary>
    [JsonIgnore]
    public TableReference Whole => TableId.IndexOf('$', StringComparison.Ordinal) is > 0 and var at ? this with { TableId = TableId[..at] } : this;

    /// <summary>One partition of it.</summary>
    /// <param name="decorator">From <see cref="PartitionDecorator"/>.</param>
    public TableReference Partition(string decorator) => this with { TableId = $"{Whole.TableId}${decorator}" };

    /// <summary>In back-quotes, as a query names it.</summary>
    public string ToSql() => $"`{ProjectId}`.`{DatasetId}`.`{TableId}`";

    /// <summary>As BigQuery writes it, <c>project:dataset.table</c>.</summary>
    public override string ToString() => $"{ProjectId}:{DatasetId}.{TableId}";
}

/// <summary>Names a job. Ids are used once per project and location, by a failed job too.</summary>
/// <param name="ProjectId">The project that is billed.</param>
/// <param name="JobId">Letters, digits, <c>_</c> and <c>-</c>, 1,024 at most.</param>
/// <param name="Location">Where it runs; null: US or EU.</param>
public sealed record JobReference(string ProjectId, string JobId, string? Location = null)
{
    /// <summary>As BigQuery writes it, <c>project:location.job</c>.</summary>
    public override string ToString() => Location is null ? $"{ProjectId}:{JobId}" : $"{ProjectId}:{Location}.{JobId}";
}
