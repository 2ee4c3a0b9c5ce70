namespace BatchMl.BigQuery.Client;

/// <summary>An error of BigQuery, or on the way to it.</summary>
public sealed class BigQueryException : BatchMlException
{
    internal BigQueryException(string message, FailureKind kind = FailureKind.Permanent, Exception? inner = null) : base(message, kind, inner)
    {
    }

    /// <summary>Google's word for it, e.g. <c>notFound</c>; null: it did not say one.</summary>
    public string? Reason { get; internal init; }

    /// <summary>Of HTTP; null: a job's error, or no answer.</summary>
    public int? Status { get; internal init; }

    /// <summary>The job that failed; null: not about a job.</summary>
    public string? JobId { get; internal init; }

    /// <summary>Where the job was; null: not about a job, or not said.</summary>
    public string? Location { get; internal init; }

    /// <summary>What Google said, as it said it; null: nothing.</summary>
    public string? Said { get; internal init; }

    /// <summary>Whether what was asked for does not exist.</summary>
    public bool IsNotFound => Reason == "notFound" || Reason is null && Status == 404;

    /// <summary>Whether what was to be made exists.</summary>
    public bool IsDuplicate => Reason is "duplicate" or "alreadyExists" || Reason is null && Status == 409;

    /// <summary>Whether what was to be changed is not as it was when it was read.</summary>
    public bool IsStale => Status == 412;
}
