using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>An error as BigQuery answers it. Statuses and reasons: cloud.google.com/bigquery/docs/error-messages.</summary>
sealed class FakeError(int status, string reason, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Reason { get; } = reason;

    /// <summary>The body of a refused call.</summary>
    public JsonObject Body => Json(Status, Reason, Message);

    /// <summary>The error of a job that failed, which is answered with HTTP 200.</summary>
    public JsonObject Proto => new() { ["reason"] = Reason, ["message"] = Message };

    public static JsonObject Json(int status, string reason, string message) => new()
    {
        ["error"] = new JsonObject
        {
            ["code"] = status,
            ["message"] = message,
            ["status"] = status switch { 400 => "INVALID_ARGUMENT", 401 => "UNAUTHENTICATED", 403 => "PERMISSION_DENIED", 404 => "NOT_FOUND", 409 => "ALREADY_EXISTS", 412 => "FAILED_PRECONDITION", 503 => "UNAVAILABLE", _ => "INTERNAL" },
            ["errors"] = new JsonArray(new JsonObject { ["domain"] = "global", ["reason"] = reason, ["message"] = message }),
        },
    };

    public static FakeError Invalid(string message) => new(400, "invalid", message);

    public static FakeError InvalidQuery(string message) => new(400, "invalidQuery", message);

    public static FakeError NotFound(string message) => new(404, "notFound", message);

    public static FakeError Duplicate(string message) => new(409, "duplicate", message);

    public static FakeError Unsupported(string what) => new(501, "notImplemented", $"The stand-in for BigQuery can not do this: {what}");
}
