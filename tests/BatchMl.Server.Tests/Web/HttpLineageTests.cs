using System.Text;
using System.Text.Json.Nodes;
using BatchMl.Lineage;
using BatchMl.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace BatchMl.Server.Tests.Web;

/// <summary>Lineage to a receiver over real HTTP.</summary>
public sealed class HttpLineageTests
{
    [Fact]
    public async Task A_run_sends_its_events_in_order_with_the_key()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await TestServer.StartAsync();
        var run = await RunAsync(server, receiver.To("a key"));
        Assert.Equal(RunState.Completed, run.State);
        Assert.Equal(Events(server), receiver.Got);
        Assert.All(receiver.Keys, k => Assert.Equal("Bearer a key", k));
        Assert.Equal(["START", "COMPLETE"], receiver.Got.Select(e => JsonNode.Parse(e)!).Where(e => e["run"]!["runId"]!.GetValue<string>() == run.RunId).Select(e => e["eventType"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_receiver_that_is_down_fails_no_run_and_gets_all_of_it_when_it_is_back()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await TestServer.StartAsync();
        var gone = receiver.To(null);
        await receiver.DisposeAsync();
        var notes = new List<string>();
        Assert.Equal(RunState.Completed, (await RunAsync(server, gone, notes)).State);
        Assert.Contains(notes, n => n.Contains("does not take them now"));

        await using var back = await Receiver.StartAsync(gone.Url.Port);
        server.Job.With("2013-11-01");
        Assert.Equal(RunState.Completed, (await RunAsync(server, gone)).State);
        Assert.Equal(Events(server), back.Got);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(401)]
    [InlineData(302)]
    public async Task Delivery_stops_at_what_is_not_taken_and_goes_on_there_and_what_was_not_noted_comes_again_byte_for_byte(int status)
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await TestServer.StartAsync();
        await RunAsync(server, null);
        var environment = server.Environment with { LineageReceiver = receiver.To(null) };
        receiver.Answer = n => n == 5 ? status : 201;
        Assert.Contains($"{status}", await new HttpLineage(environment).DeliverAsync(default));
        Assert.Equal(Events(server).Take(4), receiver.Got);

        receiver.Answer = _ => 201;
        Assert.Null(await new HttpLineage(environment).DeliverAsync(default));
        Assert.Equal(Events(server), receiver.Got);

        // As if the process had been killed before it noted how far it was.
        foreach (var cursor in Directory.GetFiles(server.Environment.Workspace.Lineage, "*.cursor")) await File.WriteAllTextAsync(cursor, $"{Path.GetFileName(Directory.GetFiles(server.Environment.Workspace.Lineage, "*.ndjson")[0])} 0");
        await new HttpLineage(environment).DeliverAsync(default);
        Assert.Equal([.. Events(server), .. Events(server)], receiver.Got);
    }

    [Fact]
    public async Task What_the_receiver_refuses_for_good_is_kept_and_holds_nothing_up()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await TestServer.StartAsync();
        await RunAsync(server, null);
        receiver.Answer = n => n == 2 ? 422 : 201;
        Assert.Null(await new HttpLineage(server.Environment with { LineageReceiver = receiver.To(null) }).DeliverAsync(default));
        Assert.Equal(Events(server).Where((_, i) => i != 1), receiver.Got);
        var refused = Assert.Single(Directory.GetFiles(server.Environment.Workspace.Lineage, "*.refused"));
        Assert.Equal(Events(server)[1] + "\n", await File.ReadAllTextAsync(refused));
    }

    [Fact]
    public async Task A_line_that_is_still_being_written_is_sent_when_it_is_whole()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var server = await TestServer.StartAsync();
        await RunAsync(server, null);
        var file = Directory.GetFiles(server.Environment.Workspace.Lineage, "*.ndjson")[0];
        var whole = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, whole[..^10]);
        var http = new HttpLineage(server.Environment with { LineageReceiver = receiver.To(null) });
        Assert.Null(await http.DeliverAsync(default));
        Assert.Equal(Encoding.UTF8.GetString(whole).Split('\n')[..^2], receiver.Got);
        await File.WriteAllBytesAsync(file, whole);
        Assert.Null(await http.DeliverAsync(default));
        Assert.Equal(Events(server), receiver.Got);
    }

    static Task<RunSummary> RunAsync(TestServer server, LineageReceiver? receiver, List<string>? notes = null) =>
        new Runner(server.Environment with { LineageReceiver = receiver }, new Listener(notes ?? [])).RunAsync(server.Job, new RunRequest(), "run", CancellationToken.None);

    static string[] Events(TestServer server) => [.. Directory.GetFiles(server.Environment.Workspace.Lineage, "*.ndjson").Order(StringComparer.Ordinal).SelectMany(File.ReadLines)];

    sealed class Listener(List<string> notes) : RunListener
    {
        public override void Note(string line) => notes.Add(line);
    }

    sealed class Receiver : IAsyncDisposable
    {
        WebApplication? web;
        int count;

        public List<string> Got { get; } = [];
        public List<string> Keys { get; } = [];

        /// <summary>What the n-th request is answered, from 1; what is not 2xx is not kept.</summary>
        public Func<int, int> Answer { get; set; } = _ => 201;

        public LineageReceiver To(string? key) => new(new Uri(web!.Urls.First() + "/api/v1/lineage"), key);

        public static async Task<Receiver> StartAsync(int port = 0)
        {
            var receiver = new Receiver();
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
            var web = receiver.web = builder.Build();
            web.MapPost("/api/v1/lineage", async (HttpRequest r) =>
            {
                var text = await new StreamReader(r.Body).ReadToEndAsync();
                var status = receiver.Answer(++receiver.count);
                if (status is 200 or 201)
                {
                    receiver.Got.Add(text);
                    receiver.Keys.Add(r.Headers.Authorization.ToString());
                }
                return Results.StatusCode(status);
            });
            await web.StartAsync();
            return receiver;
        }

        public async ValueTask DisposeAsync()
        {
            if (web is null) return;
            await web.DisposeAsync();
            web = null;
        }
    }
}
