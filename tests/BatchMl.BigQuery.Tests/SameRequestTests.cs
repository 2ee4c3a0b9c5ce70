using System.Text.Json.Nodes;
using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>For the same thing this client sends what Google's own client sends: method, address and body, apart from what each is free to choose.</summary>
public sealed class SameRequestTests
{
    [Fact]
    public async Task Making_a_table()
    {
        await using var bq = await StartAsync();
        await bq.Client.Tables.InsertAsync(new()
        {
            TableReference = bq.Dataset.Table("t"), Schema = new([Column("day", "DATE", "REQUIRED"), Column("id", "INTEGER")]), TimePartitioning = new() { Type = "DAY", Field = "day", ExpirationMs = 86_400_000 },
            Clustering = new(["id"]), RequirePartitionFilter = true, Labels = new Dictionary<string, string> { ["a"] = "b" }, Description = "d",
        }, Cancellation);
        await Same(bq, "POST", "/tables", "create", "ml.u", """
            {"schema":[{"name":"day","type":"DATE","mode":"REQUIRED"},{"name":"id","type":"INTEGER"}],"timePartitioning":{"type":"DAY","field":"day","expirationMs":"86400000"},
             "clustering":{"fields":["id"]},"requirePartitionFilter":true,"labels":{"a":"b"},"description":"d"}
            """);
    }

    [Fact]
    public async Task Loading_a_file()
    {
        await using var bq = await StartAsync();
        var file = bq.Days(1);
        var load = Load(bq.Dataset.Table("t"), WriteDisposition.Truncate);
        await bq.Client.Jobs.RunAsync("ours", load with { Load = load.Load! with { TimePartitioning = new() { Type = "DAY", Field = "day" } } }, file, Cancellation);
        await Same(bq, "POST", "/jobs", "load", "ml.u", file, """
            {"sourceFormat":"PARQUET","jobId":"theirs","writeDisposition":"WRITE_TRUNCATE","parquetOptions":{"enableListInference":true},"timePartitioning":{"type":"DAY","field":"day"},
             "schema":{"fields":[{"name":"day","type":"DATE"},{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"},{"name":"score","type":"FLOAT"}]}}
            """);
        // And then both ask how it stands, in the same way.
        var asked = bq.Fake.Requests.Where(r => r.Method == "GET" && r.Path.Contains("/jobs/", StringComparison.Ordinal)).GroupBy(r => r.Path).Select(g => Known(g.First())).ToList();
        Assert.Equal(["location=EU", "location=EU"], asked);
    }

    [Fact]
    public async Task Changing_a_table()
    {
        await using var bq = await StartAsync();
        await bq.TableAsync("t");
        await bq.TableAsync("u");
        await bq.Client.Tables.PatchAsync(bq.Dataset.Table("t"), new JsonObject { ["description"] = "d", ["labels"] = new JsonObject { ["a"] = "b", ["gone"] = null } }, cancellation: Cancellation);
        await Same(bq, "PATCH", "/tables/", "patch", "ml.u", """{"description":"d","labels":{"a":"b","gone":null}}""");
    }

    [Fact]
    public async Task Asking_a_query()
    {
        await using var bq = await StartAsync();
        await bq.TableAsync("t");
        const string sql = "SELECT id FROM t WHERE day = '2026-10-01'";
        await bq.Client.Jobs.RunAsync("ours", new() { Labels = new Dictionary<string, string> { ["a"] = "b" }, Query = new() { Query = sql, DefaultDataset = bq.Dataset, MaximumBytesBilled = 1_000_000_000, DestinationTable = bq.Dataset.Table("out"), WriteDisposition = WriteDisposition.Truncate } }, cancellation: Cancellation);
        await Same(bq, "POST", "/jobs", "job", """
            {"jobId":"theirs","location":"EU","configuration":{"labels":{"a":"b"},"query":{"query":"SQL","useLegacySql":false,"defaultDataset":{"projectId":"test-project","datasetId":"ml"},
             "maximumBytesBilled":"1000000000","destinationTable":{"projectId":"test-project","datasetId":"ml","tableId":"out"},"writeDisposition":"WRITE_TRUNCATE"}}}
            """.Replace("SQL", sql, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Copying_a_table()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync("t");
        await bq.Client.Jobs.RunAsync("ours", new() { Copy = new() { SourceTable = table, DestinationTable = bq.Dataset.Table("u"), WriteDisposition = WriteDisposition.Truncate } }, cancellation: Cancellation);
        await Same(bq, "POST", "/jobs", "job", """
            {"jobId":"theirs","location":"EU","configuration":{"copy":{"sourceTable":{"projectId":"test-project","datasetId":"ml","tableId":"t"},
             "destinationTable":{"projectId":"test-project","datasetId":"ml","tableId":"u"},"writeDisposition":"WRITE_TRUNCATE"}}}
            """);
    }

    /// <summary>Lets Google's client do the same, and compares the two requests.</summary>
    static async Task Same(BigQueryFixture bq, string method, string path, params string[] operation)
    {
        var ours = Assert.Single(bq.Fake.Requests, Is);
        var before = bq.Fake.Requests.Count;
        var answer = await Node.RunAsync("operate.mjs", [bq.Fake.Url, .. operation]);
        Assert.False(answer[operation[0]] is JsonObject { } error && error.ContainsKey("code"), answer[operation[0]]?.ToJsonString());
        var theirs = Assert.Single(bq.Fake.Requests.Skip(before), Is);

        Assert.Equal((theirs.Method, Named(theirs.Path), Known(theirs)), (ours.Method, Named(ours.Path), Known(ours)));
        Assert.True(JsonNode.DeepEquals(Normal(theirs.Json!), Normal(ours.Json!)), $"Google's client: {Normal(theirs.Json!).ToJsonString()}{Environment.NewLine}this client:     {Normal(ours.Json!).ToJsonString()}");

        bool Is(FakeRequest request) => request.Method == method && request.Path.Contains(path, StringComparison.Ordinal) && !request.Path.EndsWith("/datasets", StringComparison.Ordinal);
    }

    /// <summary>Parameters apart from how the answer's JSON is laid out.</summary>
    static string Known(FakeRequest request) => string.Join('&', request.Query.Where(q => q.Key != "prettyPrint").OrderBy(q => q.Key, StringComparer.Ordinal).Select(q => $"{q.Key}={q.Value}"));

    /// <summary>The names that differ: of the tables, and of the jobs.</summary>
    static string Named(string text) => text.Replace("/tables/u", "/tables/t", StringComparison.Ordinal);

    static JsonNode Normal(JsonObject body)
    {
        var text = body.ToJsonString().Replace("\"tableId\":\"u\"", "\"tableId\":\"t\"", StringComparison.Ordinal).Replace("ours_a1", "job", StringComparison.Ordinal).Replace("theirs", "job", StringComparison.Ordinal);
        var node = JsonNode.Parse(text)!;
        // Google's client names a new table once more beside its reference.
        (node as JsonObject)?.Remove("name");
        // And puts a load's location where BigQuery knows none, beside the right place.
        (node["configuration"]?["load"] as JsonObject)?.Remove("location");
        return node;
    }
}
