using System.Net.Sockets;
using System.Text.Json;
using Google;
using Google.Apis.Auth.OAuth2.Responses;

namespace BatchMl.BigQuery.Client;

/// <summary>What a call was for.</summary>
/// <param name="Doing">In words, after "BigQuery failed at".</param>
/// <param name="Job">The job that it is about.</param>
sealed record Purpose(string Doing, JobReference? Job = null);

/// <summary>What failed becomes an error that says what to do.</summary>
sealed class BigQueryErrors(BigQueryClientOptions options)
{
    /// <summary>Reasons for which a job, or a call, may do better next time. Of a job: with another id.</summary>
    static readonly HashSet<string> passing =
        ["backendError", "internalError", "jobBackendError", "jobInternalError", "jobRateLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded", "tableUnavailable", "badGateway"];

    /// <summary>Whether a job that failed so may do better with another id.</summary>
    public static bool MayPass(string? reason) => reason is not null && passing.Contains(reason);

    /// <summary>Whether the same call may do better later.</summary>
    public static bool MayPass(int status, string? reason) => status switch
    {
        501 => false,
        408 or 429 or >= 500 => true,
        403 => reason is "rateLimitExceeded" or "userRateLimitExceeded",
        _ => false,
    };

    /// <summary>The error of a call; null: not one of BigQuery's, or cancelled by whoever asked.</summary>
    public BigQueryException? Of(Exception error, Purpose purpose, CancellationToken cancellation) => error switch
    {
        GoogleApiException { HttpStatusCode: 0, InnerException: Newtonsoft.Json.JsonException } or JsonException =>
            Make($"What answers at {options.EffectiveEndpoint} is not BigQuery: at {purpose.Doing} it sent no JSON. Check the endpoint, and what is between: a proxy, or a network that wants one to log in.", FailureKind.Permanent, error, purpose),
        GoogleApiException google => Refused(google, purpose),
        TokenResponseException token => NoToken(token, purpose),
        OperationCanceledException when !cancellation.IsCancellationRequested => Make($"{At} did not answer within {options.Timeout.TotalMinutes:0.#} minutes at {purpose.Doing}. Try again; over a slow line, allow more time or smaller files.", FailureKind.Transient, error, purpose),
        HttpRequestException or IOException or SocketException => Make($"{At} could not be reached at {purpose.Doing}: {Innermost(error)} Check the network, a proxy, and the endpoint.", FailureKind.Transient, error, purpose),
        _ => null,
    };

    /// <summary>The error of a job that is over.</summary>
    public BigQueryException OfJob(BigQueryJob job)
    {
        var error = job.Status!.ErrorResult!;
        var more = (job.Status.Errors ?? []).Where(e => e.Message != error.Message).Select(e => e.Message).Distinct().Take(3).ToList();
        var details = more.Count == 0 ? "" : $" Also: {string.Join(" ", more)}";
        return new BigQueryException($"Job {job.JobReference} of BigQuery failed: {Sentence(error.Message)}{details} ({error.Reason}) {Advice(error.Reason, null, job.JobReference)}".TrimEnd(), MayPass(error.Reason) ? FailureKind.Transient : FailureKind.Permanent)
        {
            Reason = error.Reason, JobId = job.JobReference?.JobId, Location = job.JobReference?.Location, Said = error.Message,
        };
    }

    /// <summary>What was looked for is not where the job was: the same error, with where it is.</summary>
    public static BigQueryException Elsewhere(BigQueryException error, BigQueryDataset dataset, string asked) => new(
        $"Dataset {dataset.DatasetReference} is in '{dataset.Location}', and the job {error.JobId} was to run in '{asked}'. Set the location of BigQuery to '{dataset.Location}', or leave it out. BigQuery said: {Sentence(error.Said)}", FailureKind.Permanent, error)
    {
        Reason = error.Reason, Status = error.Status, JobId = error.JobId, Location = asked, Said = error.Said,
    };

    string At => $"BigQuery at {options.EffectiveEndpoint.Authority}";

    BigQueryException Refused(GoogleApiException error, Purpose purpose)
    {
        var first = error.Error?.Errors?.FirstOrDefault();
        var status = error.HttpStatusCode == 0 ? error.Error?.Code : (int)error.HttpStatusCode;
        var said = first?.Message ?? error.Error?.Message ?? (string.IsNullOrWhiteSpace(error.Error?.ErrorResponseContent) ? "nothing more" : Short(error.Error.ErrorResponseContent));
        var kind = status is { } code && MayPass(code, first?.Reason) || MayPass(first?.Reason) || status == 412 ? FailureKind.Transient : FailureKind.Permanent;
        var what = $"({(first?.Reason is { } reason ? $"{reason}, " : "")}HTTP {status})";
        return new BigQueryException($"{At} refused {purpose.Doing}: {Sentence(said)} {what} {Advice(first?.Reason, status, purpose.Job)}".TrimEnd(), kind, error)
        {
            Reason = first?.Reason, Status = status, JobId = purpose.Job?.JobId, Location = purpose.Job?.Location, Said = said,
        };
    }

    BigQueryException NoToken(TokenResponseException error, Purpose purpose)
    {
        var said = $"{error.Error?.Error}{(string.IsNullOrEmpty(error.Error?.ErrorDescription) ? "" : $": {error.Error.ErrorDescription}")}";
        var advice = error.Error?.Error switch
        {
            "invalid_grant" => "Check this machine's clock, which may differ from Google's by some minutes at most, and whether the key or the log-in was revoked or has expired.",
            "invalid_scope" or "unauthorized_client" or "access_denied" => "The account may not ask for BigQuery's scope: check its rights.",
            _ => "Check the credentials, and whether Google's token server can be reached.",
        };
        var status = (int?)error.StatusCode;
        var kind = status is { } code && MayPass(code, null) ? FailureKind.Transient : FailureKind.Permanent;
        return new BigQueryException($"Google gave no token for {options.Credentials} at {purpose.Doing}: {Sentence(said)} {advice}", kind, error)
        {
            Reason = error.Error?.Error, Status = status, JobId = purpose.Job?.JobId, Location = purpose.Job?.Location, Said = said,
        };
    }

    string Advice(string? reason, int? status, JobReference? job) => (reason, status) switch
    {
        (_, 401) => $"The token is not, or no longer, valid: renew it, or use credentials that renew themselves (a service account, application-default credentials). Asked as: {options.Credentials}.",
        (_, 412) => "It changed since it was read: read it again and repeat the change.",
        ("quotaExceeded", _) => "A quota is used up: wait ten minutes at least, for a daily one until tomorrow, or write fewer partitions, each in one load. Failed jobs count too.",
        ("rateLimitExceeded" or "userRateLimitExceeded" or "jobRateLimitExceeded", _) => "Too much at a time: it was repeated, and refused each time. Run fewer partitions side by side.",
        ("accessDenied" or "forbidden", _) => $"Check that '{options.Project}' is the right project and that {options.Credentials} may read and write its data (BigQuery Data Editor) and run jobs in '{options.BillingProject ?? options.Project}' (BigQuery Job User).",
        ("billingNotEnabled" or "billingTierLimitExceeded", _) => $"Check the billing of project '{options.BillingProject ?? options.Project}'.",
        ("notFound", _) or (_, 404) => $"Check project ('{options.Project}'), dataset and table{(job is null ? "" : $", and the location ({(job.Location is null ? "none given" : $"'{job.Location}'")})")}.",
        ("stopped", _) => "It was cancelled. Run again to do it with a new job.",
        ("bytesBilledLimitExceeded", _) => "Raise the limit on bytes billed, or read fewer partitions or columns.",
        ("resourcesExceeded" or "responseTooLarge", _) => "Do it in smaller parts.",
        _ => "",
    };

    BigQueryException Make(string message, FailureKind kind, Exception inner, Purpose purpose) => new(message, kind, inner) { JobId = purpose.Job?.JobId, Location = purpose.Job?.Location };

    static string Innermost(Exception error) => Sentence(error.GetBaseException().Message);

    static string Sentence(string? text) => string.IsNullOrWhiteSpace(text) ? "nothing more." : text.TrimEnd().EndsWith('.') ? text.Trim() : $"{text.Trim()}.";

    static string Short(string text) => text.Length <= 200 ? text : $"{text[..200]}…";
}
