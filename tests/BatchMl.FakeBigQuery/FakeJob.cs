using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>A job.</summary>
sealed class FakeJob(string project, string location, string id, JsonObject configuration, string? media, int polls)
{
    public string Project { get; } = project;

    public string Location { get; } = location;

    public string Id { get; } = id;

    public JsonObject Configuration { get; } = configuration;

    /// <summary>The file that came along; null: none.</summary>
    public string? Media { get; set; } = media;

    /// <summary>So often it is still running.</summary>
    public int PollsLeft { get; set; } = polls;

    public string State { get; set; } = "RUNNING";

    public FakeError? Error { get; set; }

    public JsonObject Statistics { get; } = [];

    /// <summary>Of a SELECT: its columns.</summary>
    public IReadOnlyList<Field> Fields { get; set; } = [];

    /// <summary>Of a SELECT: its rows in DuckDB.</summary>
    public string ResultSql => $"__results.{Duck.Quote($"{Project}:{Location}.{Id}")}";

    public bool IsQuery => Configuration["query"] is not null;

    public JsonObject Show()
    {
        var status = new JsonObject { ["state"] = State };
        if (Error is not null)
        {
            status["errorResult"] = Error.Proto;
            status["errors"] = new JsonArray(Error.Proto);
        }
        return new()
        {
            ["kind"] = "bigquery#job",
            ["etag"] = $"{Id}-{State}",
            ["id"] = $"{Project}:{Location}.{Id}",
            ["jobReference"] = new JsonObject { ["projectId"] = Project, ["jobId"] = Id, ["location"] = Location },
            ["configuration"] = Configuration.DeepClone(),
            ["status"] = status,
            ["statistics"] = Statistics.DeepClone(),
            ["user_email"] = "somebody@example.com",
        };
    }
}
