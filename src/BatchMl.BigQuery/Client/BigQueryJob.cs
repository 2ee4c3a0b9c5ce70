using System.Text.Json.Serialization;

namespace BatchMl.BigQuery.Client;

/// <summary>A job: what was asked for, how it stands, what it did.</summary>
public sealed record BigQueryJob
{
    /// <summary>Its name; null: of a dry run.</summary>
    public JobReference? JobReference { get; init; }

    /// <summary>What was asked for.</summary>
    public required JobConfiguration Configuration { get; init; }

    /// <summary>How it stands; set by BigQuery.</summary>
    public JobStatus? Status { get; init; }

    /// <summary>What it did; set by BigQuery.</summary>
    public JobStatistics? Statistics { get; init; }

    /// <summary>Who asked; set by BigQuery.</summary>
    [JsonPropertyName("user_email")]
    public string? UserEmail { get; init; }
}

/// <summary>How a job stands.</summary>
public sealed record JobStatus
{
    /// <summary><c>PENDING</c>, <c>RUNNING</c> or <c>DONE</c>, which is not success.</summary>
    public string? State { get; init; }

    /// <summary>Why it failed; null: it did not.</summary>
    public JobError? ErrorResult { get; init; }

    /// <summary>Errors and warnings; those of a job without <see cref="ErrorResult"/> are warnings.</summary>
    public IReadOnlyList<JobError>? Errors { get; init; }

    /// <summary>Whether it is over, however it ended.</summary>
    [JsonIgnore]
    public bool IsDone => State == "DONE";
}

/// <summary>An error of a job.</summary>
/// <param name="Reason">Google's word for it, e.g. <c>invalid</c>.</param>
/// <param name="Message">For people; never to be matched.</param>
/// <param name="Location">What it is about; null: not said.</param>
public sealed record JobError(string? Reason, string? Message, string? Location = null);

/// <summary>What a job did.</summary>
public sealed record JobStatistics
{
    /// <summary>When it was asked for, in milliseconds since 1970.</summary>
    public long? CreationTime { get; init; }

    /// <summary>When it began, in milliseconds since 1970.</summary>
    public long? StartTime { get; init; }

    /// <summary>When it was over, in milliseconds since 1970.</summary>
    public long? EndTime { get; init; }

    /// <summary>What it would read, or read.</summary>
    public long? TotalBytesProcessed { get; init; }

    /// <summary>Slots times milliseconds.</summary>
    public long? TotalSlotMs { get; init; }

    /// <summary>Of a load job; null: it is none.</summary>
    public LoadStatistics? Load { get; init; }

    /// <summary>Of a query job; null: it is none.</summary>
    public QueryStatistics? Query { get; init; }

    /// <summary>Of a copy job; null: it is none.</summary>
    public CopyStatistics? Copy { get; init; }
}

/// <summary>What a load job did.</summary>
public sealed record LoadStatistics
{
    /// <summary>Files read.</summary>
    public long? InputFiles { get; init; }

    /// <summary>Bytes read.</summary>
    public long? InputFileBytes { get; init; }

    /// <summary>Rows that are in the table now: to be compared with the rows written.</summary>
    public long? OutputRows { get; init; }

    /// <summary>Bytes that are in the table now.</summary>
    public long? OutputBytes { get; init; }

    /// <summary>Rows left out.</summary>
    public long? BadRecords { get; init; }
}

/// <summary>What a query job did, or a dry run would do.</summary>
public sealed record QueryStatistics
{
    /// <summary>Bytes read.</summary>
    public long? TotalBytesProcessed { get; init; }

    /// <summary>Bytes that are paid for.</summary>
    public long? TotalBytesBilled { get; init; }

    /// <summary>Of a dry run: <c>PRECISE</c>, <c>LOWER_BOUND</c> or <c>UPPER_BOUND</c>.</summary>
    public string? TotalBytesProcessedAccuracy { get; init; }

    /// <summary>Whether the answer was there already.</summary>
    public bool? CacheHit { get; init; }

    /// <summary><c>SELECT</c>, <c>MERGE</c> and others.</summary>
    public string? StatementType { get; init; }

    /// <summary>Rows that a statement changed.</summary>
    public long? NumDmlAffectedRows { get; init; }

    /// <summary>Rows that a statement changed, by how.</summary>
    public DmlStatistics? DmlStats { get; init; }

    /// <summary>Of a dry run: the columns of the answer.</summary>
    public BigQuerySchema? Schema { get; init; }
}

/// <summary>Rows that a statement changed.</summary>
public sealed record DmlStatistics
{
    /// <summary>New ones.</summary>
    public long? InsertedRowCount { get; init; }

    /// <summary>Changed ones.</summary>
    public long? UpdatedRowCount { get; init; }

    /// <summary>Removed ones.</summary>
    public long? DeletedRowCount { get; init; }
}

/// <summary>What a copy job did.</summary>
public sealed record CopyStatistics
{
    /// <summary>Rows copied.</summary>
    public long? CopiedRows { get; init; }

    /// <summary>Bytes copied.</summary>
    public long? CopiedLogicalBytes { get; init; }
}
