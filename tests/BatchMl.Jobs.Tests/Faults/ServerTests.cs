using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>Whole servers, as processes, of which one is killed in the middle of a run.</summary>
[Collection(nameof(FaultsCollection))]
public sealed partial class ServerTests(FlightDelaysRun uninterrupted)
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_is_killed_goes_on_where_it_was_when_it_is_started_again()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        using var folder = new TestFolder();
        string id;
        using (var victim = Serve(workspace, folder))
        {
            id = await BackfillAsync(victim);
            await KillTests.MidwayAsync(workspace, victim);
            victim.Kill();
            await victim.WaitAsync();
        }
        using var next = Serve(workspace, folder);
        await SucceededAsync(next, id);
        await StopAsync(next);
        await workspace.AssertWholeAsync(null);
    }

    [Fact]
    public async Task Of_two_servers_on_one_PostgreSQL_the_one_takes_up_what_the_other_had_when_it_was_killed()
    {
        using var database = await PostgresServer.StartAsync();
        var address = database.Address();
        using var workspace = new ScoringWorkspace(uninterrupted, postgres: address);
        await Workspaces.MoveCatalogAsync(workspace.Path, address);
        using var folder = new TestFolder();
        // The other comes when the one is at work already.
        using var victim = Serve(workspace, folder, "--storage", address);
        var id = await BackfillAsync(victim);
        await KillTests.MidwayAsync(workspace, victim);
        using var other = Serve(workspace, folder, "--storage", address);
        await UrlAsync(other);
        victim.Kill();
        await SucceededAsync(other, id);
        await StopAsync(other);
        await workspace.AssertWholeAsync(null);
    }

    static JobsProcess Serve(ScoringWorkspace workspace, TestFolder folder, params string[] more)
    {
        Directory.CreateDirectory(folder.At("schedules"));
        return JobsProcess.Start(["serve", "--urls", "http://127.0.0.1:0", "--workspace", workspace.Path, "--schedules", folder.At("schedules"), .. more]);
    }

    static async Task<Uri> UrlAsync(JobsProcess server)
    {
        while (true)
        {
            if (Listening().Match(server.Error) is { Success: true } match) return new Uri(match.Value);
            Assert.False(server.HasExited, server.Output + server.Error);
            await Task.Delay(20, Cancel);
        }
    }

    static async Task<string> BackfillAsync(JobsProcess server)
    {
        using var client = new HttpClient { BaseAddress = await UrlAsync(server) };
        using var answer = await client.PostAsJsonAsync("api/v1/backfills", new { job = ScoringWorkspace.Job, from = "2013-10-01", to = "2014-01-01" }, Cancel);
        var queued = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(answer.IsSuccessStatusCode, queued.ToString());
        return queued.GetProperty("id").GetString()!;
    }

    static async Task SucceededAsync(JobsProcess server, string id)
    {
        using var client = new HttpClient { BaseAddress = await UrlAsync(server) };
        while (true)
        {
            var run = await client.GetFromJsonAsync<JsonElement>($"api/v1/queue/{id}", Cancel);
            var state = run.GetProperty("state").GetString()!;
            if (state.Equals("succeeded", StringComparison.OrdinalIgnoreCase)) return;
            Assert.False(state.ToLowerInvariant() is "failed" or "cancelled" or "skipped", $"{run}{server.Output}{server.Error}");
            await Task.Delay(50, Cancel);
        }
    }

    // As a service is stopped: SIGTERM.
    static async Task StopAsync(JobsProcess server)
    {
        server.Terminate();
        await server.WaitAsync();
        Assert.True(server.ExitCode == 0, server.Output + server.Error);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Listening();
}
