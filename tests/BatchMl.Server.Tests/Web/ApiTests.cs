using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchMl.Operations;
using BatchMl.Runs;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace BatchMl.Server.Tests.Web;

/// <summary>The JSON API over real HTTP.</summary>
public sealed class ApiTests
{
    const string Nightly = "job: demo/score\ncron: 0 6 * * *\nzone: Europe/Berlin\n";

    [Fact]
    public async Task Partitions_say_how_they_stand_page_by_page()
    {
        await using var server = await TestServer.StartAsync();
        await server.FillAsync();
        using var client = server.Client();
        await UntilAsync(async () => (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score"))["total"]!.GetValue<int>() == 9);

        var first = await JsonAsync(client, "/api/v1/partitions?dataset=demo/score&limit=4");
        Assert.Equal(["published", "published", "dead_letters", "published"], first["items"]!.AsArray().Select(i => i!["state"]!.GetValue<string>()));
        var rest = await JsonAsync(client, $"/api/v1/partitions?dataset=demo/score&limit=1000&cursor={first["next"]}");
        Assert.Equal(["failed", "missing", "missing", "missing", "missing"], rest["items"]!.AsArray().Select(i => i!["state"]!.GetValue<string>()));
        Assert.Null(rest["next"]);
        Assert.Contains("<b>distance</b>", rest["items"]![0]!["reason"]!.GetValue<string>());
        var ranged = await JsonAsync(client, "/api/v1/partitions?dataset=demo/score&from=2013-10-02&to=2013-10-04&state=published");
        Assert.Equal("2013-10-02", Assert.Single(ranged["items"]!.AsArray())!["value"]!.GetValue<string>());

        var one = await JsonAsync(client, "/api/v1/partition?dataset=demo/score&value=2013-10-03");
        Assert.Equal(2, one["partition"]!["dead_letters"]!.GetValue<long>());
        Assert.Equal("2013-10-03", one["manifest"]!["partition"]!["key"]!["value"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_another_model_version_made_is_there_until_this_one_makes_it()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        // A dataset that nothing but versions are of goes by the name of its job.
        server.Job.Dataset = "demo/score@1";
        await RunAsync(["2013-10-08"]);
        await UntilAsync(async () => (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score"))["items"]!.AsArray().Any(i => $"{i!["dataset"]} {i["state"]}" == "demo/score@1 published"));
        // Made without versions; then kept, by version 1; then by version 2, which has made a day so far; then no longer kept.
        server.Job.Dataset = null;
        await server.FillAsync();
        server.Job.Dataset = "demo/score@1";
        await RunAsync(["2013-10-02", "2013-10-03"]);
        server.Job.Dataset = "demo/score@2";
        await RunAsync(["2013-10-01"]);
        await UntilAsync(async () => (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score@2"))["total"]!.GetValue<int>() == 9);
        var second = (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score@2&limit=1000"))["items"]!.AsArray();
        Assert.Equal(["demo/score@2 published", "demo/score@1 published", "demo/score@1 dead_letters", "demo/score published", "demo/score@2 missing"], second.Take(5).Select(i => $"{i!["dataset"]} {i["state"]}"));
        Assert.Contains("demo/score@1 has it", second[1]!["reason"]!.GetValue<string>());

        server.Job.Dataset = null;
        server.Job.Inputs["2013-10-04"] = "changed";
        await RunAsync(["2013-10-09"]);
        await UntilAsync(async () => (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score"))["items"]!.AsArray().Any(i => i!["state"]!.GetValue<string>() == "changed"));
        var off = (await JsonAsync(client, "/api/v1/partitions?dataset=demo/score&limit=1000"))["items"]!.AsArray();
        Assert.Equal(["published", "published", "dead_letters", "changed", "failed"], off.Take(5).Select(i => i!["state"]!.GetValue<string>()));
        var datasets = (await JsonAsync(client, "/api/v1/datasets")).AsArray();
        Assert.Contains(datasets, d => d!["name"]!.GetValue<string>() == "demo/score@1" && d["description"]!.GetValue<string>() == "What version 1 of the model scored of demo/score");

        async Task RunAsync(string[] days) => Assert.Equal(0, (await new Runner(server.Environment, new Quiet()).RunAsync(server.Job, new RunRequest { Only = [.. days.Select(d => new Data.PartitionKey("folder", server.Job.Dataset ?? "demo/score", "day", d))] }, "run", CancellationToken.None)).ExitCode);
    }

    sealed class Quiet : RunListener;

    [Fact]
    public async Task Runs_are_told_with_their_attempts()
    {
        await using var server = await TestServer.StartAsync();
        var summary = await server.FillAsync();
        using var client = server.Client();
        var run = await JsonAsync(client, $"/api/v1/runs/{summary.RunId}");
        Assert.Equal("failed", run["run"]!["state"]!.GetValue<string>());
        Assert.Equal(5, run["attempts"]!.AsArray().Count);
        Assert.Equal(4, run["summary"]!["steps"]![0]!["done"]!.GetValue<int>());
        Assert.Equal(10, (await JsonAsync(client, $"/api/v1/runs/{summary.RunId}/lineage?limit=10")).AsArray().Count);
        Assert.Equal(summary.RunId, (await JsonAsync(client, "/api/v1/runs"))[0]!["run_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_is_asked_for_is_queued_once_with_who_asked()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        var response = await client.PostAsJsonAsync("/api/v1/backfills", new { job = "demo/score", from = "2013-10-02", to = "2013-10-05", max_parallel = 2, order = "newest", scope = "failed" });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var asked = await JsonAsync(client, response.Headers.Location!.ToString());
        Assert.Equal(("backfill", "demo/score", "local"), (asked["verb"]!.GetValue<string>(), asked["job"]!.GetValue<string>(), asked["requested_by"]!.GetValue<string>()));
        var queued = Assert.Single(await server.Operations.QueueAsync(new QueueFilter([]), default));
        var request = JsonSerializer.Deserialize<RunRequest>(queued.RequestJson)!;
        Assert.Equal((new DateOnly(2013, 10, 2), new DateOnly(2013, 10, 5), 2, PartitionOrder.Newest, RunScope.Failed), (request.From!.Value, request.To!.Value, request.MaxParallel, request.Order, request.Scope));
        Assert.Equal(("local", "run.backfill", "demo/score"), (await server.Operations.AuditAsync(1, null, default)).Select(e => (e.Actor, e.Action, e.Target)).Single());
    }

    [Theory]
    [InlineData("GET", "/api/v1/runs/nope", null, 404)]
    [InlineData("GET", "/api/v1/partitions?dataset=nope", null, 404)]
    [InlineData("GET", "/api/v1/partition?dataset=demo/score&value=nope", null, 404)]
    [InlineData("GET", "/api/v1/schedules/nope", null, 404)]
    [InlineData("GET", "/api/v1/nope", null, 404)]
    [InlineData("GET", "/api/v1/runs?limit=0", null, 400)]
    [InlineData("GET", "/api/v1/runs?limit=many", null, 400)]
    [InlineData("GET", "/api/v1/partitions?dataset=demo/score&cursor=x", null, 400)]
    [InlineData("GET", "/api/v1/partitions", null, 400)]
    [InlineData("POST", "/api/v1/runs", "{\"job\":\"demo/skore\"}", 400)]
    [InlineData("POST", "/api/v1/runs", "{\"job\":", 400)]
    [InlineData("POST", "/api/v1/backfills", "{\"job\":\"demo/score\",\"from\":\"2013-10-05\",\"to\":\"2013-10-02\"}", 400)]
    [InlineData("POST", "/api/v1/backfills", "{\"job\":\"demo/score\",\"from\":\"2013-10-05\",\"to\":\"2013-10-06\",\"order\":\"sideways\"}", 400)]
    [InlineData("POST", "/api/v1/backfills", "{\"job\":\"demo/score\",\"from\":\"2013-10-05\",\"to\":\"2013-10-06\",\"max_parallel\":0}", 400)]
    [InlineData("POST", "/api/v1/runs/nope/retry", null, 404)]
    [InlineData("POST", "/api/v1/runs/{published}/replay", null, 409)]
    [InlineData("POST", "/api/v1/queue/nope/cancel", null, 404)]
    [InlineData("POST", "/api/v1/schedules/nope/pause", null, 404)]
    public async Task What_can_not_be_done_is_told_as_problem_details(string method, string path, string? body, int status)
    {
        await using var server = await TestServer.StartAsync();
        if (path.Contains("{published}"))
        {
            foreach (var day in server.Job.Inputs.Keys.Where(d => d != "2013-10-01").ToArray()) server.Job.Inputs.Remove(day, out _);
            path = path.Replace("{published}", (await server.FillAsync()).RunId);
        }
        using var client = server.Client();
        var response = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body, null, "application/json") });
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(status, problem["status"]!.GetValue<int>());
        Assert.True(problem["title"]!.GetValue<string>().Length > 0);
        if (body?.Contains("skore") == true) Assert.Contains("demo/score", problem["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_OpenAPI_document_is_valid_and_has_every_operation_with_its_answers()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        var (document, diagnostic) = await OpenApiDocument.LoadAsync(await client.GetStreamAsync("/openapi/v1.json"), "json");
        Assert.Empty(diagnostic!.Errors);
        Assert.Empty(diagnostic.Warnings);
        var operations = document!.Paths.SelectMany(p => p.Value.Operations!.Select(o => (Name: $"{o.Key} {p.Key}", o.Value))).ToArray();
        Assert.True(operations.Length >= 25, $"{operations.Length} operations");
        Assert.All(operations, o => Assert.True(o.Value.Summary?.Length > 0 && o.Value.Responses!.Keys.Any(k => k[0] == '2'), o.Name));
        Assert.Contains("POST /api/v1/backfills", operations.Select(o => o.Name));
        Assert.DoesNotContain(operations, o => o.Name.Contains("/login") || o.Name.Contains("/reports"));
    }

    static async Task<JsonNode> JsonAsync(HttpClient client, string path)
    {
        var response = await client.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    internal static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var tries = 0; !await isSo(); tries++)
        {
            Assert.True(tries < 600, "It did not come to be so in a minute.");
            await Task.Delay(100);
        }
    }
}
